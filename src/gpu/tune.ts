// Autotuner: times the planner's candidates for each dear group on the device itself and remembers the fastest. A choice changes how a kernel
// is cut up, never what it computes but for the order of additions; a remembered choice keeps runs identical to the bit.
//
// A choice is judged by what a program spends on it: its dispatches, and the compilation of its pipeline beyond what nobody notices.
import type { Buffer } from "../plan/data.ts";
import type { Schedule } from "../plan/lanes.ts";
import type { Module } from "../plan/module.ts";
import { type GroupWork, makePlan, type Plan } from "../plan/plan.ts";
import type { Trace } from "../trace.ts";
import type { GpuDevice } from "./device.ts";
import { PassTimer, type Recording } from "./passTimer.ts";
import { Pipelines } from "./pipelines.ts";
import type { Trial, TunedGroup, Tuning } from "./tuning.ts";
import { indexedDbStore, type TuningStore } from "./tuningStore.ts";

/** Options of tuning. */
export interface TuneOptions {
  /** How often the program will run, about: what a kernel takes to compile is weighed against that. Default 1000. */
  readonly runs?: number;
  /** Keeps choices from one session to the next. Default: IndexedDB where there is one. */
  readonly store?: TuningStore;
  /** Time that a sample takes at least. Default 5. */
  readonly sampleMilliseconds?: number;
  /** Rounds over the candidates, alternating; the least time of a candidate counts. Default 4. */
  readonly rounds?: number;
  /** Told before each group that is timed. */
  readonly onProgress?: (done: number, total: number, key: string) => void;
  /** Told at the end: the choices that the program takes, and how many of them were timed now. */
  readonly onChosen?: (choices: Tuning, timed: number) => void;
}

/** Multiply-adds below which a group is left to the model. */
const leastWork = 1 << 16;
/** Milliseconds of compilation that cost nothing: pipelines compile beside each other. */
const freeCompilation = 100;

/** Raise it when a schedule or a key comes to mean something else: what was remembered is forgotten then. */
const scheduleVersion = 6;

/** What choices are remembered by: the adapter, and what a device on it may do. */
export const tuningKey = ({ name, target: { maxWorkgroup, quads } }: GpuDevice): string =>
  `${name} · workgroups of ${maxWorkgroup}${quads ? ", quads" : ""} · schedules ${scheduleVersion}`;

/** The plan of a function with the fastest schedule for each dear group: as remembered, or timed now and remembered from now on. */
export async function tunedPlan(device: GpuDevice, trace: Trace, options: TuneOptions): Promise<Plan> {
  const { store = indexedDbStore(), onProgress, onChosen } = options;
  device.tuning = { ...(await store?.load(tuningKey(device))), ...device.tuning };
  const dear = new Map<string, GroupWork>();
  const visit = (g: GroupWork) => void (g.multiplyAdds >= leastWork && dear.set(g.key, g));
  const plan = makePlan(trace, { ...(await device.planOptions(trace)), visit });
  const unknown = [...dear.values()].filter(({ key }) => !(key in device.tuning));
  const timer = new PassTimer(device.gpu);
  try {
    for (const [done, group] of unknown.entries()) {
      onProgress?.(done, unknown.length, group.key);
      device.tuning[group.key] = await tuneGroup(device, timer, group, options);
    }
  } finally {
    timer.dispose();
  }
  // another page may have saved meanwhile
  if (unknown.length)
    await store?.save(tuningKey(device), { ...(await store.load(tuningKey(device))), ...device.tuning });
  onChosen?.(Object.fromEntries([...dear.keys()].map((key) => [key, device.tuning[key]!])), unknown.length);
  return unknown.length ? makePlan(trace, await device.planOptions(trace)) : plan;
}

