// dtypes and tensor types. A type is plain data, static, and prints as `f32[64,784]`.

/** f32 is IEEE single on the GPU and float64 in the CPU reference. u8 is a storage type (four to a word); cast it before arithmetic. bool is stored as one u32. */
export type DType = "f32" | "i32" | "u32" | "u8" | "bool";

/** Sizes, outermost first; [] is a scalar. */
export type Shape = readonly number[];

/** Prints as f32[64,784]. */
export interface TensorType {
  /** What its elements are. */
  readonly dtype: DType;
  /** Its sizes, outermost first. */
  readonly shape: Shape;
}

const of =
  (dtype: DType) =>
  (...shape: number[]): TensorType => ({ dtype, shape });

/** `f32(64, 784)` is the type f32[64,784]; `f32()` a scalar. */
export const f32: (...shape: number[]) => TensorType = of("f32");
/** As f32: `i32(64)` is the type i32[64]. */
export const i32: (...shape: number[]) => TensorType = of("i32");
/** As f32: `u32(2)` is the type u32[2]. */
export const u32: (...shape: number[]) => TensorType = of("u32");
/** As f32: `u8(60000, 28, 28, 1)` is the type of MNIST's images. */
export const u8: (...shape: number[]) => TensorType = of("u8");
/** As f32: `bool(64)` is the type bool[64]. */
export const bool: (...shape: number[]) => TensorType = of("bool");

export function numel(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** Row-major strides, in elements. */
export function strides(shape: Shape): number[] {
  const out = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) out[i] = (out[i + 1] as number) * (shape[i + 1] as number);
  return out;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function sameType(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && sameShape(a.shape, b.shape);
}

export function printType(t: TensorType): string {
  return `${t.dtype}[${t.shape.join(",")}]`;
}

/** Bytes that a value of this type takes in storage, a whole number of 4-byte words. */
export function byteSize(t: TensorType): number {
  return t.dtype === "u8" ? 4 * Math.ceil(numel(t.shape) / 4) : 4 * numel(t.shape);
}

/** Storage offsets are multiples of this many elements: 256 bytes, which WebGPU asks of a binding. */
export const alignment = 64;
