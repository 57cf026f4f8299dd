// GpuRuntime: runs plans on a GPUDevice, its own or the host app's. What compiles is GpuDevice (device.ts): who brings plans along needs none of it.
import type { Runtime } from "../device.ts";
import { leaves, type MapTree, mapTree, type Tree } from "../graph/tree.ts";
import { elementType, layout } from "../plan/data.ts";
import { ArrayError, DeviceError, DeviceLostError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType } from "../shape/types.ts";
import { BufferOwner, encode, GpuArray } from "./array.ts";
import { Pipelines } from "./pipelines.ts";
import { Readback } from "./readback.ts";
import { descriptorOf, type Lack, lacksOf } from "./wanted.ts";

/** Options of request. */
export interface RequestOptions {
  /** Default: navigator.gpu. In Node, that of the npm package `webgpu`. */
  readonly gpu?: GPU;
  /** Default: "high-performance". */
  readonly powerPreference?: GPUPowerPreference;
}

/** A GPUDevice, and what its adapter says of itself. */
export interface Found {
  readonly gpu: GPUDevice;
  readonly info: GPUAdapterInfo;
  /** wgrad asked for it, and may destroy it. */
  readonly owned: boolean;
}

/** What a host's device says of its adapter. Older browsers say nothing: then it is taken for a GPU. */
export const infoOf = ({ adapterInfo }: { readonly adapterInfo?: GPUAdapterInfo }): GPUAdapterInfo =>
  adapterInfo ?? ({} as GPUAdapterInfo);

const remedy = "use a smaller batch or model, or dispose what is not needed";

/** A GPU without the compiler: arrays, and programs that were planned elsewhere (`loadProgram`). */
export class GpuRuntime implements Runtime {
  /** Always "gpu". */
  readonly kind = "gpu";
  /** The adapter's name. */
  readonly name: string;
  /** The adapter computes on a CPU. */
  readonly software: boolean;
  /** The device that everything runs on. */
  readonly gpu: GPUDevice;
  /** What wgrad could use and the device does not have: its host did not ask for it, or the adapter has none. Kernels are made to fit. */
  readonly lacks: readonly Lack[];
  /** Every pipeline that was made, by its WGSL.
   *  @internal */
  readonly pipelines: Pipelines;
  readonly #owned: boolean;
  readonly #readback: Readback;
  #lost: GPUDeviceLostInfo | null = null;
  #error: { readonly message: string } | null = null;

  /** @internal */
  protected constructor({ gpu, info, owned }: Found) {
    this.gpu = gpu;
    this.#owned = owned;
    this.name =
      [info.vendor, info.architecture, info.description || info.device].filter(Boolean).join(" ") || "unknown adapter";
    this.software = info.isFallbackAdapter === true || /swiftshader|llvmpipe|software|basic render/i.test(this.name);
    this.lacks = lacksOf(gpu);
    this.pipelines = new Pipelines(gpu);
    this.#readback = new Readback(gpu);
    gpu.lost.then((lost) => {
      this.#lost = lost;
    });
    if (owned)
      gpu.addEventListener("uncapturederror", (event) => {
        this.#error ??= event.error;
      });
  }

  /** A device of our own. Throws DeviceError if there is no WebGPU or no adapter. */
  static async request(options?: RequestOptions): Promise<GpuRuntime> {
    return new GpuRuntime(await requestGpu(options));
  }

  /** On a device that somebody else owns: nothing of it is changed, and `dispose` leaves it alive. Error scopes that wgrad opens it closes before
   *  it returns to you, so yours nest as if it were not there. */
  static from(gpu: GPUDevice): GpuRuntime {
    return new GpuRuntime({ gpu, info: infoOf(gpu), owned: false });
  }

  /** Uploads a tree of host arrays. Arrays of one `put` are laid out side by side, as `carry` wants them. */
  put<T extends Tree<NdArray>>(values: T): MapTree<T, NdArray, GpuArray> {
    this.check();
    const list = leaves(values, isNdArray);
    const { offsets, lengths } = layout(list.map((l) => l.value));
    const { buffers, outOfMemory } = this.createBuffers(
      [...lengths].map(([type, elements]) => ({ bytes: 4 * elements, label: `put ${type}` })),
    );
    void outOfMemory.then((error) => {
      this.#error ??= error;
    });
    const owners = new Map([...lengths.keys()].map((type, i) => [type, new BufferOwner(buffers[i] as GPUBuffer)]));
    let i = 0;
    return mapTree(values, isNdArray, (value: NdArray) => {
      const owner = owners.get(elementType(value.dtype)) as BufferOwner;
      const array = new GpuArray(
        this,
        { dtype: value.dtype, shape: value.shape },
        owner.buffer,
        4 * (offsets[i++] as number),
        value.dtype === "u8",
        owner,
      );
      this.gpu.queue.writeBuffer(owner.buffer, array.offset, encode(value, array.packed));
      return array;
    }) as MapTree<T, NdArray, GpuArray>;
  }

