// Initial weights, computed on the host from a key and rounded to f32: every device starts from the same bits.
//
// For a dense weight [in, out] fan-in is in and fan-out is out; for a filter [kh, kw, C/groups, K] both times kh·kw.
import { ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { numel, type Shape } from "../shape/types.ts";
import { type Key, normalValues, uniformValues } from "./key.ts";

/** Makes f32[shape]. */
export type Initialiser = (key: Key, shape: Shape) => NdArray;

const make = (shape: Shape, data: Float64Array): NdArray => ({
  dtype: "f32",
  shape: [...shape],
  data: data.map(Math.fround),
});

function fans(shape: Shape): { fanIn: number; fanOut: number } {
  const field = numel(shape.slice(0, -2));
  return { fanIn: field * (shape.at(-2) ?? 1), fanOut: field * (shape.at(-1) ?? 1) };
}

function finite(name: string, values: Record<string, number>): void {
  for (const [key, x] of Object.entries(values))
    if (!Number.isFinite(x)) throw new ValueError(`${name}: ${key} must be a finite number, got ${x}; correct it`);
}

/** The same value everywhere. */
export const constant = (value: number): Initialiser => {
  finite("constant", { value });
  return (_, shape) => make(shape, new Float64Array(numel(shape)).fill(value));
};
/** 0 everywhere. */
export const zeros: Initialiser = constant(0);
/** 1 everywhere. */
export const ones: Initialiser = constant(1);

/** Uniform in [low, high). */
export function uniform(low = -0.05, high = 0.05): Initialiser {
  finite("uniform", { low, high });
  return (key, shape) =>
    make(
      shape,
      uniformValues(key, shape).map((u) => low + (high - low) * u),
    );
}

/** Normal with this mean and standard deviation. */
export function normal(mean = 0, deviation = 0.05): Initialiser {
  finite("normal", { mean, deviation });
  return (key, shape) =>
    make(
      shape,
      normalValues(key, shape).map((z) => mean + deviation * z),
    );
}

type Fan = (fans: { fanIn: number; fanOut: number }) => number;
/** Zero mean and the given variance. */
const scaledUniform =
  (variance: Fan): Initialiser =>
  (key, shape) => {
    const limit = Math.sqrt(3 * variance(fans(shape)));
    return uniform(-limit, limit)(key, shape);
  };
const scaledNormal =
  (variance: Fan): Initialiser =>
  (key, shape) =>
    normal(0, Math.sqrt(variance(fans(shape))))(key, shape);

const glorot: Fan = ({ fanIn, fanOut }) => 2 / (fanIn + fanOut);
const he: Fan = ({ fanIn }) => 2 / fanIn;
const lecun: Fan = ({ fanIn }) => 1 / fanIn;

/** Variance 2/(fan-in + fan-out), for tanh and sigmoid. Glorot and Bengio, AISTATS 2010. */
export const glorotUniform: Initialiser = scaledUniform(glorot);
/** As glorotUniform, of normal values. */
export const glorotNormal: Initialiser = scaledNormal(glorot);
/** Variance 2/fan-in, for ReLU and kin. He et al., https://arxiv.org/abs/1502.01852 */
export const heUniform: Initialiser = scaledUniform(he);
/** As heUniform, of normal values. */
export const heNormal: Initialiser = scaledNormal(he);
/** Variance 1/fan-in, for SELU and linear layers. LeCun et al., Efficient BackProp, 1998. */
export const lecunUniform: Initialiser = scaledUniform(lecun);
/** As lecunUniform, of normal values. */
export const lecunNormal: Initialiser = scaledNormal(lecun);

/** A matrix [all but the last axis, last axis] with orthonormal rows or columns, whichever are fewer, times `gain`: Gram–Schmidt on normal
 *  values, twice over. Saxe et al., https://arxiv.org/abs/1312.6120 */
export function orthogonal(gain = 1): Initialiser {
  finite("orthogonal", { gain });
  return (key, shape) => {
    if (shape.length < 2) throw new ShapeError(`orthogonal: needs rank ≥ 2, got f32[${shape}]; use zeros for a bias`);
    const columns = shape.at(-1) as number;
    const rows = numel(shape) / columns;
    const wide = columns >= rows;
    const [count, length] = wide ? [rows, columns] : [columns, rows];
    const values = normalValues(key, shape);
    const vectors: Float64Array[] = [];
    for (let i = 0; i < count; i++) {
      const v = values.slice(i * length, (i + 1) * length);
      for (const u of [...vectors, ...vectors]) {
        const projection = dot(u, v);
        u.forEach((x, k) => {
          v[k] = (v[k] as number) - projection * x;
        });
      }
      const norm = Math.sqrt(dot(v, v));
      vectors.push(v.map((x) => x / norm));
    }
    const at = (row: number, column: number) => (wide ? vectors[row]?.[column] : vectors[column]?.[row]) as number;
    return make(
      shape,
      new Float64Array(rows * columns).map((_, i) => gain * at(Math.floor(i / columns), i % columns)),
    );
  };
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
