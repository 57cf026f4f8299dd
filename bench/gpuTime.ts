// Samples of GPU time: each repeats recorded work for at least 5 ms.
import type { PassTimer, Recording } from "../src/gpu/passTimer.ts";

const leastNanoseconds = 5e6;

/** Nanoseconds of the work, sample by sample, after a warm-up. */
export async function samplesOf(timer: PassTimer, record: Recording, samples = 7): Promise<number[]> {
  const count = await timer.calibrate(record, leastNanoseconds);
  const times: number[] = [];
  for (let i = 0; i < samples; i++) times.push((await timer.time(record, count)) / count);
  return times;
}
