// A sample: an op in use on small values. One list drives the gradient checks (test/node) and the comparison of the GPU with
// the reference (test/gpu), after PyTorch's OpInfo.
import { threefry } from "../../src/ops/counter.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { numel, type TensorType } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";

export interface Sample {
  readonly name: string;
  readonly inputs: readonly NdArray[];
  readonly build: (inputs: Tensor[]) => Tensor[];
  /** Which inputs are differentiated. The values stay away from kinks in these. */
  readonly differentiable: readonly number[];
  /** Of the GPU, relative to the largest value of an output. Default: 1e-5. */
  readonly tolerance?: number;
  /** Its gradient does not differentiate again. */
  readonly once?: boolean;
}

interface Options {
  /** Default: the inputs that are f32. */
  readonly differentiable?: readonly number[];
  readonly tolerance?: number;
  readonly once?: boolean;
}

export function sample(
  name: string,
  inputs: readonly NdArray[],
  build: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  options: Options = {},
): Sample {
  const f32 = inputs.flatMap((x, k) => (x.dtype === "f32" ? [k] : []));
  return {
    name,
    inputs,
    build: (tensors) => [build(...tensors)].flat() as Tensor[],
    ...options,
    differentiable: options.differentiable ?? f32,
  };
}

/** Values in row-major order, rounded to what the dtype holds on a GPU. */
export function given(type: TensorType, values: readonly number[]): NdArray {
  return ndarray(type, type.dtype === "f32" ? values.map(Math.fround) : values);
}

interface Range {
  readonly low?: number;
  readonly high?: number;
  readonly seed?: number;
  /** No value is closer to these than 0.1. */
  readonly kinks?: readonly number[];
}

/** Seeded values, uniform in [low, high) (default [−2, 2), for unsigned dtypes [0, 4)), rounded to what the dtype holds. */
export function random(type: TensorType, { low, high, seed = 1, kinks = [] }: Range = {}): NdArray {
  const signed = type.dtype === "f32" || type.dtype === "i32";
  const from = low ?? (signed ? -2 : 0);
  const to = high ?? (type.dtype === "bool" ? 2 : signed ? 2 : 4);
  let counter = 0;
  return ndarray(type, () => {
    for (;;) {
      const [bits] = threefry(seed, 0, counter++, 0);
      const x = Math.fround(from + (bits / 2 ** 32) * (to - from));
      if (type.dtype !== "f32") return Math.floor(x);
      if (kinks.every((kink) => Math.abs(x - kink) > 0.1)) return x;
    }
  });
}

/** Shuffled values of both signs, their sizes 8 % apart: no step of the gradient check changes their order. For maxima. */
export function distinct(type: TensorType, seed = 1): NdArray {
  const n = numel(type.shape);
  const values = Array.from({ length: n }, (_, i) => 0.1 * 1.08 ** Math.floor(i / 2) * (i % 2 ? -1 : 1));
  for (let i = n - 1; i > 0; i--) {
    const j = threefry(seed, 1, i, 0)[0] % (i + 1);
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return given(type, values);
}
