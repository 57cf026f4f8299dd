// Where a suite runs: a page of headless Chrome, or Node with Dawn. Suites are modules that runInChrome can call, and that Node imports.
import { fromUrl, type ReadFile } from "../src/data/mnist.ts";
import { GpuDevice } from "../src/gpu/device.ts";

export interface Host {
  readonly gpu: GPU;
  /** Reads a MNIST file. */
  readonly read: ReadFile;
}

let current: Host | undefined;

export function setHost(host: Host): void {
  current = host;
}

/** The host that was set; in a page, the page. */
export const host = (): Host => (current ??= { gpu: navigator.gpu, read: fromUrl("/data/mnist") });

export const requestDevice = (): Promise<GpuDevice> => GpuDevice.request({ gpu: host().gpu });