async function tuneGroup(
  device: GpuDevice,
  timer: PassTimer,
  group: GroupWork,
  { runs = 1000, sampleMilliseconds = 5, rounds = 4 }: TuneOptions,
): Promise<TunedGroup> {
  const pipelines = new Pipelines(device.gpu);
  const arrays = new Arrays(device);
  try {
    const candidates: Candidate[] = [];
    const modules = new Map<string, [Schedule, Module]>(); // two schedules may come to the same kernel
    for (const schedule of group.candidates()) {
      const module = group.module(schedule);
      if (!modules.has(module.wgsl)) modules.set(module.wgsl, [schedule, module]);
    }
    for (const [schedule, module] of modules.values())
      candidates.push(await prepare(pipelines, arrays, schedule, module));
    for (const c of candidates) c.repeat = await timer.calibrate(c.record, 1e6 * sampleMilliseconds);
    for (let r = 0; r < rounds; r++)
      for (const c of candidates) {
        const microseconds = (await timer.time(c.record, c.repeat)) / c.repeat / 1000;
        c.dispatchMicroseconds = Math.min(c.dispatchMicroseconds, microseconds);
      }
    const trials = candidates.map(
      ({ schedule, dispatchMicroseconds, compileMilliseconds }): Trial => ({
        schedule,
        dispatchMicroseconds,
        compileMilliseconds,
      }),
    );
    return { ...cheapest(trials, runs), fixed: trials[0] as Trial, candidates: trials.length };
  } finally {
    arrays.dispose();
  }
}

/** The trial that a program of so many runs spends the least time on. */
export function cheapest(trials: readonly Trial[], runs: number): Trial {
  const milliseconds = ({ dispatchMicroseconds, compileMilliseconds }: Trial) =>
    (runs * dispatchMicroseconds) / 1000 + Math.max(0, compileMilliseconds - freeCompilation);
  return trials.reduce((a, b) => (milliseconds(b) < milliseconds(a) ? b : a));
}

interface Candidate extends Trial {
  dispatchMicroseconds: number;
  readonly record: Recording;
  repeat: number;
}

async function prepare(
  pipelines: Pipelines,
  arrays: Arrays,
  schedule: Schedule,
  { wgsl, workgroups, bindings }: Module,
): Promise<Candidate> {
  const start = performance.now();
  const { pipeline, layout } = await pipelines.get(
    "tune",
    wgsl,
    bindings.map((b) => b.access),
  );
  const compileMilliseconds = performance.now() - start;
  const bindGroup = await arrays.bind(
    layout,
    bindings.map((b) => b.buffer),
  );
  const record: Recording = (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  };
  return { schedule, record, compileMilliseconds, dispatchMicroseconds: Number.POSITIVE_INFINITY, repeat: 1 };
}

/** Memory for the candidates of a group, filled with numbers that look like weights. */
class Arrays {
  readonly #device: GpuDevice;
  readonly #made = new Map<Buffer, GPUBuffer>();

  constructor(device: GpuDevice) {
    this.#device = device;
  }

  async bind(layout: GPUBindGroupLayout, wanted: readonly Buffer[]): Promise<GPUBindGroup> {
    const missing = wanted.filter((b) => !this.#made.has(b));
    const { buffers, outOfMemory } = this.#device.createBuffers(
      missing.map(({ elements, name }) => ({ bytes: 4 * elements, label: `tune: ${name}` })),
    );
    for (const [i, b] of missing.entries()) this.#made.set(b, this.#fill(buffers[i] as GPUBuffer, b));
    const error = await outOfMemory;
    if (error) throw error;
    const entries = wanted.map((b, binding) => ({ binding, resource: { buffer: this.#made.get(b) as GPUBuffer } }));
    return this.#device.gpu.createBindGroup({ layout, entries });
  }

  /** Floats in [-1, 1], as integers small ones: labels, indices of rows. */
  #fill(buffer: GPUBuffer, { type }: Buffer): GPUBuffer {
    const words = Math.min(buffer.size / 4, 1 << 16);
    const data =
      type === "f32"
        ? Float32Array.from({ length: words }, (_, k) => ((k * 7919) % 2003) / 1001 - 1)
        : Uint32Array.from({ length: words }, (_, k) => (k * 7919) % 7);
    for (let at = 0; at < buffer.size; at += 4 * words)
      this.#device.gpu.queue.writeBuffer(buffer, at, data, 0, Math.min(words, (buffer.size - at) / 4));
    return buffer;
  }

  dispose(): void {
    for (const buffer of this.#made.values()) buffer.destroy();
  }
}
