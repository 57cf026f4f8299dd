// How safetensors stores numbers, and what they become here: little-endian, as is every host of WebGPU. Floats of all widths become f32
// (float64 on the host), integers the dtype of ours that holds them.
import { FormatError } from "../shape/errors.ts";
import type { NdArray, NdData } from "../shape/ndarray.ts";
import type { DType } from "../shape/types.ts";

export interface Storage {
  /** Of an element. */
  readonly bytes: number;
  readonly dtype: DType;
  /** Reads as many elements as `into` holds. */
  read(stored: ArrayBuffer, into: NdData): void;
}

type View = new (buffer: ArrayBuffer) => ArrayLike<number>;

const viewed = (dtype: DType, bytes: number, View: View): Storage => ({
  ...{ dtype, bytes },
  read: (stored, into) => into.set(new View(stored)),
});

/** Elements that are computed from words of `View`, `words` an element. */
const computed = (
  dtype: DType,
  View: View,
  words: number,
  bytes: number,
  f: (first: number, last: number) => number,
): Storage => ({
  ...{ dtype, bytes },
  read(stored, into) {
    const view = new View(stored);
    for (let i = 0; i < into.length; i++) into[i] = f(view[words * i] as number, view[words * i + words - 1] as number);
  },
});

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The upper half of a float32. */
function bfloat16(half: number): number {
  bits[0] = half << 16;
  return float[0] as number;
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
function float16(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

/** A 64-bit integer that must fit in 32. */
const narrow = (name: string, dtype: "i32" | "u32") => (low: number, high: number) => {
  const fits = dtype === "u32" ? high === 0 : high === (low | 0) >> 31;
  if (!fits) throw new FormatError(`safetensors: an ${name} value does not fit in ${dtype}; store it in 32 bits`);
  return low;
};

/** By the names of the format, in the order in which its files hold them: the widest first, so that each is aligned. */
export const storages: Readonly<Record<string, Storage>> = {
  U64: computed("u32", Uint32Array, 2, 8, narrow("U64", "u32")),
  I64: computed("i32", Int32Array, 2, 8, narrow("I64", "i32")),
  F64: viewed("f32", 8, Float64Array),
  F32: viewed("f32", 4, Float32Array),
  U32: viewed("u32", 4, Uint32Array),
  I32: viewed("i32", 4, Int32Array),
  BF16: computed("f32", Uint16Array, 1, 2, bfloat16),
  F16: computed("f32", Uint16Array, 1, 2, float16),
  U16: viewed("u32", 2, Uint16Array),
  I16: viewed("i32", 2, Int16Array),
  I8: viewed("i32", 1, Int8Array),
  U8: viewed("u8", 1, Uint8Array),
  BOOL: computed("bool", Uint8Array, 1, 1, (byte) => Number(byte !== 0)),
};

/** The format's name for a dtype; f32 in 64 bits where it must keep what the CPU reference computes. */
export const storageName = (dtype: DType, float64: boolean): string =>
  dtype === "f32" ? (float64 ? "F64" : "F32") : dtype.toUpperCase();

/** Writes the values at an aligned offset. */
export function store({ dtype, data }: NdArray, float64: boolean, buffer: ArrayBuffer, offset: number): void {
  const View = {
    f32: float64 ? Float64Array : Float32Array,
    i32: Int32Array,
    u32: Uint32Array,
    u8: Uint8Array,
    bool: Uint8Array,
  }[dtype];
  new View(buffer, offset, data.length).set(data);
}
