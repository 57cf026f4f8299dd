// Attention: for each query, the mean of the values, weighted by a softmax over how well their keys fit. Queries [B, Q, D], keys [B, K, D],
// values [B, K, V] → y [B, Q, V], weights [B, Q, K].
//
//   dot       score = q·k · scale    Luong et al. 2015 (scale 1); Vaswani et al. 2017 (1/√D), https://arxiv.org/abs/1706.03762
//   additive  score = v·tanh(q·Wq + k·Wk)    Bahdanau et al. 2015, https://arxiv.org/abs/1409.0473
import { ShapeError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType } from "../shape/types.ts";
import { iota, type Tensor } from "../tensor.ts";
import { glorotUniform } from "./initialisers.ts";
import { fold, type Key } from "./key.ts";
import { requireLengths } from "./recurrentLayers.ts";

/** What attention gives. */
export interface Attended {
  /** The weighted mean of the values. */
  readonly y: Tensor;
  /** How much of each value is in it: they sum to 1 over the keys. */
  readonly weights: Tensor;
}

/** Options of attention. */
export interface AttentionOptions {
  /** i32[B]: keys at and behind the length count for nothing. At least 1. */
  readonly lengths?: Tensor;
  /** Of the dot product. Default: 1/√D. */
  readonly scale?: number;
}

function attend(scores: Tensor, values: Tensor, { lengths }: AttentionOptions): Attended {
  const [B, , K] = scores.shape as [number, number, number];
  if (lengths) requireLengths("attention", lengths, B);
  const valid = lengths && iota({ dtype: "i32", shape: [B, 1, K] }, 2).less(lengths.reshape([B, 1, 1]));
  const weights = (valid ? scores.where(valid, -1e30) : scores).softmax(-1);
  return { y: weights.matmul(values), weights };
}

function check(op: string, query: Tensor, keys: Tensor, values: Tensor): void {
  const [q, k, v] = [query, keys, values].map((t) => t.shape) as [number[], number[], number[]];
  if (q.length !== 3 || k.length !== 3 || v.length !== 3 || q[0] !== k[0] || k[0] !== v[0] || k[1] !== v[1])
    throw new ShapeError(
      `${op}: queries [B, Q, D], keys [B, K, D] and values [B, K, V] do not fit, got ${[query, keys, values].map((t) => printType(t.type)).join(", ")} (${q[0]} vs ${k[0]} sequences, ${k[1]} keys vs ${v[1]} values); reshape them`,
    );
}

/** softmax(scale·Q·Kᵀ)·V: queries [B, Q, D], keys [B, K, D], values [B, K, V] → y [B, Q, V], weights [B, Q, K]. Throws ShapeError. Vaswani et
 *  al., https://arxiv.org/abs/1706.03762 */
export function dotAttention(query: Tensor, keys: Tensor, values = keys, options: AttentionOptions = {}): Attended {
  check("dotAttention", query, keys, values);
  const { scale = 1 / Math.sqrt(query.shape[2]!) } = options;
  return attend(query.mul(scale).matmul(keys.transpose()), values, options);
}

/** Wq [D, A], Wk [D′, A], v [A] */
export interface AdditiveWeights<T> {
  /** [D, A] */
  readonly wq: T;
  /** [D′, A] */
  readonly wk: T;
  /** [A] */
  readonly v: T;
}

/** Initial weights for queries of size D, keys of size D′ and `units` A: Glorot's. */
export function additiveWeights(key: Key, queries: number, keys: number, units: number): AdditiveWeights<NdArray> {
  const make = (part: number, rows: number) => glorotUniform(fold(key, part), [rows, units]);
  const v = glorotUniform(fold(key, 2), [units, 1]);
  return { wq: make(0, queries), wk: make(1, keys), v: { ...v, shape: [units] } };
}

/** softmax(v·tanh(Q·Wq + K·Wk))·V: queries [B, Q, D], keys [B, K, D′], values [B, K, V] → y [B, Q, V], weights [B, Q, K]. Throws ShapeError.
 *  Bahdanau, Cho and Bengio, https://arxiv.org/abs/1409.0473 */
export function additiveAttention(
  { wq, wk, v }: AdditiveWeights<Tensor>,
  query: Tensor,
  keys: Tensor,
  values = keys,
  options: AttentionOptions = {},
): Attended {
  check("additiveAttention", query, keys, values);
  const hidden = query.matmul(wq).unsqueeze(2).add(keys.matmul(wk).unsqueeze(1)).tanh();
  return attend(hidden.mul(v).sum(-1), values, options);
}
