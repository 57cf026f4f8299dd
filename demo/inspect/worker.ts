// The worker of the page: compiles what is asked for, times it and checks it, away from the page's thread.
import { expose } from "comlink";
import { type Device, type DispatchCheck, type GpuProgram, printPlan } from "wgrad";
import { findDevice } from "../common/findDevice.ts";
import { type Description, describe } from "./describe.ts";
import { make, type Ready, type Request } from "./programs.ts";

export interface Compiled {
  /** Null without WebGPU: then there is only the graph, as it prints. */
  readonly description: Description | null;
  readonly printed: string;
  readonly milliseconds: number;
}

export interface Timing {
  readonly method: "timestamps" | "repetition";
  readonly microseconds: readonly number[];
  readonly gflops: readonly number[];
  readonly gigabytesPerSecond: readonly number[];
  /** For ui.perfetto.dev. */
  readonly trace: string;
}

export interface Found {
  readonly device: string;
  readonly kind: Device["kind"];
  /** Why it is the CPU. */
  readonly reason?: string;
}

class Inspector {
  #device: Device | undefined;
  #ready: Ready | undefined;

  async start(cpu: boolean): Promise<Found> {
    const { device, reason } = await findDevice(cpu);
    this.#device = device;
    return { device: device.name, kind: device.kind, ...(reason ? { reason } : {}) };
  }

  async compile(request: Request): Promise<Compiled> {
    const device = this.#device as Device;
    const start = performance.now();
    const ready = await make(device, request);
    const milliseconds = performance.now() - start;
    this.#ready?.dispose();
    this.#ready = ready;
    const { plan } = ready.program;
    const description = "dispatches" in plan ? describe(plan) : null;
    return { description, printed: printPlan(plan), milliseconds };
  }

  async time(): Promise<Timing> {
    const { program, inputs } = this.#ready as Ready;
    const profile = await (program as GpuProgram).profile(inputs, { samples: 5, sampleMilliseconds: 15 });
    return {
      method: profile.method,
      microseconds: profile.dispatches.map((d) => d.microseconds),
      gflops: profile.dispatches.map((d) => d.gflops),
      gigabytesPerSecond: profile.dispatches.map((d) => d.gigabytesPerSecond),
      trace: JSON.stringify(profile.trace()),
    };
  }

  /** Every dispatch against the reference; `onProgress` is told after each. */
  async verify(
    onProgress: (check: DispatchCheck, index: number) => void,
  ): Promise<{ first: number | null; summary: string }> {
    const { program, inputs } = this.#ready as Ready;
    const result = await (program as GpuProgram).verify(inputs, { onProgress });
    return { first: result.first, summary: String(result).split("\n").at(-1) as string };
  }
}

export type { Inspector };

expose(new Inspector());
