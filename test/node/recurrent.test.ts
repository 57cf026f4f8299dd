// Recurrent layers on the reference: the fused ops against the composition of plain ops, directions, lengths, states.
import { describe, expect, test } from "vitest";
import { functions as math } from "../../shaders/math.ts";
import { vjp } from "../../src/autodiff/backward.ts";
import * as recurrence from "../../src/compositions/recurrence.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { mapTree } from "../../src/graph/tree.ts";
import type { Context, Layer, Variables } from "../../src/nn/layer.ts";
import { dense } from "../../src/nn/layers.ts";
import type { LstmOptions } from "../../src/nn/recurrentKinds.ts";
import { gru, lstm, type RecurrentLayer, type RecurrentOptions, rnn } from "../../src/nn/recurrentLayers.ts";
import { embedding, feedback, oneToMany, timeDistributed } from "../../src/nn/sequence.ts";
import { type Truncation, truncated } from "../../src/nn/truncated.ts";
import { heldTileOf } from "../../src/ops/recurrent/kernel.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { gpuTarget, softwareTarget, type Target } from "../../src/plan/target.ts";
import { isNdArray, type NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { concat, constant, full, type Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { distances, everything, type FunctionOptions, layerFunction } from "../layerFunctions.ts";
import { random } from "../samples/sample.ts";

const context: Context = { training: false, key: full(u32(2), 0) };
const given = (a: NdArray): Tensor => constant({ dtype: a.dtype, shape: a.shape }, [...a.data]);
const values = (t: Tensor): number[] => [...evaluate([t], new Map())[0]!.data];

function variablesOf(layer: Layer, input: NdArray): Variables<Tensor> {
  const made = layer.init([1, 2], input);
  // no parameter stays at zero: a bias that is not used would go unseen
  let seed = 40;
  return mapTree(made as never, isNdArray, (a: NdArray) =>
    given(random({ dtype: "f32", shape: a.shape }, { seed: seed++, low: -0.7, high: 0.7 })),
  ) as unknown as Variables<Tensor>;
}

function close(got: number[][], want: number[][]): void {
  expect(got.length).toBe(want.length);
  got.forEach((g, i) => {
    const size = Math.max(...want[i]!.map(Math.abs), 1e-9);
    expect(Math.max(...g.map((v, k) => Math.abs(v - want[i]![k]!))) / size).toBeLessThan(1e-12);
  });
}

const [B, T, F, H] = [3, 4, 5, 2];
const steps4 = [0, 1, 2, 3];
const x = random(f32(B, T, F));
const kinds: Record<string, (o: RecurrentOptions) => RecurrentLayer> = {
  rnn,
  relu: (o) => rnn({ ...o, activation: "relu" }),
  lstm,
  coupled: (o) => lstm({ ...o, forget: "coupled" }),
  ungated: (o) => lstm({ ...o, forget: "none" }),
  peepholes: (o) => lstm({ ...o, peepholes: true }),
  "coupled peepholes": (o) => lstm({ ...o, peepholes: true, forget: "coupled" }),
  gru,
  "gru, reset before": (o) => gru({ ...o, resetAfter: false }),
};

describe.each(Object.keys(kinds))("%s, fused and step by step", (name) => {
  const make = (o: Partial<RecurrentOptions>) => kinds[name]!({ units: H, ...o });
  const both = async (o: Partial<RecurrentOptions>, more: FunctionOptions = {}) => {
    const run = (fused: boolean) => everything(new CpuDevice(), layerFunction(make({ ...o, fused }), x, more));
    const found = distances(await run(true), await run(false));
    expect(found.map(([name]) => name)).toContain("gradient of layer0.wh");
    expect(found.filter(([, d]) => !(d < 1e-12))).toEqual([]);
  };

  test("from zeros", () => both({}));
  test("from a state", () => both({}, { initial: true }));
  test("the last step alone", () => both({ returns: "last" }));
  test("two layers, both directions, lengths", () =>
    both({ layers: 2, bidirectional: true }, { initial: true, lengths: [4, 2, 0] }));

  test("a sequence of length n is as one of n steps", () => {
    const layer = make({ bidirectional: true });
    const whole = layer.run(variablesOf(layer, x), given(x), context, { lengths: constant(i32(B), [2, 2, 2]) });
    const cut = layer.run(variablesOf(layer, x), given(x).slice([0, 0, 0], [B, 2, F]), context);
    close([values(whole.y.slice([0, 0, 0], [B, 2, 2 * H]))], [values(cut.y)]);
    expect(Math.max(...values(whole.y.slice([0, 2, 0]).abs()))).toBe(0);
    close(
      whole.last.map(({ h }) => values(h)),
      cut.last.map(({ h }) => values(h)),
    );
  });

  test("the backward direction is the forward one on the reversed sequence", () => {
    const layer = make({ bidirectional: true });
    const variables = variablesOf(layer, x);
    const { layer0, layer0Reverse } = variables.params as Record<string, Record<string, Tensor>>;
    const swapped = { params: { layer0: layer0Reverse!, layer0Reverse: layer0! }, state: {} };
    const y = layer.run(variables, given(x), context).y;
    const z = layer.run(swapped, given(x).flip(1), context).y.flip(1);
    const [first, second] = z.split(2, -1) as [Tensor, Tensor];
    const [a, b] = y.split(2, -1) as [Tensor, Tensor];
    close([values(a), values(b)], [values(second), values(first)]);
  });

  test("a stateful layer goes on where it stopped, and no gradient flows back over the boundary", () => {
    const layer = make({ stateful: true });
    const variables = variablesOf(make({}), x);
    const zeros = layer.init([1, 2], x).state;
    const state = mapTree(zeros as never, isNdArray, given) as unknown as Variables<Tensor>["state"];
    const xt = given(x);
    const one = layer.apply({ ...variables, state }, xt.slice([0, 0, 0], [B, 2, F]), context);
    const two = layer.apply({ ...variables, state: one.state }, xt.slice([0, 2, 0]), context);
    const whole = make({}).apply(variables, xt, context);
    close([values(two.y)], [values(whole.y.slice([0, 2, 0]))]);
    const [dx] = vjp([two.y], [full(two.y.type, 1)], [xt]);
    expect(Math.max(...values(dx!.slice([0, 0, 0], [B, 2, F]).abs()))).toBe(0);
  });
});

describe.each(["rnn", "lstm", "gru"])("%s, truncated", (name) => {
  const layer = kinds[name]!({ units: H, layers: 2 });
  const gradientAt = (truncation: Truncation, t: number) => {
    const xt = given(x);
    const y = truncated(layer, variablesOf(layer, x), xt, context, truncation);
    const step = y.slice([0, t, 0], [B, t + 1, H]);
    return { y, dx: vjp([step], [full(step.type, 1)], [xt])[0]! };
  };
  const whole = () => {
    const xt = given(x);
    const y = layer.apply(variablesOf(layer, x), xt, context).y;
    const step = y.slice([0, T - 1, 0]);
    return { y, dx: vjp([step], [full(step.type, 1)], [xt])[0]! };
  };
  test("the values are those of the run, with k2 = T the gradients too", () => {
    for (const truncation of [
      { k1: 1, k2: 1 },
      { k1: 1, k2: 3 },
      { k1: 3, k2: 3 },
    ])
      close([values(gradientAt(truncation, T - 1).y)], [values(whole().y)]);
    close([values(gradientAt({ k1: 1, k2: T }, T - 1).dx)], [values(whole().dx)]);
  });
  test("a gradient goes back k2 steps from the end of its window, and no further", () => {
    const steps = (dx: Tensor) => steps4.map((t) => Math.max(...values(dx.slice([0, t, 0], [B, t + 1, F]).abs())) > 0);
    expect(steps(gradientAt({ k1: 1, k2: 2 }, T - 1).dx)).toEqual([false, false, true, true]);
    expect(steps(gradientAt({ k1: 2, k2: 3 }, T - 1).dx)).toEqual([false, true, true, true]);
    expect(steps(gradientAt({ k1: 2, k2: 2 }, 1).dx)).toEqual([true, true, false, false]);
    // a last window that is short goes back no further for that
    expect(steps(gradientAt({ k1: 3, k2: 3 }, T - 1).dx)).toEqual([false, false, false, true]);
  });
  test("windows drop what the run of the whole drops", () => {
    const dropping = kinds[name]!({ units: H, layers: 3, dropout: 0.5 });
    const training = { ...context, training: true };
    const variables = variablesOf(dropping, x);
    const run = dropping.apply(variables, given(x), training).y;
    close([values(truncated(dropping, variables, given(x), training, { k1: 2, k2: 3 }))], [values(run)]);
    expect(values(run)).not.toEqual(values(dropping.apply(variables, given(x), context).y));
  });
});

describe("variants step by step", () => {
  const run = (layer: RecurrentLayer) => {
    const variables = variablesOf(layer, x);
    return { variables, all: values(layer.apply(variables, given(x), context).y) };
  };
  test("peepholes of weight 0 are none; others change the output", () => {
    const plain = lstm({ units: H });
    const peeping = lstm({ units: H, peepholes: true });
    const { params } = variablesOf(peeping, x) as unknown as { params: { layer0: Record<string, Tensor> } };
    const { peepI, peepF, peepO, ...own } = params.layer0;
    const none = full(f32(H), 0);
    const blind = { layer0: { ...own, peepI: none, peepF: none, peepO: none } };
    const y = (layer: Layer, p: object) => values(layer.apply({ params: p as never, state: {} }, given(x), context).y);
    expect([peepI, peepF, peepO].map((p) => p?.shape)).toEqual([[H], [H], [H]]);
    close([y(peeping, blind)], [y(plain, { layer0: own })]);
    expect(y(peeping, params)).not.toEqual(y(peeping, blind));
  });
  test("coupled: f = 1 − i; none: f = 1", () => {
    // by the full LSTM, with a forget gate that is −zi (σ(−z) = 1 − σ(z)), or saturated
    const full4 = lstm({ units: H });
    const widen = (w: Tensor, f: (i: Tensor) => Tensor) => {
      const [i, g, o] = w.split(3, -1) as [Tensor, Tensor, Tensor];
      return [i, f(i), g, o];
    };
    for (const [forget, f, bias] of [
      ["coupled", (i: Tensor) => i.neg(), (i: Tensor) => i.neg()],
      ["none", (i: Tensor) => i.zerosLike(), (i: Tensor) => i.zerosLike().add(50)],
    ] as const) {
      const { variables, all } = run(lstm({ units: H, forget, fused: false }));
      const p = (variables.params as Record<string, Record<string, Tensor>>).layer0!;
      const join = (parts: Tensor[]) => concat(parts, -1);
      const wide = {
        layer0: { wx: join(widen(p.wx!, f)), wh: join(widen(p.wh!, f)), bias: join(widen(p.bias!, bias)) },
      };
      close([all], [values(full4.apply({ params: wide, state: {} }, given(x), context).y)]);
    }
  });
  test("a gru resets before its product, or after it", () => {
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    for (const resetAfter of [false, true]) {
      const { variables, all } = run(gru({ units: H, resetAfter }));
      const p = (variables.params as Record<string, Record<string, Tensor>>).layer0!;
      const [wx, wh, bias, biasH] = ["wx", "wh", "bias", "biasH"].map((name) => p[name] && values(p[name]));
      const dot = (v: readonly number[], w: readonly number[], column: number) =>
        v.reduce((sum, a, k) => sum + a * w[k * 3 * H + column]!, 0);
      const want: number[] = [];
      for (let b = 0; b < B; b++) {
        let h = [0, 0];
        for (let t = 0; t < T; t++) {
          const fromX = (c: number) =>
            dot([...x.data.subarray((b * T + t) * F, (b * T + t + 1) * F)], wx!, c) + bias![c]!;
          const gate = (g: number) => h.map((_, j) => sigmoid(fromX(g * H + j) + dot(h, wh!, g * H + j)));
          const [r, z] = [gate(0), gate(1)] as [number[], number[]];
          const reset = h.map((v, j) => r[j]! * v);
          h = h.map((v, j) => {
            const c = 2 * H + j;
            const inner = resetAfter ? r[j]! * (dot(h, wh!, c) + biasH![j]!) : dot(reset, wh!, c);
            return (1 - z[j]!) * Math.tanh(fromX(c) + inner) + z[j]! * v;
          });
          want.push(...h);
        }
      }
      close([all], [want]);
    }
  });
  test("dropout between layers: in training alone, and not behind the last", () => {
    const training = { ...context, training: true };
    const [deep, plain] = [lstm({ units: H, layers: 2, dropout: 0.5 }), lstm({ units: H, layers: 2 })];
    const p = variablesOf(deep, x);
    const y = (layer: Layer, c: Context) => values(layer.apply(p, given(x), c).y);
    expect(y(deep, context)).toEqual(y(plain, context));
    expect(y(deep, training)).not.toEqual(y(plain, training));
    expect(y(deep, training)).toEqual(y(deep, training));
    expect(y(deep, { ...training, key: full(u32(2), 1) })).not.toEqual(y(deep, training));
    const single = lstm({ units: H, dropout: 0.5 });
    const own = variablesOf(single, x);
    expect(values(single.apply(own, given(x), training).y)).toEqual(values(single.apply(own, given(x), context).y));
  });
  test("forgetBias is the forget gate's bias at the start, 1 unless given", () => {
    const bias = (o: LstmOptions) =>
      (lstm({ units: H, ...o }).init([1, 2], x).params as { layer0: { bias: NdArray } }).layer0.bias.data;
    expect([...bias({})]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
    expect([...bias({ forgetBias: 3, peepholes: true })]).toEqual([0, 0, 3, 3, 0, 0, 0, 0]);
    expect([...bias({ forget: "coupled" })]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe("round recurrent layers", () => {
  test("timeDistributed is dense on every step", () => {
    const layer = dense({ units: 3 });
    const p = variablesOf(layer, x);
    close(
      [values(timeDistributed(layer).apply(p, given(x), context).y)],
      [values(layer.apply(p, given(x), context).y)],
    );
  });
  test("embedding takes rows", () => {
    const layer = embedding({ size: 4, units: 2 });
    const p = variablesOf(layer, x);
    const rows = values((p.params as { weight: Tensor }).weight);
    const y = layer.apply(p, constant(i32(1, 3), [2, 0, 2]), context).y;
    expect(y.shape).toEqual([1, 3, 2]);
    expect(values(y)).toEqual([rows[4], rows[5], rows[0], rows[1], rows[4], rows[5]]);
  });
  test("oneToMany has x at step 0 and zeros after", () => {
    const y = oneToMany(3).apply({ params: {}, state: {} }, constant(f32(1, 2), [5, 6]), context).y;
    expect(values(y)).toEqual([5, 6, 0, 0, 0, 0]);
  });
  test("feedback: each step takes the output before", () => {
    const layer = feedback({ cell: "rnn", units: H, steps: 3, output: dense({ units: F }) });
    const x0 = random(f32(B, F));
    const p = variablesOf(layer, x0) as {
      params: { cell: Record<string, Tensor>; output: Record<string, Tensor> };
    } & Variables<Tensor>;
    const y = layer.apply(p, given(x0), context).y;
    let [h, input] = [full(f32(B, H), 0), given(x0)];
    for (let t = 0; t < 3; t++) {
      const { wx, wh, bias } = p.params.cell as { wx: Tensor; wh: Tensor; bias: Tensor };
      h = input.matmul(wx).add(bias).add(h.matmul(wh)).tanh();
      input = h.matmul(p.params.output.weight!).add(p.params.output.bias!);
      close([values(y.slice([0, t, 0], [B, t + 1, F]))], [values(input)]);
    }
  });
});

describe("how many steps a dispatch runs", () => {
  test.each<[string, Target, number, number, number]>([
    ["a small recurrence on a GPU: all", gpuTarget, 64, 128, 1],
    ["of many units: one, as its matrix would be read too often", gpuTarget, 64, 256, 28],
    ["of many rows on a GPU: no more than keep it responding", gpuTarget, 4096, 192, 4],
    ["a small one on a CPU: all", softwareTarget, 64, 128, 1],
    ["a large one on a CPU: some", softwareTarget, 64, 512, 4],
  ])("%s", (_, target, batch, units, dispatches) => {
    const types = { x: f32(28, batch, 4 * units), w: f32(units, 4 * units) };
    const f = ({ x, w }: Record<"x" | "w", Tensor>) => ({ hs: recurrence.lstm(x, w).hs });
    const plan = makePlan(trace(f as never, types), { target, functions: math });
    expect(plan.dispatches.filter(({ label }) => label.startsWith("lstm")).length).toBe(dispatches);
  });
});

test.each([1, 3, 4])("lanes that hold columns of %i gates are whole quads of a workgroup", (gates) => {
  const adapter = { software: true, lanes: 128, maxAccumulators: 256, quads: true };
  let held = 0;
  for (const units of [16, 48, 128, 256, 272, 512, 1024])
    for (const backward of [false, true]) {
      const tile = heldTileOf({ steps: 2, batch: 64, units }, gates, adapter, {}, backward);
      if (tile.hold === undefined) continue;
      held++;
      expect(tile.workgroupSize).toBeLessThanOrEqual(256);
      expect(tile.workgroupSize % 4).toBe(0);
    }
  expect(held).toBe(8);
});

/** Bytes of the arrays that a kernel's functions declare. */
const arraysOf = (wgsl: string): number =>
  [...wgsl.matchAll(/^ *var \w+(?:: | = )(array<.*>)/gm)].reduce((sum, [, type]) => {
    const counts = [...(type as string).matchAll(/, (\d+)>/g)].map(([, n]) => Number(n));
    return sum + counts.reduce((a, b) => a * b, 4);
  }, 0);

// a tile of the wrong size would be WGSL that no compiler takes
test.each(["rnn", "gru", "lstm"] as const)(
  "lanes share out whole rows, columns and cells of %s, in any size",
  (name) => {
    const gates = { rnn: 1, gru: 3, lstm: 4 }[name];
    let held = 0;
    for (const units of [16, 32, 48, 96, 128, 160, 240, 256])
      for (const batch of [16, 18, 24, 33, 48, 64]) {
        const types = { x: f32(2, batch, gates * units), w: f32(units, gates * units), b: f32(units) };
        const f = ({ x, w, b }: Record<keyof typeof types, Tensor>) => {
          const hs =
            name === "rnn"
              ? recurrence.rnn(x, w)
              : name === "gru"
                ? recurrence.gru(x, w, b).hs
                : recurrence.lstm(x, w).hs;
          const [dx] = vjp([hs], [hs], [x]) as [Tensor];
          return { hs, dx };
        };
        const { dispatches } = makePlan(trace(f as never, types), { target: softwareTarget, functions: math });
        for (const { wgsl, label } of dispatches) {
          if (wgsl.includes("var held")) {
            held++;
            const bytes = arraysOf(wgsl);
            expect(bytes, `${label}, ${batch}×${units}`).toBeGreaterThan(4 * 4 * units);
            expect(bytes, `${label}, ${batch}×${units}`).toBeLessThanOrEqual(8192);
          }
          expect(wgsl.match(/\d\.\d+u|NaN|undefined/), `${label}, ${batch}×${units}`).toBeNull();
        }
      }
    expect(held).toBe(2 * 8 * 6);
  },
);

test.each([16, 48, 128, 160, 256])("an lstm of %i units that takes over x·Wx + b fits a function of WGSL", (units) => {
  let taken = 0;
  for (const features of [4, 28, 64, 128]) {
    const types = {
      x: f32(2 * 33, features),
      wx: f32(features, 4 * units),
      b: f32(4 * units),
      w: f32(units, 4 * units),
    };
    const f = ({ x, wx, b, w }: Record<keyof typeof types, Tensor>) => ({
      hs: recurrence.lstm(
        x
          .matmul(wx)
          .add(b)
          .reshape([2, 33, 4 * units]),
        w,
      ).hs,
    });
    const { dispatches } = makePlan(trace(f as never, types), { target: softwareTarget, functions: math });
    const { wgsl } = dispatches.find(({ label }) => label === "lstm")!;
    if (!wgsl.includes("var heldX")) continue;
    taken++;
    expect(arraysOf(wgsl), `${features} features`).toBeLessThanOrEqual(8192);
  }
  expect(taken).toBeGreaterThan(1);
});
