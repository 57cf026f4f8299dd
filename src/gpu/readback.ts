// Readback: copies to the host through a pool of mappable buffers. A read waits for what was submitted before it; what is submitted
// after it runs on meanwhile.

export class Readback {
  readonly #device: GPUDevice;
  readonly #free: GPUBuffer[] = [];
  #disposed = false;

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  async read(source: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    const staging = this.#take(bytes);
    try {
      const encoder = this.#device.createCommandEncoder({ label: "read" });
      encoder.copyBufferToBuffer(source, offset, staging, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ, 0, bytes);
      const copy = staging.getMappedRange(0, bytes).slice(0);
      staging.unmap();
      if (this.#disposed) staging.destroy();
      else this.#free.push(staging);
      return copy;
    } catch (error) {
      staging.destroy();
      throw error;
    }
  }

  /** A free buffer that is large enough and not wastefully so, or a new one. */
  #take(bytes: number): GPUBuffer {
    const i = this.#free.findIndex((b) => b.size >= bytes && b.size <= 4 * bytes + 4096);
    if (i >= 0) return this.#free.splice(i, 1)[0] as GPUBuffer;
    const size = Math.max(256, 16 * Math.ceil(bytes / 16));
    return this.#device.createBuffer({ label: "read", size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }

  dispose(): void {
    this.#disposed = true;
    for (const b of this.#free.splice(0)) b.destroy();
  }
}
