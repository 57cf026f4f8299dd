// Gradient flow through time: an RNN's vanishes or explodes with the spectral norm of Wh, an LSTM's holds.
import { expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import { constant, orthogonal, uniform } from "../../src/nn/initialisers.ts";
import type { Layer } from "../../src/nn/layer.ts";
import { dense } from "../../src/nn/layers.ts";
import { mse } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { lstm, rnn } from "../../src/nn/recurrentLayers.ts";
import { feedback } from "../../src/nn/sequence.ts";
import { f32 } from "../../src/shape/types.ts";
import { gradientFlow } from "../../src/train/gradientFlow.ts";
import { random } from "../samples/sample.ts";

const [B, T, F, H] = [4, 20, 3, 6];
const batch = { x: random(f32(B, T, F), { low: -0.1, high: 0.1 }), y: random(f32(B, 1)) };
const flow = (model: Layer) =>
  gradientFlow({ device: new CpuDevice(), model, variables: model.init([1, 2], batch.x), batch, loss: mse });
const last = { units: H, returns: "last" } as const;

test("an RNN: by the spectral norm of Wh, below and above 1", async () => {
  for (const gain of [0.5, 1.5]) {
    const start = { recurrentInitialiser: orthogonal(gain), initialiser: uniform(-0.01, 0.01) };
    const { runs, params, layers, loss } = await flow(sequential(rnn({ ...last, ...start }), dense({ units: 1 })));
    expect(runs.map(({ name }) => name)).toEqual(["rnn layer0"]);
    const { h } = runs[0]!;
    expect(h.length).toBe(T + 1);
    // h is near 0, tanh' near 1: each step back multiplies by Wh, an orthogonal matrix times the gain
    const ratio = (h[1]! / h[T]!) ** (1 / (T - 1));
    expect(ratio).toBeGreaterThan(gain * 0.95);
    expect(ratio).toBeLessThan(gain * 1.0001);
    expect(Object.keys(params)).toEqual([
      "rnn0.layer0.wx",
      "rnn0.layer0.wh",
      "rnn0.layer0.bias",
      "dense1.weight",
      "dense1.bias",
    ]);
    expect(Object.values(params).every((v) => v > 0)).toBe(true);
    expect(Object.keys(layers)).toEqual(["rnn0.layer0", "dense1"]);
    expect(layers.dense1).toBeCloseTo(Math.hypot(params["dense1.weight"]!, params["dense1.bias"]!), 12);
    expect(loss).toBeGreaterThan(0);
  }
});

test("an LSTM: its cell's gradient goes back times the product of the forget gates", async () => {
  const start = { recurrentInitialiser: constant(0), forgetBias: 4 };
  const { runs } = await flow(sequential(lstm({ ...last, ...start }), dense({ units: 1 })));
  const { c, h, forget } = runs[0]!;
  // without Wh nothing else carries it
  expect(forget![T]).toBe(1);
  for (const t of [1, 10, 19]) expect(c![t]! / c![T]!).toBeCloseTo(forget![t]!, 2);
  expect(c![1]! / c![T]!).toBeGreaterThan(0.6);
  expect(h[1]).toBe(0);
});

test("an LSTM as it is made holds what an RNN loses", async () => {
  const held = async (layer: Layer) => {
    const { runs } = await flow(sequential(layer, dense({ units: 1 })));
    const { h, c = h } = runs[0]!;
    return c[1]! / c[T]!;
  };
  expect(await held(lstm(last))).toBeGreaterThan(0.1);
  expect(await held(rnn({ ...last, recurrentInitialiser: orthogonal(0.5) }))).toBeLessThan(1e-5);
});

test("an LSTM's forget gates as its variant has them", async () => {
  const start = { recurrentInitialiser: constant(0), initialiser: uniform(-0.01, 0.01) };
  const forget = async (variant: "coupled" | "none") => {
    const { runs } = await flow(sequential(lstm({ ...last, ...start, forget: variant }), dense({ units: 1 })));
    return runs[0]!.forget!;
  };
  expect(await forget("none")).toEqual(Array(T + 1).fill(1));
  // i is near ½, and f = 1 − i
  const coupled = await forget("coupled");
  for (const t of [0, 10, 19, 20]) expect(coupled[t]! * 2 ** (T - t)).toBeCloseTo(1, 1);
});

test("an LSTM that is fed its own outputs: as many states as it makes outputs, and the first one's", async () => {
  const steps = 5;
  const model = feedback({ cell: "lstm", units: H, steps, output: dense({ units: F }) });
  const own = { x: random(f32(B, F)), y: random(f32(B, steps, F)) };
  const variables = model.init([1, 2], own.x);
  const { runs } = await gradientFlow({ device: new CpuDevice(), model, variables, batch: own, loss: mse });
  expect(runs.map(({ name }) => name)).toEqual(["feedback lstm"]);
  const { h, c, forget } = runs[0]!;
  for (const norms of [h, c!, forget!]) {
    expect(norms.length).toBe(steps + 1);
    expect(norms.every((v) => v > 0)).toBe(true);
  }
});

test("a net without recurrence has norms of its parameters alone", async () => {
  const model = sequential(dense({ units: 4, activation: "tanh" }), dense({ units: 1 }));
  const flat = { x: random(f32(B, F)), y: random(f32(B, 1)) };
  const device = new CpuDevice();
  const { runs, params } = await gradientFlow({
    device,
    model,
    variables: model.init([1, 2], flat.x),
    batch: flat,
    loss: mse,
  });
  expect(runs).toEqual([]);
  expect(Object.keys(params)).toEqual(["dense0.weight", "dense0.bias", "dense1.weight", "dense1.bias"]);
});
