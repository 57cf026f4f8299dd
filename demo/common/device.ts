// Where a page computes: on WebGPU where there is one, else on the CPU reference, with a banner that says why.
// `?cpu` in the address takes the CPU in any case.
import type { Device } from "wgrad";
import { noWebGpuBanner } from "./banner.ts";
import { findDevice } from "./findDevice.ts";

/** Whether the address asks for the CPU. */
export const wantsCpu = (): boolean => new URLSearchParams(location.search).has("cpu");

/** A device for this page; says it where there is no WebGPU. */
export async function pageDevice(): Promise<Device> {
  const { device, reason } = await findDevice(wantsCpu());
  if (reason && !wantsCpu()) noWebGpuBanner(reason);
  return device;
}
