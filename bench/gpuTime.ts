// GPU time of recorded work: between the timestamps of one pass that repeats it for at least 5 ms; where there are none, on the clock.
import type { GpuDevice } from "../src/gpu/device.ts";
import { Stopwatch } from "../src/gpu/stopwatch.ts";

type Record = (pass: GPUComputePassEncoder) => void;

/** Nanoseconds that `count` times the work take. */
export type PassTimer = (record: Record, count: number) => Promise<number>;

const leastNanoseconds = 5e6;

export function passTimer({ gpu }: GpuDevice): PassTimer {
  const watch = gpu.features.has("timestamp-query") ? new Stopwatch(gpu, 1) : null;
  const encode = (record: Record, count: number) => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass(watch ? { timestampWrites: watch.writes(0) } : {});
    for (let i = 0; i < count; i++) record(pass);
    pass.end();
    return encoder;
  };
  return async (record, count) => {
    const encoder = encode(record, count);
    if (watch) {
      const [start, end] = (await watch.read(encoder)) as unknown as [number, number];
      return end - start;
    }
    const start = performance.now();
    gpu.queue.submit([encoder.finish()]);
    await gpu.queue.onSubmittedWorkDone();
    return 1e6 * (performance.now() - start);
  };
}

/** Nanoseconds of the work, sample by sample, after a warm-up. */
export async function samplesOf(timer: PassTimer, record: Record, samples = 7): Promise<number[]> {
  let count = 1;
  await timer(record, count);
  for (let time = await timer(record, count); time < leastNanoseconds && count < 1 << 15; ) {
    count *= Math.min(16, Math.max(2, Math.ceil(leastNanoseconds / Math.max(time, 1))));
    time = await timer(record, count);
  }
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await timer(record, count)) / count);
  return times;
}
