// GpuArray: a value in a GPUBuffer, at an offset. f32, i32, u32 and bool take a word an element; u8 from outside is packed four to one.
import type { DeviceArray } from "../device.ts";
import { ArrayError, ShapeError } from "../shape/errors.ts";
import { allocate, type NdArray } from "../shape/ndarray.ts";
import { numel, printType, sameType, type TensorType } from "../shape/types.ts";
import type { GpuRuntime } from "./runtime.ts";

/** Tells whether an output still holds what it held: programs overwrite theirs. */
export interface Freshness {
  readonly current: number;
}

/** A value in a GPUBuffer, at an offset. f32, i32, u32 and bool take a word an element; u8 from outside is packed four to one. */
export class GpuArray implements DeviceArray {
  /** dtype and shape. */
  readonly type: TensorType;
  /** Where it lives. */
  readonly device: GpuRuntime;
  /** The buffer that holds the value, for your own passes: usage STORAGE, COPY_SRC and COPY_DST. Other arrays may lie in it too. */
  readonly gpuBuffer: GPUBuffer;
  /** Where the value begins, in bytes; it takes `byteLength`. */
  readonly offset: number;
  /** Whose the buffer is: wgrad's, which destroys it with the last of its arrays; or the host's (`Device.wrap`), where `dispose` leaves it. */
  readonly owner: "wgrad" | "host";
  /** u8, four to a word. */
  readonly packed: boolean;
  #owner: BufferOwner | null;
  readonly #freshness: Freshness | undefined;
  readonly #made: number | undefined;
  #disposed = false;

  constructor(
    device: GpuRuntime,
    type: TensorType,
    gpuBuffer: GPUBuffer,
    offset: number,
    packed: boolean,
    owner: BufferOwner | null,
    freshness?: Freshness,
  ) {
    this.device = device;
    this.type = type;
    this.gpuBuffer = gpuBuffer;
    this.offset = offset;
    this.packed = packed;
    this.owner = owner ? "wgrad" : "host";
    this.#owner = owner;
    this.#freshness = freshness;
    this.#made = freshness?.current;
    owner?.retain();
  }

  /** Throws ArrayError if the value is gone. */
  check(): void {
    if (this.#disposed)
      throw new ArrayError(`array ${printType(this.type)}: it was disposed; keep it until its last use`);
    if (this.#freshness && this.#freshness.current !== this.#made)
      throw new ArrayError(
        `array ${printType(this.type)}: a later run of its program overwrote it; read it before the next run`,
      );
  }

  /** Bytes in the buffer. */
  get byteLength(): number {
    const n = numel(this.type.shape);
    return this.packed ? 4 * Math.ceil(n / 4) : 4 * n;
  }

  async read(): Promise<NdArray> {
    this.check();
    const bytes = await this.device.readback(this.gpuBuffer, this.offset, this.byteLength);
    return decode(this.type, this.packed, bytes);
  }

  write(values: NdArray): void {
    this.check();
    if (!sameType(values, this.type))
      throw new ShapeError(
        `write: got ${printType(values)} for ${printType(this.type)}; give an array of the same type`,
      );
    this.device.gpu.queue.writeBuffer(this.gpuBuffer, this.offset, encode(values, this.packed));
  }

  /** Frees it; a buffer of the host's stays. */
  dispose(): void {
    this.#disposed = true;
    this.release();
  }

  /** Lets go of the buffer: the array is disposed, or its value is gone. */
  release(): void {
    this.#owner?.release();
    this.#owner = null;
  }

  /** dispose */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}

/** A buffer that several arrays share; destroyed with the last of them. */
export class BufferOwner {
  readonly buffer: GPUBuffer;
  #users = 0;

  constructor(buffer: GPUBuffer) {
    this.buffer = buffer;
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.buffer.destroy();
  }
}

/** The bytes of a host array as they lie in a buffer, a whole number of words. */
export function encode(values: NdArray, packed: boolean): Uint8Array<ArrayBuffer> {
  const { data, dtype } = values;
  if (packed) {
    const out = new Uint8Array(4 * Math.ceil(data.length / 4));
    out.set(data);
    return out;
  }
  const words =
    dtype === "f32" ? Float32Array.from(data) : dtype === "i32" ? Int32Array.from(data) : Uint32Array.from(data);
  return new Uint8Array(words.buffer);
}

function decode(type: TensorType, packed: boolean, bytes: ArrayBuffer): NdArray {
  const n = numel(type.shape);
  const data = allocate(type.dtype, n);
  if (packed) data.set(new Uint8Array(bytes, 0, n));
  else
    data.set(
      type.dtype === "f32"
        ? new Float32Array(bytes, 0, n)
        : type.dtype === "i32"
          ? new Int32Array(bytes, 0, n)
          : new Uint32Array(bytes, 0, n),
    );
  return { dtype: type.dtype, shape: type.shape, data };
}
