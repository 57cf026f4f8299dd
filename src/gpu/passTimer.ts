// PassTimer: GPU time of recorded work, repeated in one pass: between timestamps, or on the clock where there are none. Timestamps are coarse
// (browsers round them to about 0.1 ms) and a wait costs as much, so a sample should take milliseconds.
import { Stopwatch } from "./stopwatch.ts";

export type Recording = (pass: GPUComputePassEncoder) => void;

/** The most repetitions in a pass. */
const most = 1 << 15;

export class PassTimer {
  readonly #gpu: GPUDevice;
  readonly #watch: Stopwatch | null;

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.#watch = gpu.features.has("timestamp-query") ? new Stopwatch(gpu, 1) : null;
  }

  /** Nanoseconds that `count` times the work takes. */
  async time(record: Recording, count: number): Promise<number> {
    const encoder = this.#gpu.createCommandEncoder({ label: "timer" });
    const pass = encoder.beginComputePass(this.#watch ? { timestampWrites: this.#watch.writes(0) } : {});
    for (let i = 0; i < count; i++) record(pass);
    pass.end();
    if (this.#watch) {
      const [start, end] = (await this.#watch.read(encoder)) as unknown as [number, number];
      return Math.max(0, end - start);
    }
    const commands = encoder.finish();
    const start = performance.now();
    this.#gpu.queue.submit([commands]);
    await this.#gpu.queue.onSubmittedWorkDone();
    return 1e6 * (performance.now() - start);
  }

  /** Warms up, and finds how many times the work fills a sample of so many nanoseconds. */
  async calibrate(record: Recording, nanoseconds: number): Promise<number> {
    let count = 1;
    await this.time(record, count);
    for (let time = await this.time(record, count); time < nanoseconds && count < most; ) {
      count = Math.min(most, count * Math.min(16, Math.max(2, Math.ceil(nanoseconds / Math.max(time, 1)))));
      time = await this.time(record, count);
    }
    return count;
  }

  dispose(): void {
    this.#watch?.dispose();
  }
}
