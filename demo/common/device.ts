// Where a page computes: on WebGPU where there is one, else on the CPU reference, with a banner that says why.
// `?cpu` in the address takes the CPU in any case.
import { Device, DeviceError } from "wgrad";
import { noWebGpuBanner } from "./banner.ts";

export interface Found {
  readonly device: Device;
  /** Why it is the CPU. */
  readonly reason?: string;
}

/** A device, and the reason if it is the CPU; for pages and workers alike. */
export async function findDevice(cpu = false): Promise<Found> {
  if (cpu) return { device: Device.cpu(), reason: "The address says ?cpu." };
  try {
    return { device: await Device.request() };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { device: Device.cpu(), reason: error.message };
  }
}

/** Whether the address asks for the CPU. */
export const wantsCpu = (): boolean => new URLSearchParams(location.search).has("cpu");

/** A device for this page; says it where there is no WebGPU. */
export async function pageDevice(): Promise<Device> {
  const { device, reason } = await findDevice(wantsCpu());
  if (reason && !wantsCpu()) noWebGpuBanner(reason);
  return device;
}
