// Random graphs. A recipe is plain data, so that fast-check shrinks it and prints it; `build` makes the graph. Any recipe gives a valid graph:
// operands are picked by number among the values there are, and changed where they do not fit.
// Values stay within about ±2 and away from saturation, so that float32 and float64 agree to rounding.
import fc from "fast-check";
import { broadcastShapes } from "../src/shape/broadcast.ts";
import type { NdArray } from "../src/shape/ndarray.ts";
import { f32, i32, numel, type Shape, sameShape, type TensorType, u32 } from "../src/shape/types.ts";
import { concat, constant, iota, type Tensor, uniform } from "../src/tensor.ts";
import { random } from "./samples/sample.ts";

interface Step {
  readonly op: string;
  /** Operands, as numbers of values. */
  readonly a: number;
  readonly b: number;
  /** An axis, a size or a seed, as the op likes. */
  readonly k: number;
}

export interface Recipe {
  readonly inputs: readonly Shape[];
  /** Inputs that are carried: the first so many. */
  readonly carried: number;
  readonly steps: readonly Step[];
  /** Values that are returned. The last one always is. */
  readonly outputs: readonly number[];
  /** For each carried input, where the search for a next value of its shape starts. */
  readonly next: readonly number[];
}

const largest = 6000;

const axis = (x: Tensor, k: number) => k % x.rank;

/** y, or its mean where the two do not broadcast. */
function fitting(x: Tensor, y: Tensor): Tensor {
  try {
    return numel(broadcastShapes("fitting", x.shape, y.shape)) <= largest ? y : y.mean();
  } catch {
    return y.mean();
  }
}

function product(x: Tensor, y: Tensor): Tensor {
  const a = x.rank < 2 ? x.reshape([1, numel(x.shape)]) : x;
  const inner = a.shape.at(-1) as number;
  const b = y.rank === 2 && y.shape[0] === inner ? y : a.transpose();
  return a.matmul(b).mul(1 / inner);
}

/** Every second one along the axis is of y. */
function interleave(x: Tensor, y: Tensor, k: number): Tensor {
  const other = fitting(x, y);
  const all = x.add(other.mul(0));
  if (all.rank === 0) return all;
  return all.where(
    iota(i32(...all.shape), axis(all, k))
      .rem(2)
      .equal(0),
    other,
  );
}

function repeated(x: Tensor, k: number): Tensor {
  const n = 1 + (k % 3);
  return n * numel(x.shape) > largest ? x : x.unsqueeze(0).broadcastTo([n, ...x.shape]);
}

const ofAxis = (f: (x: Tensor, axis: number, k: number) => Tensor) => (x: Tensor, _: Tensor, k: number) =>
  x.rank === 0 ? x : f(x, axis(x, k), k);

const along = (x: Tensor, d: number, n: number, otherwise = 0) => x.shape.map((_, i) => (i === d ? n : otherwise));

const builders: Readonly<Record<string, (x: Tensor, y: Tensor, k: number) => Tensor>> = {
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  sin: (x) => x.sin(),
  square: (x) => x.square().mul(0.5),
  exp: (x) => x.tanh().exp().mul(0.4),
  log: (x) => x.square().add(1).log(),
  softplus: (x) => x.softplus().mul(0.5),
  add: (x, y) => x.add(fitting(x, y)).mul(0.5),
  sub: (x, y) => fitting(x, y).sub(x).mul(0.5),
  mul: (x, y) => x.mul(fitting(x, y)),
  div: (x, y) => x.div(fitting(x, y).square().add(1)),
  gather: ofAxis((x, d, k) => x.gather(constant(i32(2), [k % (x.shape[d] as number), 0]), d)),
  interleave,
  noise: (x, _, k) => x.add(uniform(constant(u32(2), [k, 7]), x.shape)).mul(0.5),
  mean: ofAxis((x, d) => x.mean(d)),
  meanAll: (x) => x.mean(),
  centred: ofAxis((x, d) => x.sub(x.mean(d, true))),
  softmax: ofAxis((x, d) => x.softmax(d)),
  matmul: product,
  transpose: ofAxis((x) => (x.rank < 2 ? x : x.transpose())),
  flat: (x) => x.reshape([numel(x.shape)]),
  slice: ofAxis((x, d) => (x.shape[d] === 1 ? x : x.slice(along(x, d, 1)))),
  strided: ofAxis((x, d) => x.slice(along(x, d, 0), x.shape, along(x, d, 2, 1))),
  pad: ofAxis((x, d) => (2 * numel(x.shape) > largest ? x : x.pad(along(x, d, 1), along(x, d, 2), 0.25))),
  flip: ofAxis((x, d) => x.flip(d)),
  repeated: (x, _, k) => repeated(x, k),
  concat: ofAxis((x, d) => (2 * numel(x.shape) > largest ? x : concat([x, x.mul(0.5)], d))),
};

/** The graph of a recipe: what it returns, and the next values of what it carries. */
export function build(recipe: Recipe, inputs: readonly Tensor[]): { out: Tensor[]; carried: Tensor[] } {
  const values = [...inputs];
  const pick = (i: number) => values[i % values.length] as Tensor;
  for (const { op, a, b, k } of recipe.steps) {
    const y = builders[op]?.(pick(a), pick(b), k) as Tensor;
    values.push(y.rank > 4 ? y.mean([0, 1]) : y);
  }
  const carried = recipe.next.map((start, i) => {
    const { shape } = inputs[i] as Tensor;
    const rotated = values.map((_, j) => pick(start + j));
    return rotated.find((t) => sameShape(t.shape, shape)) as Tensor;
  });
  return { out: [values.at(-1) as Tensor, ...recipe.outputs.map(pick)], carried };
}

export const typesOf = (recipe: Recipe): TensorType[] => recipe.inputs.map((shape) => f32(...shape));

/** Seeded values for the inputs, in [−1, 1). */
export const valuesOf = (recipe: Recipe): NdArray[] =>
  typesOf(recipe).map((type, i) => random(type, { low: -1, high: 1, seed: 40 + i }));

// small shapes that broadcast and multiply with each other, and some that are long enough to be split
const shapes: readonly Shape[] = [
  [],
  [4],
  [8],
  [3, 4],
  [4, 4],
  [4, 3],
  [1, 4],
  [2, 3, 4],
  [6, 6],
  [130],
  [70, 4],
  [20, 20],
];

const number = fc.nat({ max: 40 });

/** Recipes; with `carried`, some inputs are carried. */
export function recipes({
  carried,
  mostInputs = 5,
  mostSteps = 14,
}: {
  readonly carried: boolean;
  readonly mostInputs?: number;
  readonly mostSteps?: number;
}): fc.Arbitrary<Recipe> {
  const step = fc.record({ op: fc.constantFrom(...Object.keys(builders)), a: number, b: number, k: number });
  return fc
    .record({
      inputs: fc.array(fc.constantFrom(...shapes), { minLength: 1, maxLength: mostInputs }),
      steps: fc.array(step, { minLength: 1, maxLength: mostSteps }),
      outputs: fc.array(number, { maxLength: 2 }),
      next: fc.array(number, { minLength: 5, maxLength: 5 }),
      count: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ count, next, ...rest }) => {
      const n = carried ? Math.min(count, rest.inputs.length) : 0;
      return { ...rest, carried: n, next: next.slice(0, n) };
    });
}
