// Stopwatch: timestamp queries around passes, read back in nanoseconds. Needs the feature timestamp-query.

export class Stopwatch {
  readonly #device: GPUDevice;
  readonly #set: GPUQuerySet;
  readonly #resolved: GPUBuffer;
  readonly #staging: GPUBuffer;

  /** For `passes` passes of one command encoder. */
  constructor(device: GPUDevice, passes: number) {
    const size = 8 * 2 * passes;
    const buffer = (usage: number) => device.createBuffer({ label: "timestamps", size, usage });
    this.#device = device;
    this.#set = device.createQuerySet({ label: "timestamps", type: "timestamp", count: 2 * passes });
    this.#resolved = buffer(GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
    this.#staging = buffer(GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  }

  /** For pass i's descriptor. */
  writes(i: number): GPUComputePassTimestampWrites {
    return { querySet: this.#set, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
  }

  /** Submits the encoder and gives start and end of each pass, in turn. */
  async read(encoder: GPUCommandEncoder): Promise<Float64Array> {
    encoder.resolveQuerySet(this.#set, 0, this.#set.count, this.#resolved, 0);
    encoder.copyBufferToBuffer(this.#resolved, 0, this.#staging, 0, this.#staging.size);
    this.#device.queue.submit([encoder.finish()]);
    await this.#staging.mapAsync(GPUMapMode.READ);
    const nanoseconds = Float64Array.from(new BigUint64Array(this.#staging.getMappedRange()), Number);
    this.#staging.unmap();
    return nanoseconds;
  }

  dispose(): void {
    this.#set.destroy();
    this.#resolved.destroy();
    this.#staging.destroy();
  }
}
