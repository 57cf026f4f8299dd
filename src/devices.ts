// The ways to a device. index.ts only passes names on: bundlers look through it, and keep of it what a page uses.
import { CpuDevice } from "./cpu/device.ts";
import type { Device as AnyDevice } from "./device.ts";
import { GpuDevice } from "./gpu/device.ts";

/** Where arrays live and programs run. */
export type Device = AnyDevice;

/** The ways to a device. */
export const Device = {
  /** A GPU of our own. Throws DeviceError where there is none. */
  request: GpuDevice.request,
  /** The GPUDevice of another app: nothing of it is changed. */
  from: GpuDevice.from,
  /** The reference: float64, slow, the specification. */
  cpu: (): CpuDevice => new CpuDevice(),
};
