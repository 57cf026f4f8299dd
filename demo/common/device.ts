// Where a page computes that has no worker: on WebGPU where there is one, else on the CPU reference, with a banner that says why.
import type { Device } from "wgrad";
import { wantsCpu } from "./address.ts";
import { noWebGpuBanner } from "./banner.ts";
import { findDevice } from "./findDevice.ts";

/** A device for this page; says it where there is no WebGPU. */
export async function pageDevice(): Promise<Device> {
  const { device, reason } = await findDevice(wantsCpu());
  if (reason && !wantsCpu()) noWebGpuBanner(reason);
  return device;
}
