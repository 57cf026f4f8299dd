// Mistakes in layers over sequences: thrown when the layer is made or traced, typed, and saying what to do.
import { expect, test } from "vitest";
import { mapTree } from "../../src/graph/tree.ts";
import { additiveAttention, dotAttention } from "../../src/nn/attention.ts";
import type { Context, Layer, Variables } from "../../src/nn/layer.ts";
import { dense } from "../../src/nn/layers.ts";
import { gru, lstm, type RecurrentLayer, type RunInputs, rnn } from "../../src/nn/recurrentLayers.ts";
import { seq2seq } from "../../src/nn/seq2seq.ts";
import { feedback, timeDistributed } from "../../src/nn/sequence.ts";
import { truncated } from "../../src/nn/truncated.ts";
import { ShapeError, ValueError } from "../../src/shape/errors.ts";
import { isNdArray, type NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType, u32 } from "../../src/shape/types.ts";
import { full, type Tensor } from "../../src/tensor.ts";

const context: Context = { training: false, key: full(u32(2), 0) };
const [B, T, F, H] = [2, 3, 4, 5];
const of = (...shape: number[]): Tensor => full(f32(...shape), 0.5);
const tokens = (...shape: number[]): Tensor => full(i32(...shape), 1);

function variablesOf(layer: Layer, input: TensorType): Variables<Tensor> {
  const made = layer.init([1, 2], input);
  return mapTree(made as never, isNdArray, ({ dtype, shape }: NdArray) =>
    full({ dtype, shape }, 0),
  ) as unknown as Variables<Tensor>;
}

const run = (layer: RecurrentLayer, inputs: RunInputs = {}, x = of(B, T, F)) =>
  layer.run(variablesOf(layer, f32(B, T, F)), x, context, inputs);
const cut = (layer: RecurrentLayer) =>
  truncated(layer, variablesOf(layer, f32(B, T, F)), of(B, T, F), context, { k1: 1, k2: 2 });
const translator = () => seq2seq({ vocabulary: 4, units: H, sourceLength: T });
const any = <V>(value: unknown): V => value as V;

test.each<[string, typeof ShapeError | typeof ValueError, () => unknown, string]>([
  ["no steps a dispatch", ShapeError, () => lstm({ units: H, fused: 0 }), "lstm: fused"],
  ["half a step a dispatch", ShapeError, () => gru({ units: H, fused: 2.5 }), "got 2.5"],
  ["another form", ValueError, () => rnn({ units: H, fused: any("lop") }), "use true, false, loop, step"],
  ["another output", ValueError, () => rnn({ units: H, returns: any("all") }), "use sequence or last"],
  ["another forget gate", ValueError, () => lstm({ units: H, forget: any("all") }), "use gate, coupled or none"],
  ["a forget bias that is none", ValueError, () => lstm({ units: H, forgetBias: Number.NaN }), "must be finite"],
  ["dropout of all", ValueError, () => gru({ units: H, dropout: 1 }), "must be in [0, 1)"],
  [
    "lengths of another batch",
    ShapeError,
    () => run(lstm({ units: H }), { lengths: tokens(B + 1) }),
    "lstm: lengths are i32[3], wanted i32[2]",
  ],
  ["lengths that are no integers", ShapeError, () => run(gru({ units: H }), { lengths: of(B) }), "wanted i32[2]"],
  [
    "a state for two layers",
    ShapeError,
    () => run(rnn({ units: H, layers: 2 }), { initial: [{ h: of(B, H) }] }),
    "1 initial states for 2 runs (layer0, layer1)",
  ],
  ...[true, false].map((fused): [string, typeof ShapeError, () => unknown, string] => [
    `a state of one row, fused: ${fused}`,
    ShapeError,
    () => run(lstm({ units: H, fused }), { initial: [{ h: of(1, H), c: of(B, H) }] }),
    "the initial h of layer0 is f32[1,5], wanted f32[2,5]",
  ]),
  [
    "a cell of other units",
    ShapeError,
    () => run(lstm({ units: H }), { initial: [{ h: of(B, H), c: of(B, H + 1) }] }),
    "the initial c of layer0 is f32[2,6]",
  ],
  ["another cell to feed back", ValueError, () => feedback({ cell: any("lsm"), units: H, steps: T, output: dense({ units: F }) }), "use rnn, lstm or gru"], // biome-ignore format: one line
  ["steps of no sequence", ShapeError, () => timeDistributed(dense({ units: 2 })).init([1, 2], f32(3)), "[batch, steps, …]"], // biome-ignore format: one line
  ["truncated, of the last step", ValueError, () => cut(lstm({ units: H, returns: "last" })), "return the sequence"],
  ["truncated, both directions", ValueError, () => cut(gru({ units: H, bidirectional: true })), "in one direction"],
  ["attention of another batch", ShapeError, () => dotAttention(of(B, T, F), of(B, T, F), of(B, T, F), { lengths: tokens(1) }), "wanted i32[2]"], // biome-ignore format: one line
  ["attention to keys without values", ShapeError, () => additiveAttention({ wq: of(F, 2), wk: of(F, 2), v: of(2) }, of(B, T, F), of(B, T, F), of(B, 1, F)), "3 keys vs 1 values"], // biome-ignore format: one line
  ["another attention", ValueError, () => seq2seq({ vocabulary: 4, units: H, sourceLength: T, attention: any("cross") }), "use dot or additive"], // biome-ignore format: one line
  ["a source without a target", ShapeError, () => translator().apply(variablesOf(translator(), i32(B, T + 1)), tokens(B, T), context), "[batch, ≥ 4]"], // biome-ignore format: one line
  ["no steps to decode", ShapeError, () => translator().decode(variablesOf(translator(), i32(B, T + 1)).params, tokens(B, T), 0, 0), "steps must be a positive integer"], // biome-ignore format: one line
])("%s", (_, kind, make, message) => {
  expect(make).toThrow(kind);
  expect(make).toThrow(message);
});

test("an LSTM that is given h alone begins with a cell of zeros, step by step too", () => {
  for (const fused of [true, false]) {
    const { states } = run(lstm({ units: H, fused }), { initial: [{ h: of(B, H) }] });
    expect(states[0]!.cs!.shape).toEqual([T + 1, B, H]);
  }
});