  /** A value that lies in a buffer of yours, from `offset` bytes on: nothing is copied, and the buffer stays yours. f32, i32 and u32 take four
   *  bytes an element, bool a u32 each, u8 one byte. Throws ArrayError if the buffer cannot be bound so. */
  wrap(type: TensorType, buffer: GPUBuffer, offset = 0): GpuArray {
    const array = new GpuArray(this, type, buffer, offset, type.dtype === "u8", null);
    const align = this.gpu.limits.minStorageBufferOffsetAlignment;
    const wrong =
      offset % align !== 0
        ? `its offset is no multiple of ${align} (${offset})`
        : !(buffer.usage & GPUBufferUsage.STORAGE)
          ? "it has no usage STORAGE"
          : buffer.size < offset + array.byteLength
            ? `it is too short (${buffer.size} vs ${offset + array.byteLength} bytes)`
            : "";
    if (wrong)
      throw new ArrayError(`wrap: the buffer cannot hold ${printType(type)}, ${wrong}; make the buffer to fit`);
    return array;
  }

  /** Throws DeviceError if a buffer would be larger than the device allows.
   *  @internal */
  checkSizes(wanted: readonly { readonly bytes: number; readonly label: string }[]): void {
    const limit = Math.min(this.gpu.limits.maxBufferSize, this.gpu.limits.maxStorageBufferBindingSize);
    for (const { bytes, label } of wanted)
      if (bytes > limit)
        throw new DeviceError(
          `${label}: needs a buffer of ${bytes} bytes (${bytes} vs at most ${limit} on ${this.name}); ${remedy}`,
        );
  }

  /** Storage buffers, all or none. Throws DeviceError if one is larger than the device allows; if memory ran out, `outOfMemory` resolves to
   *  the error.
   *  @internal */
  createBuffers(wanted: readonly { readonly bytes: number; readonly label: string }[]): {
    buffers: GPUBuffer[];
    outOfMemory: Promise<DeviceError | null>;
  } {
    const buffers: GPUBuffer[] = [];
    const sizes = wanted.map(({ bytes }) => 16 * Math.ceil(bytes / 16));
    const total = sizes.reduce((a, b) => a + b, 0);
    const failed = (label: string, what: string) => new DeviceError(`${label}: ${what} on ${this.name}; ${remedy}`);
    this.checkSizes(wanted);
    let scope: Promise<GPUError | null>;
    this.gpu.pushErrorScope("out-of-memory");
    try {
      wanted.forEach(({ label }, i) => {
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        buffers.push(this.gpu.createBuffer({ label, size: sizes[i] as number, usage }));
      });
    } catch (error) {
      for (const b of buffers) b.destroy();
      throw failed(
        wanted[buffers.length]?.label ?? "",
        `no buffer of ${sizes[buffers.length]} bytes: ${(error as Error).message}`,
      );
    } finally {
      scope = this.gpu.popErrorScope().catch(() => null); // of a lost device; `check` tells
    }
    const outOfMemory = scope.then((error) =>
      error ? failed(wanted[0]?.label ?? "", `${total} bytes more do not fit: ${error.message}`) : null,
    );
    return { buffers, outOfMemory };
  }

  /** The bytes of a part of a buffer, after what was submitted before. Throws DeviceError or DeviceLostError.
   *  @internal */
  readback(buffer: GPUBuffer, offset: number, bytes: number): Promise<ArrayBuffer> {
    return this.guarded(() =>
      this.#readback.read(buffer, offset, bytes).catch((error: Error) => {
        throw new DeviceError(`read: ${bytes} bytes do not come back from ${this.name}: ${error.message}`);
      }),
    );
  }

  /** Resolves when all that was submitted is done; rejects with DeviceLostError if the device is lost. */
  async synchronize(): Promise<void> {
    await this.guarded(() => this.gpu.queue.onSubmittedWorkDone());
  }

  /** Work on the device. If it fails since the device is lost, DeviceLostError is thrown: the loss may be told a moment after what it made
   *  fail.
   *  @internal */
  async guarded<T>(work: () => Promise<T>): Promise<T> {
    this.check();
    try {
      const result = await work();
      this.check();
      return result;
    } catch (error) {
      await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 10))]);
      this.check();
      throw error;
    }
  }

  /** Throws what has gone wrong with the device since: lost, out of memory, a validation error. */
  check(): void {
    if (this.#lost)
      throw new DeviceLostError(
        `device ${this.name} was lost (${this.#lost.reason}): ${this.#lost.message}; make a new one and load the last checkpoint`,
      );
    if (this.#error) throw new DeviceError(`device ${this.name}: ${this.#error.message}`);
  }

  /** Frees the device if it is our own; a host's stays. */
  dispose(): void {
    this.#readback.dispose();
    if (this.#owned) this.gpu.destroy();
  }

  /** dispose */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}

/** A GPUDevice with all that wgrad makes use of and the adapter has. Throws DeviceError if there is no WebGPU or no adapter. */
export async function requestGpu({ gpu, powerPreference = "high-performance" }: RequestOptions = {}): Promise<Found> {
  const api = gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!api)
    throw new DeviceError(
      "Device.request: there is no WebGPU here (no navigator.gpu); use a browser that has it, give { gpu }, or take Device.cpu()",
    );
  const adapter = await api.requestAdapter({ powerPreference });
  if (!adapter)
    throw new DeviceError(
      "Device.request: WebGPU has no adapter (the GPU or its driver is blocked or missing); enable it in the browser's flags, or take Device.cpu()",
    );
  const device = await adapter.requestDevice(descriptorOf(adapter)).catch((error: Error) => {
    throw new DeviceError(
      `Device.request: the adapter gives no device: ${error.message}; try again, or reload the page`,
    );
  });
  return { gpu: device, info: adapter.info, owned: true };
}
