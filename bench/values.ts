// Seeded values for inputs.
import { allocate, type NdArray } from "../src/shape/ndarray.ts";
import { numel, type TensorType } from "../src/shape/types.ts";

/** Uniform in [0, 1), seeded (mulberry32). */
export function generator(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Floats from `low` to 1; integers below 10: labels, rows, keys. */
export function valuesOf(type: TensorType, low = -1, seed = 3): NdArray {
  const random = generator(seed);
  const data = allocate(type.dtype, numel(type.shape));
  const below = type.dtype === "bool" ? 2 : 10;
  for (let i = 0; i < data.length; i++)
    data[i] = type.dtype === "f32" ? Math.fround(low + (1 - low) * random()) : Math.floor(below * random());
  return { dtype: type.dtype, shape: type.shape, data };
}

/** The greatest difference of two arrays, relative to the greatest value wanted. */
export function differenceOf(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [largest, difference] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    largest = Math.max(largest, Math.abs(want[i] as number));
    difference = Math.max(difference, Math.abs((want[i] as number) - (got[i] as number)));
  }
  return got.length === want.length ? difference / (largest || 1) : Number.POSITIVE_INFINITY;
}
