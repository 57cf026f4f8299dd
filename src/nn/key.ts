// Keys of the counter-based generator. A key is two 32-bit words; folding a number in gives the key of a part (a layer, a parameter).
// On the host they choose initial weights, in a graph (as u32[2]) what dropout drops.
import { threefry } from "../ops/counter.ts";
import { ValueError } from "../shape/errors.ts";
import { type Shape, u32 } from "../shape/types.ts";
import { constant, type Tensor } from "../tensor.ts";

/** Two words that random numbers are a function of. */
export type Key = readonly [number, number];

/** The key of a seed: an integer in [0, 2⁵³). Throws ValueError on any other. */
export function keyOf(seed: number): Key {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ValueError(`seed: must be an integer in 0 … 2^53 − 1, got ${seed}; pick one`);
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** The key of part `n`. */
export const fold = (key: Key, n: number): Key => threefry(key[0], key[1], n, 1);

/** The same for a key u32[2] of a graph: key·(odd number) + (a constant of n). Order counts: part 1 of part 2 is not part 2 of part 1. */
export function foldTensor(key: Tensor, n: number): Tensor {
  return key.mul(0x9e3779b1).add(constant(u32(2), threefry(0, 0, n, 2)));
}

/** Uniform values in [0, 1), multiples of 2⁻²⁴. */
export function uniformValues(key: Key, shape: Shape): Float64Array {
  return new Float64Array(shape.reduce((n, d) => n * d, 1)).map((_, i) => unit(threefry(...key, i, 0)[0]));
}

/** Values of the standard normal distribution: √(−2 ln u)·cos 2πv (Box and Muller). */
export function normalValues(key: Key, shape: Shape): Float64Array {
  return new Float64Array(shape.reduce((n, d) => n * d, 1)).map((_, i) => {
    const [a, b] = threefry(...key, i, 0);
    return Math.sqrt(-2 * Math.log(1 - unit(a))) * Math.cos(2 * Math.PI * unit(b)); // 1 − u is in (0, 1]
  });
}

const unit = (bits: number): number => (bits >>> 8) / 2 ** 24;
