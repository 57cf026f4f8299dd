// A device wherever there is one, for pages and workers alike.
import { Device, DeviceError } from "wgrad";

export interface Found {
  readonly device: Device;
  /** Why it is the CPU. */
  readonly reason?: string;
}

/** WebGPU where there is one, else the CPU reference, which `cpu` takes in any case. */
export async function findDevice(cpu = false): Promise<Found> {
  if (cpu) return { device: Device.cpu(), reason: "The address says ?cpu." };
  try {
    return { device: await Device.request() };
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return { device: Device.cpu(), reason: error.message };
  }
}
