// Gradients of layers over sequences, with respect to x, every parameter and every initial state, against finite differences in float64.
import { describe, expect, test } from "vitest";
import { checkGradients } from "../../src/cpu/checkGradients.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import type { Layer } from "../../src/nn/layer.ts";
import { dense } from "../../src/nn/layers.ts";
import { mse, softmaxCrossEntropy } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { gru, lstm, type RecurrentOptions, rnn } from "../../src/nn/recurrentLayers.ts";
import { seq2seq } from "../../src/nn/seq2seq.ts";
import { embedding, feedback, oneToMany, reshape, timeDistributed } from "../../src/nn/sequence.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType } from "../../src/shape/types.ts";
import { constant, type Tensor } from "../../src/tensor.ts";
import { type FunctionOptions, layerFunction, layerKinds, lstmVariants } from "../layerFunctions.ts";
import { given, random } from "../samples/sample.ts";

const [B, T, F, H] = [3, 4, 3, 5];
const tensor = ({ dtype, shape, data }: NdArray): Tensor => constant({ dtype, shape }, [...data]);

function check(layer: Layer, x: NdArray | TensorType, options: FunctionOptions = {}): void {
  const { f, inputs } = layerFunction(layer, x, options);
  expect(checkGradients(f, inputs).relativeError).toBeLessThan(1e-7);
}

describe.each(Object.entries({ ...layerKinds, ...lstmVariants }))("%s", (_, { make, draw }) => {
  const drawn = draw ? { draw } : {};
  test.each([
    [1, "fused", true],
    [7, "fused", true],
    [28, "fused", true],
    [1, "step by step", false],
    [7, "step by step", false],
    [28, "step by step", false],
  ] as const)("T = %i, %s", (T, _, fused) => {
    check(make({ units: H, fused }), f32(B, T, F), { initial: true, ...drawn });
  });

  test.each<[string, Partial<RecurrentOptions>, FunctionOptions]>([
    ["from zeros", {}, {}],
    ["the last step alone", { returns: "last" }, {}],
    ["both directions", { bidirectional: true }, { initial: true }],
    ["two layers", { layers: 2 }, { initial: true }],
    ["dropout between layers", { layers: 3, dropout: 0.4 }, { training: true }],
    ["lengths", {}, { initial: true, lengths: [4, 2, 0] }],
    ["two layers, both directions, lengths", { layers: 2, bidirectional: true }, { initial: true, lengths: [1, 4, 3] }],
  ])("%s", (_, options, more) => check(make({ units: H, ...options }), f32(B, T, F), { ...more, ...drawn }));
});

test.each(["coupled", "none"] as const)(
  "an LSTM with peepholes and forget: %s, two layers, both directions",
  (forget) => {
    const layer = lstm({ units: H, layers: 2, bidirectional: true, peepholes: true, forget });
    check(layer, f32(B, T, F), { initial: true });
  },
);

const logits = timeDistributed(dense({ units: 4 }));
const labels = (...shape: number[]) => random(i32(...shape), { low: 0, high: 4, seed: 9 });

describe("shapes of sequences", () => {
  test.each<[string, Layer, NdArray | TensorType, readonly number[]]>([
    ["one-to-one", sequential(dense({ units: H, activation: "tanh" }), dense({ units: 4 })), f32(B, F), [B, 4]],
    ["one-to-many, x at step 0", sequential(oneToMany(T), lstm({ units: H }), logits), f32(B, F), [B, T, 4]],
    ...(["rnn", "lstm", "gru"] as const).map((cell): [string, Layer, TensorType, number[]] => [
      `one-to-many, the output of a ${cell} fed back`,
      feedback({ cell, units: H, steps: T, resetAfter: false, output: dense({ units: F, activation: "sigmoid" }) }),
      f32(B, F),
      [B, T, F],
    ]),
    ["many-to-one", sequential(gru({ units: H, returns: "last" }), dense({ units: 4 })), f32(B, T, F), [B, 4]],
    ["many-to-many", sequential(rnn({ units: H }), logits), f32(B, T, F), [B, T, 4]],
    [
      "images, each step by layers of its own",
      sequential(timeDistributed(reshape(F)), timeDistributed(dense({ units: 2 })), lstm({ units: H })),
      f32(B, T, F, 1),
      [B, T, H],
    ],
    ["tokens", sequential(embedding({ size: 4, units: 2 }), lstm({ units: H }), logits), labels(B, T), [B, T, 4]],
    ...(["dot", "additive"] as const).map((attention): [string, Layer, NdArray, number[]] => [
      `an encoder–decoder with ${attention} attention, given its target`,
      seq2seq({ vocabulary: 4, units: H, sourceLength: T, attention }),
      labels(B, T + 3),
      [B, 3, 4],
    ]),
  ])("%s", (_, layer, x, shape) => {
    check(layer, x);
    const { f, inputs } = layerFunction(layer, x);
    expect(f(...inputs.map(tensor))[0]!.shape).toEqual(shape);
  });
});

describe("losses", () => {
  const target = labels(B, T);
  const model = sequential(lstm({ units: H }), logits);
  const { f, inputs } = layerFunction(model, f32(B, T, F));

  test("summed over steps", () => {
    const summed = (...all: Tensor[]) => softmaxCrossEntropy(f(...all)[0]!, tensor(target), { reduction: "sum" });
    expect(checkGradients(summed, inputs).relativeError).toBeLessThan(1e-7);
    const perStep = (...all: Tensor[]) => {
      const y = f(...all)[0]!.split(T, 1);
      const t = tensor(target).split(T, 1);
      return y.map((z, k) => softmaxCrossEntropy(z, t[k]!, { reduction: "sum" })).reduce((a, b) => a.add(b));
    };
    const all = inputs.map(tensor);
    const [whole, parts] = evaluate([summed(...all), perStep(...all)], new Map());
    expect(whole!.data[0]).toBeCloseTo(parts!.data[0]!, 12);
  });

  test("at the last step", () => {
    const last = layerFunction(sequential(lstm({ units: H, returns: "last" }), dense({ units: 1 })), f32(B, T, F));
    const loss = (...all: Tensor[]) => mse(last.f(...all)[0]!, tensor(given(f32(B, 1), [1, -1, 0.5])));
    expect(checkGradients(loss, last.inputs).relativeError).toBeLessThan(1e-7);
  });
});
