// profile: where a program's time goes, dispatch by dispatch.
//
// With timestamp queries whole steps run in order, each dispatch in a pass of its own between two timestamps. Browsers round timestamps
// (Chrome to 65.5 µs), so a sample is the mean over as many steps as fill `sampleMilliseconds`, and the figure is the median of samples.
// Without them each dispatch runs over and over in one submit, less the time of an empty one. Either way carried values are put back.
import { leaves } from "../graph/tree.ts";
import type { Dispatch } from "../plan/data.ts";
import { count, printTable } from "../plan/print.ts";
import { GpuArray } from "./array.ts";
import type { Recording } from "./passTimer.ts";
import type { GpuProgram } from "./program.ts";
import { recordingsOf } from "./recordings.ts";
import type { GpuRuntime } from "./runtime.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Options of profile. */
export interface ProfileOptions {
  /** Default: 7. */
  readonly samples?: number;
  /** Time that a sample takes at least. Default: 20; raise it where timestamps are coarse. */
  readonly sampleMilliseconds?: number;
  /** False times by repetition even where there are timestamp queries. */
  readonly timestamps?: boolean;
}

/** What a dispatch takes. */
export interface DispatchTime {
  /** What it computes. */
  readonly label: string;
  /** The median of the samples. */
  readonly microseconds: number;
  /** Of the step. */
  readonly share: number;
  /** A multiply-add counts twice. */
  readonly gflops: number;
  /** Of the bytes that it needs at least. */
  readonly gigabytesPerSecond: number;
}

/** A dispatch on the time line of the first steps, in microseconds from the start. */
interface Span {
  readonly dispatch: number;
  readonly start: number;
  readonly end: number;
}

/** What a step takes, dispatch by dispatch. */
export interface Profile {
  /** Its name. */
  readonly device: string;
  /** By timestamp queries, or by repeating a dispatch. */
  readonly method: "timestamps" | "repetition";
  /** In their order. */
  readonly dispatches: readonly DispatchTime[];
  /** The sum over the dispatches. */
  readonly microseconds: number;
  /** A table. */
  toString(): string;
  /** A trace file for ui.perfetto.dev or chrome://tracing, as a JSON value. */
  trace(): {
    /** As the Trace Event Format has them. */
    readonly traceEvents: readonly object[];
    /** Of the viewer's axis. */
    readonly displayTimeUnit: "ns";
  };
}

/** A query set holds so many timestamps: https://www.w3.org/TR/webgpu/#dom-gpudevice-createqueryset */
const mostTimestamps = 4096;

/** GpuProgram.profile. */
export async function profile(program: GpuProgram, inputs: unknown, options: ProfileOptions = {}): Promise<Profile> {
  const { samples = 7, sampleMilliseconds = 20, timestamps = true } = options;
  const { device, plan } = program;
  const recordings = recordingsOf(program, inputs);
  const carried = new Set(plan.carry.map((v) => v.path));
  const held = leaves(inputs, (x: unknown): x is GpuArray => x instanceof GpuArray)
    .filter(({ path }) => carried.has(path))
    .map(({ value }) => value.gpuBuffer);
  const restore = keep(device.gpu, [...new Set(held)]);
  try {
    const possible = device.gpu.features.has("timestamp-query") && 2 * plan.dispatches.length <= mostTimestamps;
    const method = timestamps && possible ? "timestamps" : "repetition";
    const measure = method === "timestamps" ? byTimestamps : byRepetition;
    const { times, spans } = await measure(device, plan.dispatches, recordings, samples, sampleMilliseconds);
    return report(device.name, method, plan.dispatches, times, spans);
  } finally {
    restore();
  }
}

interface Measured {
  /** Microseconds of each dispatch. */
  readonly times: readonly number[];
  readonly spans: readonly Span[];
}

async function byTimestamps(
  device: GpuRuntime,
  dispatches: readonly Dispatch[],
  recordings: readonly Recording[],
  samples: number,
  milliseconds: number,
): Promise<Measured> {
  const watch = new Stopwatch(device.gpu, dispatches.length);
  const step = async (): Promise<Float64Array> => {
    const encoder = device.gpu.createCommandEncoder({ label: "profile" });
    dispatches.forEach((d, i) => {
      const pass = encoder.beginComputePass({ label: d.label, timestampWrites: watch.writes(i) });
      recordings[i]!(pass);
      pass.end();
    });
    return watch.read(encoder);
  };
  const duration = (ns: Float64Array, i: number) => Math.max(0, (ns[2 * i + 1] as number) - (ns[2 * i] as number));
  try {
    await step(); // warms up
    const spans: Span[] = [];
    const sampled: number[][] = [];
    let origin: number | undefined;
    for (let s = 0; s < samples; s++) {
      const sums = dispatches.map(() => 0);
      let steps = 0;
      for (let total = 0; total < 1e6 * milliseconds && steps < 1000; steps++) {
        const ns = await step();
        origin ??= ns[0] as number;
        for (let i = 0; i < sums.length; i++) {
          const time = duration(ns, i);
          (sums[i] as number) += time;
          total += time;
        }
        if (s === 0 && steps < 4)
          dispatches.forEach((_, i) => {
            const start = ((ns[2 * i] as number) - (origin as number)) / 1000;
            spans.push({ dispatch: i, start, end: start + duration(ns, i) / 1000 });
          });
      }
      sampled.push(sums.map((sum) => sum / steps / 1000));
    }
    return { times: dispatches.map((_, i) => median(sampled.map((s) => s[i] as number))), spans };
  } finally {
    watch.dispose();
  }
}

