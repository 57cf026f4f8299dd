// Autotuner: times on the device itself in how many parts to do each dear reduction (split-K is one of a product), then the planner's candidates
// for each dear group, and remembers the fastest. A choice changes how a kernel is cut up, never what it computes but for the order of additions; a
// remembered choice keeps runs identical to the bit.
//
// A choice is judged by what a program spends on it: its dispatches, and the compilation of its pipeline beyond what nobody notices.
import type { AnyOp, Params } from "../graph/op.ts";
import type { Buffer } from "../plan/data.ts";
import type { Schedule } from "../plan/lanes.ts";
import type { Module } from "../plan/module.ts";
import { type GroupWork, makePlan, type Plan, type PlanOptions } from "../plan/plan.ts";
import { cutOf, type Split } from "../plan/split.ts";
import { numel, type TensorType } from "../shape/types.ts";
import { apply, type Tensor } from "../tensor.ts";
import { type Trace, trace } from "../trace.ts";
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

/** A reduction is timed without what is fused with it: another number of parts must take so much of the guess's time, or less. */
const clearly = 0.9;

/** Raise it when a schedule or a key comes to mean something else: what was remembered is forgotten then. */
const scheduleVersion = 6;

/** What choices are remembered by: the adapter, and what a device on it may do. */
export const tuningKey = ({ name, target: { maxWorkgroup, quads } }: GpuDevice): string =>
  `${name} · workgroups of ${maxWorkgroup}${quads ? ", quads" : ""} · schedules ${scheduleVersion}`;

/** The plan of a function with the fastest schedule for each dear group: as remembered, or timed now and remembered from now on. */
export async function tunedPlan(device: GpuDevice, traced: Trace, options: TuneOptions): Promise<Plan> {
  const { store = indexedDbStore(), onProgress, onChosen } = options;
  device.tuning = { ...(await store?.load(tuningKey(device))), ...device.tuning };
  const found: Found = { groups: new Map(), splits: new Map() };
  let plan = makePlan(traced, { ...(await device.planOptions(traced)), ...collect(device, found) });
  const unknown = <T>(works: ReadonlyMap<string, T>) => [...works].filter(([key]) => !(key in device.tuning));
  const [splits, whole] = [unknown(found.splits), unknown(found.groups)];
  const timer = new PassTimer(device.gpu);
  let done = 0;
  const say = (key: string, total: number) => {
    onProgress?.(done, total, key);
    done++;
  };
  try {
    for (const [key, split] of splits) {
      say(key, splits.length + whole.length);
      device.tuning[key] = await tuneSplit(device, timer, split, options);
    }
    if (splits.length) {
      found.groups.clear(); // there may be others now
      plan = makePlan(traced, { ...(await device.planOptions(traced)), ...collect(device, found) });
    }
    const groups = unknown(found.groups);
    for (const [key, group] of groups) {
      say(key, splits.length + groups.length);
      device.tuning[key] = await tuneGroup(device, timer, group, options);
    }
    if (groups.length) plan = makePlan(traced, await device.planOptions(traced));
  } finally {
    timer.dispose();
  }
  // another page may have saved meanwhile
  if (done) await store?.save(tuningKey(device), { ...(await store.load(tuningKey(device))), ...device.tuning });
  const keys = [...found.splits.keys(), ...found.groups.keys()];
  onChosen?.(Object.fromEntries(keys.map((key) => [key, device.tuning[key]!])), done);
  return plan;
}

/** What a plan has that is dear. */
interface Found {
  readonly groups: Map<string, GroupWork>;
  readonly splits: Map<string, Split>;
}

/** Options of a plan that show what it has. */
const collect = (device: GpuDevice, { groups, splits }: Found): Pick<PlanOptions, "visit" | "parts"> => ({
  visit: (g) => void (g.multiplyAdds >= leastWork && groups.set(g.key, g)),
  parts: (key, split) => {
    const { spec, extents } = split;
    if (spec.op && numel(spec.outputs[0]!.shape) * numel(extents) >= leastWork) splits.set(key, split);
    return device.tuning[key]?.schedule.parts;
  },
});

/** Times the reduction by itself, whole and in more or fewer parts than the guess. */
async function tuneSplit(
  device: GpuDevice,
  timer: PassTimer,
  { spec, extents, guess }: Split,
  options: TuneOptions,
): Promise<TunedGroup> {
  const numbers = [guess, 1, guess >> 1, 2 * guess, 4 * guess].map((n) => cutOf(extents, n)?.parts ?? 1);
  const types = Object.fromEntries(spec.inputs.map(({ type }, i) => [`i${i}`, type]));
  const op = spec.op as AnyOp;
  const f = (inputs: Record<string, Tensor>) => ({ y: apply(op, Object.values(inputs), spec.params as Params)[0] });
  const alone = trace(f as never, types as Record<string, TensorType>);
  const planOptions = await device.planOptions(alone);
  const modules = [...new Set(numbers)].map((parts): [Schedule, readonly Module[]] => [
    { tile: [], unroll: [], parts },
    makePlan(alone, { ...planOptions, parts: () => parts }).dispatches,
  ]);
  const tuned = await tuneModules(device, timer, modules, options);
  return tuned.dispatchMicroseconds < clearly * tuned.fixed.dispatchMicroseconds ? tuned : { ...tuned, ...tuned.fixed };
}

function tuneGroup(device: GpuDevice, timer: PassTimer, group: GroupWork, options: TuneOptions): Promise<TunedGroup> {
  const modules = new Map<string, [Schedule, readonly Module[]]>(); // two schedules may come to the same kernel
  for (const schedule of group.candidates()) {
    const module = group.module(schedule);
    if (!modules.has(module.wgsl)) modules.set(module.wgsl, [schedule, [module]]);
  }
  return tuneModules(device, timer, [...modules.values()], options);
}

/** Times schedules, each the modules of its dispatches; the first is the model's. */
async function tuneModules(
  device: GpuDevice,
  timer: PassTimer,
  schedules: readonly [Schedule, readonly Module[]][],
  { runs = 1000, sampleMilliseconds = 5, rounds = 4 }: TuneOptions,
): Promise<TunedGroup> {
  const pipelines = new Pipelines(device.gpu);
  const arrays = new Arrays(device);
  try {
    const candidates: Candidate[] = [];
    for (const [schedule, modules] of schedules) candidates.push(await prepare(pipelines, arrays, schedule, modules));
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
  modules: readonly Module[],
): Promise<Candidate> {
  const start = performance.now();
  const compiled = await Promise.all(
    modules.map(({ wgsl, bindings }) =>
      pipelines.get(
        "tune",
        wgsl,
        bindings.map((b) => b.access),
      ),
    ),
  );
  const compileMilliseconds = performance.now() - start;
  const dispatches: Recording[] = [];
  for (const [i, { workgroups, bindings }] of modules.entries()) {
    const { pipeline, layout } = compiled[i]!;
    const bindGroup = await arrays.bind(
      layout,
      bindings.map((b) => b.buffer),
    );
    dispatches.push((pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(...workgroups);
    });
  }
  const record: Recording = (pass) => {
    for (const dispatch of dispatches) dispatch(pass);
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
