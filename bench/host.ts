// Where a suite runs: a page of headless Chrome, or Node with Dawn. Suites are modules that runInChrome can call, and that Node imports.
import { fromUrl, type ReadFile } from "../src/data/mnist.ts";
import { GpuDevice } from "../src/gpu/device.ts";
import type { Tuning } from "../src/gpu/tuning.ts";
import type { TuningStore } from "../src/gpu/tuningStore.ts";

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

const tunings = new Map<string, Tuning>();

/** Autotuners' choices, as long as the page or process lives: what one suite has timed, the next one takes. */
export const sessionStore: TuningStore = {
  load: async (key) => tunings.get(key),
  save: async (key, tuning) => void tunings.set(key, tuning),
};
