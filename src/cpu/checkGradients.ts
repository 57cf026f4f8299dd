// Checks gradients against finite differences of the float64 reference, along one random direction: with φ(t) = Σ⟨c, f(x + t·v)⟩,
// φ′(0) must be ⟨∇φ, v⟩. The difference quotient is extrapolated to step 0 (C. Ridders: Accurate computation of F′(x),
// Advances in Engineering Software 4, 1982), which leaves an error near 1e-11, so that 1e-7 tells right from wrong.
import { vjp } from "../autodiff/backward.ts";
import type { Node } from "../graph/node.ts";
import { threefry } from "../ops/counter.ts";
import * as ops from "../ops/index.ts";
import { DTypeError } from "../shape/errors.ts";
import { type NdArray, ndarray } from "../shape/ndarray.ts";
import { printType } from "../shape/types.ts";
import { apply, constant, type Tensor } from "../tensor.ts";
import { evaluate } from "./evaluate.ts";

/** Options of checkGradients. */
export interface CheckOptions {
  /** Of the direction and the weights of the outputs. Default: 0. */
  readonly seed?: number;
  /** Which inputs are differentiated. Default: all that are f32. */
  readonly wrt?: readonly number[];
}

/** The same derivative, found in two ways. */
export interface GradientCheck {
  /** The directional derivative by reverse mode, and by differences. */
  readonly analytic: number;
  /** By differences. */
  readonly numeric: number;
  /** How far they are apart, relative to the larger. */
  readonly relativeError: number;
}

/** Compares the gradient of `f` at `values` with finite differences. The values must be away from kinks by 0.05·|x| and more. */
export function checkGradients(
  f: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  values: readonly NdArray[],
  { seed = 0, wrt = values.flatMap((x, k) => (x.dtype === "f32" ? [k] : [])) }: CheckOptions = {},
): GradientCheck {
  const inputs = values.map(
    ({ dtype, shape }, k) => apply(ops.input, [], { path: String(k), type: { dtype, shape } })[0]!,
  );
  for (const k of wrt)
    if (inputs[k]?.dtype !== "f32")
      throw new DTypeError(
        `checkGradients: input ${k} is ${inputs[k] && printType(inputs[k].type)}, not f32; leave it out of wrt`,
      );
  const outputs = [f(...inputs)].flat().filter((y): y is Tensor => y.dtype === "f32");
  const draw = generator(seed);
  const cotangents = outputs.map((y) => ndarray(y.type, draw));
  // a direction in proportion to each value, so that large and small ones are told apart
  const direction = values.map((x, k) =>
    wrt.includes(k) ? [...x.data].map((v) => draw() * (Math.abs(v) || 0.1)) : null,
  );

  const at = (t: number): Map<Node, NdArray> =>
    new Map(
      inputs.map((input, k) => {
        const v = direction[k];
        const x = values[k]!;
        return [input.node, v ? { ...x, data: Float64Array.from(x.data, (value, i) => value + t * v[i]!) } : x];
      }),
    );
  const terms = (ys: readonly NdArray[]): number[] =>
    ys.flatMap((y, i) => [...y.data].map((v, j) => v * cotangents[i]!.data[j]!));
  const phi = (t: number): number => sum(terms(evaluate(outputs, at(t))));

  const weights = cotangents.map((c, i) => constant(outputs[i]!.type, [...c.data]));
  const wrtTensors = wrt.map((k) => inputs[k]!);
  const gradients = evaluate(vjp(outputs, weights, wrtTensors), at(0));
  const products = gradients.flatMap((g, i) => [...g.data].map((v, j) => v * direction[wrt[i]!]![j]!));

  const analytic = sum(products);
  const numeric = ridders(phi);
  // terms may cancel, in the directional derivative and in φ: errors are relative to what they are made of
  const size = Math.max(
    Math.abs(analytic),
    Math.abs(numeric),
    Math.hypot(...products),
    1e-4 * sum(terms(evaluate(outputs, at(0))).map(Math.abs)),
  );
  return { analytic, numeric, relativeError: size === 0 ? 0 : Math.abs(analytic - numeric) / size };
}

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** Numbers in ±[½, 1): none so small that its element goes unseen. */
function generator(seed: number): () => number {
  let counter = 0;
  return () => {
    const [bits, sign] = threefry(seed, 0x636865, counter++, 0);
    return (0.5 + bits / 2 ** 33) * (sign & 1 ? 1 : -1);
  };
}

/** φ′(0): central differences with steps 2⁻⁵ … 2⁻¹⁷, the error terms in h², h⁴, … removed one after another; of all
 *  these estimates the one that agrees best with those that it was made from. */
function ridders(phi: (t: number) => number): number {
  let before: number[] = [];
  let best = { value: Number.NaN, error: Number.POSITIVE_INFINITY };
  for (let level = 5; level <= 17; level++) {
    const h = 2 ** -level;
    const row = [(phi(h) - phi(-h)) / (2 * h)];
    for (let j = 1; j <= before.length; j++) {
      const value = row[j - 1]! + (row[j - 1]! - before[j - 1]!) / (4 ** j - 1);
      const error = Math.max(Math.abs(value - row[j - 1]!), Math.abs(value - before[j - 1]!));
      if (error < best.error) best = { value, error };
      row.push(value);
    }
    before = row;
  }
  return best.value;
}
