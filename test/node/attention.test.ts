// Attention and the encoder–decoder on the reference.
import { expect, test } from "vitest";
import { checkGradients } from "../../src/cpu/checkGradients.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { mapTree } from "../../src/graph/tree.ts";
import { additiveAttention, additiveWeights, dotAttention } from "../../src/nn/attention.ts";
import type { Params } from "../../src/nn/layer.ts";
import { seq2seq } from "../../src/nn/seq2seq.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { concat, constant, full, type Tensor } from "../../src/tensor.ts";
import { random } from "../samples/sample.ts";

const [B, Q, K, D, V] = [2, 3, 4, 5, 6];
const values = (t: Tensor): number[] => [...evaluate([t], new Map())[0]!.data];
const close = (got: Tensor, want: Tensor): void => {
  const difference = values(got.sub(want)).map(Math.abs);
  expect(Math.max(...difference)).toBeLessThan(1e-12);
};
const given = (a: NdArray): Tensor => constant({ dtype: a.dtype, shape: a.shape }, [...a.data]);
const [query, keys, vals] = [f32(B, Q, D), f32(B, K, D), f32(B, K, V)].map((t, i) => random(t, { seed: i + 1 }));
const w = additiveWeights([1, 2], D, D, 3);

const dot = (q: Tensor, k: Tensor, v: Tensor, lengths?: Tensor) => dotAttention(q, k, v, lengths && { lengths });
const additive = (q: Tensor, k: Tensor, v: Tensor, lengths?: Tensor) =>
  additiveAttention({ wq: given(w.wq), wk: given(w.wk), v: given(w.v) }, q, k, v, lengths && { lengths });

test.each([
  ["dot", dot],
  ["additive", additive],
] as const)("%s: y is the weighted mean of the values, gradients agree, lengths cut", (_, attend) => {
  const [q, k, v] = [query!, keys!, vals!].map(given) as [Tensor, Tensor, Tensor];
  const { y, weights } = attend(q, k, v);
  expect(weights.shape).toEqual([B, Q, K]);
  for (const sum of values(weights.sum(-1))) expect(sum).toBeCloseTo(1, 12);
  close(y, weights.matmul(v));
  const check = checkGradients((q, k, v) => attend(q, k, v).y, [query!, keys!, vals!]);
  expect(check.relativeError).toBeLessThan(1e-7);
  // a key behind the length counts as if it were not there
  const short = attend(q, k, v, constant(i32(B), [2, 2]));
  const cut = attend(q, k.slice([0, 0, 0], [B, 2, D]), v.slice([0, 0, 0], [B, 2, V]));
  close(short.y, cut.y);
});

test("dot attention weighs by softmax(q·k / √D)", () => {
  const one = dotAttention(constant(f32(1, 1, 4), [2, 0, 0, 0]), constant(f32(1, 2, 4), [1, 0, 0, 0, 3, 0, 0, 0]));
  const [a, b] = values(one.weights) as [number, number];
  expect(Math.log(b / a)).toBeCloseTo(2, 12);
  expect(() => dotAttention(given(query!), given(query!), given(vals!))).toThrow("dotAttention: queries");
});

test.each(["dot", "additive"] as const)(
  "seq2seq with %s attention: decoding gives what teacher forcing by its own output gives",
  (attention) => {
    const [size, length, steps] = [7, 5, 4];
    const model = seq2seq({ vocabulary: size, units: 6, sourceLength: length, attention });
    const isArray = (x: unknown): x is NdArray => typeof x === "object" && x !== null && "data" in x;
    let seed = 1;
    const params = mapTree(model.init([1, 2], i32(B, length + steps)).params as never, isArray, (a: NdArray) =>
      given(random({ dtype: "f32", shape: a.shape }, { seed: seed++ })),
    ) as unknown as Params<Tensor>;
    const source = constant(i32(B, length), [1, 2, 3, 4, 5, 5, 4, 0, 0, 1]);
    const { tokens, weights } = model.decode(params, source, size - 1, steps);
    expect(weights.shape).toEqual([B, steps, length]);
    const forced = concat([source, full(i32(B, 1), size - 1), tokens.slice([0, 0], [B, steps - 1])], 1);
    const context = { training: false, key: full(u32(2), 0) };
    const logits = model.apply({ params, state: {} }, forced, context).y;
    expect(logits.shape).toEqual([B, steps, size]);
    expect(values(logits.argmax(-1))).toEqual(values(tokens));
  },
);
