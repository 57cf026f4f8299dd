// Autotuner: times the planner's best candidates for each dear group on the device itself and remembers the fastest. A choice changes how a
// kernel is cut up, never what it computes but for the order of a lane's additions; a remembered choice keeps runs identical to the bit.
import type { Schedule } from "../plan/kernel.ts";
import type { Module } from "../plan/module.ts";
import { type GroupWork, makePlan } from "../plan/plan.ts";
import { count } from "../plan/print.ts";
import type { Trace } from "../trace.ts";
import type { GpuDevice } from "./device.ts";

/** Chosen schedules by what they are for (sizes included), and what the choice gained. Plain data: keep it as JSON. */
export type Tuning = Record<string, TunedGroup>;

export interface TunedGroup {
  readonly schedule: Schedule;
  /** Microseconds a dispatch: of the choice, and of what the model would have taken. */
  readonly microseconds: number;
  readonly untunedMicroseconds: number;
  /** Candidates timed. */
  readonly candidates: number;
}

export interface TuneOptions {
  /** Time that a sample takes at least. Default 5. */
  readonly sampleMilliseconds?: number;
  /** Rounds over the candidates, alternating; the least time of a candidate counts. Default 4. */
  readonly rounds?: number;
  /** Told before each group. */
  readonly onProgress?: (done: number, total: number, key: string) => void;
}

/** Multiply-adds below which a group is left to the model. */
const leastWork = 1 << 16;

/** Times what is not in `known` yet; returns the new entries. */
export async function tune(device: GpuDevice, trace: Trace, known: Tuning, options: TuneOptions = {}): Promise<Tuning> {
  const groups = new Map<string, GroupWork>();
  makePlan(trace, {
    ...device.planOptions(),
    visit: (g) => {
      if (g.multiplyAdds >= leastWork && !(g.key in known)) groups.set(g.key, g);
    },
  });
  const found: Tuning = {};
  let done = 0;
  for (const [key, group] of groups) {
    options.onProgress?.(done++, groups.size, key);
    found[key] = await tuneGroup(device, group, options);
  }
  return found;
}

async function tuneGroup(
  device: GpuDevice,
  group: GroupWork,
  { sampleMilliseconds = 5, rounds = 4 }: TuneOptions,
): Promise<TunedGroup> {
  const schedules = group.candidates();
  const trials: Trial[] = [];
  try {
    for (const schedule of schedules) trials.push(await Trial.create(device, schedule, group.module(schedule)));
    for (const t of trials) await t.settle(sampleMilliseconds);
    for (let r = 0; r < rounds; r++) for (const t of trials) await t.sample();
    const best = trials.reduce((a, b) => (b.best < a.best ? b : a));
    return {
      schedule: best.schedule,
      microseconds: 1000 * best.best,
      untunedMicroseconds: 1000 * (trials[0] as Trial).best,
      candidates: trials.length,
    };
  } finally {
    for (const t of trials) t.dispose();
  }
}

/** One candidate, on buffers of its own filled with numbers that look like weights. */
class Trial {
  readonly schedule: Schedule;
  /** Milliseconds a dispatch, at best so far. */
  best = Number.POSITIVE_INFINITY;
  readonly #device: GpuDevice;
  readonly #workgroups: Module["workgroups"];
  readonly #pipeline: GPUComputePipeline;
  readonly #group: GPUBindGroup;
  readonly #buffers: readonly GPUBuffer[];
  #repeat = 1;

  private constructor(
    device: GpuDevice,
    schedule: Schedule,
    module: Module,
    pipeline: GPUComputePipeline,
    layout: GPUBindGroupLayout,
  ) {
    this.#device = device;
    this.schedule = schedule;
    this.#workgroups = module.workgroups;
    this.#pipeline = pipeline;
    const { buffers } = device.createBuffers(
      module.bindings.map(({ buffer }) => ({ bytes: 4 * buffer.elements, label: `tune: ${buffer.name}` })),
    );
    this.#buffers = buffers;
    module.bindings.forEach(({ buffer }, i) => {
      const words = 4 * Math.ceil(buffer.elements / 4);
      // one pattern serves all: floats near ±1, and as integers large ones that indices clamp
      const data =
        buffer.type === "f32"
          ? Float32Array.from({ length: words }, (_, k) => ((k * 7919) % 2003) / 1001 - 1)
          : Uint32Array.from({ length: words }, (_, k) => (k * 7919) % 7);
      device.gpu.queue.writeBuffer(buffers[i] as GPUBuffer, 0, data);
    });
    this.#group = device.gpu.createBindGroup({
      layout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
  }

  static async create(device: GpuDevice, schedule: Schedule, module: Module): Promise<Trial> {
    const access = module.bindings.map((b) => b.access);
    const { pipeline, layout } = await device.pipelines.get("tune", module.wgsl, access);
    return new Trial(device, schedule, module, pipeline, layout);
  }

  /** Finds how many dispatches fill a sample. */
  async settle(sampleMilliseconds: number): Promise<void> {
    await this.#run();
    while ((await this.#run()) < sampleMilliseconds && this.#repeat < 1024) this.#repeat *= 2;
  }

  async sample(): Promise<void> {
    this.best = Math.min(this.best, (await this.#run()) / this.#repeat);
  }

  async #run(): Promise<number> {
    const { gpu } = this.#device;
    const encoder = gpu.createCommandEncoder({ label: "tune" });
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#group);
    for (let i = 0; i < this.#repeat; i++) pass.dispatchWorkgroups(...this.#workgroups);
    pass.end();
    const start = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    return performance.now() - start;
  }

  dispose(): void {
    for (const b of this.#buffers) b.destroy();
  }
}

/** A line a group: what was chosen and what it gained. */
export function printTuning(tuning: Tuning): string {
  const cut = ({ tile, unroll }: Schedule) => `${tile.join("×") || "1"}${unroll.length ? `·${unroll.join("×")}` : ""}`;
  const rows = Object.entries(tuning).map(([key, t]) => {
    const gain = `${(t.untunedMicroseconds / t.microseconds).toFixed(2)}×`;
    return `${gain.padStart(7)}  ${`${count(Math.round(t.microseconds))} µs`.padStart(10)}  ${cut(t.schedule).padEnd(24)} ${key}`;
  });
  return ["   gain        time  tile·unroll              group", ...rows].join("\n");
}