/** Microseconds of work that stand out from a wait, whose own time wanders by one or two thousand. */
const leastOnClock = 5000;

async function byRepetition(
  device: GpuRuntime,
  dispatches: readonly Dispatch[],
  recordings: readonly Recording[],
  samples: number,
  milliseconds: number,
): Promise<Measured> {
  const run = async (i: number, repeat: number): Promise<number> => {
    const encoder = device.gpu.createCommandEncoder({ label: "profile" });
    const pass = encoder.beginComputePass();
    for (let k = 0; k < repeat; k++) recordings[i]!(pass);
    pass.end();
    const commands = encoder.finish();
    const start = performance.now();
    device.gpu.queue.submit([commands]);
    await device.gpu.queue.onSubmittedWorkDone();
    return 1000 * (performance.now() - start);
  };
  /** Less the time of an empty one: that is mostly the wait. */
  const own = async (i: number, repeat: number) => (await run(i, repeat)) - (await run(i, 0));
  const times: number[] = [];
  const target = Math.max(leastOnClock, (1000 * milliseconds) / Math.max(1, Math.min(samples, 4)));
  for (let i = 0; i < dispatches.length; i++) {
    await run(i, 1);
    let repeat = 1;
    for (let t = await own(i, 1); t < target && repeat < 1 << 14; t = await own(i, repeat)) repeat *= 2;
    const sampled: number[] = [];
    for (let s = 0; s < samples; s++) sampled.push((await own(i, repeat)) / repeat);
    times.push(Math.max(0, median(sampled)));
  }
  let at = 0;
  const spans = times.map((time, dispatch) => ({ dispatch, start: at, end: (at += time) }));
  return { times, spans };
}

/** Copies buffers; the result copies them back. */
function keep(gpu: GPUDevice, buffers: readonly GPUBuffer[]): () => void {
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const copies = buffers.map(({ size }) => gpu.createBuffer({ label: "profile", size, usage }));
  const copy = (from: readonly GPUBuffer[], to: readonly GPUBuffer[]) => {
    const encoder = gpu.createCommandEncoder({ label: "profile" });
    from.forEach((b, i) => {
      encoder.copyBufferToBuffer(b, 0, to[i] as GPUBuffer, 0, b.size);
    });
    gpu.queue.submit([encoder.finish()]);
  };
  copy(buffers, copies);
  return () => {
    copy(copies, buffers);
    for (const c of copies) c.destroy();
  };
}

function report(
  device: string,
  method: Profile["method"],
  dispatches: readonly Dispatch[],
  times: readonly number[],
  spans: readonly Span[],
): Profile {
  const total = times.reduce((a, b) => a + b, 0);
  const rows = dispatches.map(({ label, multiplyAdds, bytes }, i): DispatchTime => {
    const microseconds = times[i] as number;
    const per = (n: number) => (microseconds > 0 ? n / microseconds / 1000 : 0);
    const share = total > 0 ? microseconds / total : 0;
    return { label, microseconds, share, gflops: per(2 * multiplyAdds), gigabytesPerSecond: per(bytes) };
  });
  return {
    device,
    method,
    dispatches: rows,
    microseconds: total,
    toString: () => table(rows, dispatches, total),
    trace: () => ({ traceEvents: events(device, rows, dispatches, spans), displayTimeUnit: "ns" }),
  };
}

function table(rows: readonly DispatchTime[], dispatches: readonly Dispatch[], total: number): string {
  const cells = rows.map((r, i) => {
    const { multiplyAdds, bytes, workgroups } = dispatches[i] as Dispatch;
    return [
      ...[String(i), shorten(r.label), workgroups.filter((n, k) => k === 0 || n > 1).join("×")],
      ...[count(multiplyAdds), `${count(bytes)}B`, r.microseconds.toFixed(1), `${(100 * r.share).toFixed(1)} %`],
      ...[r.gflops.toFixed(2), r.gigabytesPerSecond.toFixed(2)],
    ];
  });
  const header = ["#", "dispatch", "workgroups", "multiply-adds", "bytes", "µs", "share", "GFLOP/s", "GB/s"];
  return `${printTable(header, cells, [1])}\n${rows.length} dispatches, ${total.toFixed(1)} µs`;
}

/** Trace events: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
function events(
  device: string,
  rows: readonly DispatchTime[],
  dispatches: readonly Dispatch[],
  spans: readonly Span[],
): object[] {
  const name = { ph: "M", pid: 1, tid: 1 };
  return [
    { ...name, name: "process_name", args: { name: device } },
    { ...name, name: "thread_name", args: { name: "GPU queue" } },
    ...spans.map(({ dispatch, start, end }) => {
      const { label, gflops, gigabytesPerSecond } = rows[dispatch] as DispatchTime;
      const { workgroups, multiplyAdds, bytes } = dispatches[dispatch] as Dispatch;
      const args = { dispatch, workgroups: workgroups.join("×"), multiplyAdds, bytes, gflops, gigabytesPerSecond };
      return { ph: "X", cat: "gpu", pid: 1, tid: 1, name: label, ts: start, dur: end - start, args };
    }),
  ];
}

const shorten = (label: string): string => (label.length > 60 ? `${label.slice(0, 59)}…` : label);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
