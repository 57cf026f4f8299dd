// Compute pipelines, cached by WGSL text and compiled in parallel.
import { InternalError } from "../shape/errors.ts";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #cache = new Map<string, Promise<Pipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Pipelines compiled so far. */
  get size(): number {
    return this.#cache.size;
  }

  get(label: string, wgsl: string, access: readonly ("read" | "readWrite")[]): Promise<Pipeline> {
    let pipeline = this.#cache.get(wgsl);
    if (!pipeline) this.#cache.set(wgsl, (pipeline = this.#compile(label, wgsl, access)));
    return pipeline;
  }

  async #compile(label: string, code: string, access: readonly ("read" | "readWrite")[]): Promise<Pipeline> {
    const device = this.#device;
    const layout = this.#layout(access);
    // an error of ours is thrown below, with the source: keep it from the device's error event
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label, code });
    const failed = device.popErrorScope();
    try {
      const pipeline = await device.createComputePipelineAsync({
        label,
        layout: device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module },
      });
      return { pipeline, layout };
    } catch (error) {
      this.#cache.delete(code);
      await failed;
      const { messages } = await module.getCompilationInfo();
      const lines = code.split("\n");
      const report = messages.map(
        (m) => `  ${m.lineNum}:${m.linePos} ${m.type}: ${m.message}\n    ${lines[m.lineNum - 1]?.trim() ?? ""}`,
      );
      throw new InternalError(`pipeline ${label}: ${(error as Error).message}\n${report.join("\n")}\n`);
    }
  }

  #layout(access: readonly ("read" | "readWrite")[]): GPUBindGroupLayout {
    const key = access.join();
    let layout = this.#layouts.get(key);
    if (!layout) {
      layout = this.#device.createBindGroupLayout({
        entries: access.map((a, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: a === "read" ? "read-only-storage" : "storage" },
        })),
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}
