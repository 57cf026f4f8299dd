// Layers, models, initialisers and losses on the CPU reference.

import { describe, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import { leaves } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import { ShapeError, ValueError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, printType, type TensorType, u32 } from "../../src/shape/types.ts";
import { constant, type Tensor } from "../../src/tensor.ts";
import { compileTree, isNdArray, putTree, readTree, typesOf } from "../../src/train/program.ts";

const device = new CpuDevice();
const key = nn.keyOf(7);

/** What a model gives for x, and its next state. */
async function run(model: nn.Layer, x: NdArray, training = false, seed = 0) {
  const variables = model.init(key, x) as { params: Record<string, never>; state: Record<string, never> };
  const program = await compileTree(
    device,
    ({ params, state, x }) => {
      const context = { training, key: constant(u32(2), nn.keyOf(seed)) };
      const result = model.apply({ params: params!, state: state! }, x as Tensor, context);
      return { y: result.y, state: result.state };
    },
    typesOf({ ...variables, x }) as Record<string, TensorType>,
  );
  return (await readTree(program.run(putTree(device, { ...variables, x }) as never))) as { y: NdArray; state: never };
}

const names = (model: nn.Layer, input: TensorType) =>
  leaves(model.init(key, input).params, isNdArray).map(({ path, value }) => `${path} ${printType(value)}`);

describe("models", () => {
  test("a CNN: names, shapes, output type", () => {
    const model = nn.sequential(
      nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.conv2d({ filters: 16, kernel: [3, 1], padding: "same", stride: 2, groups: 4, bias: false }),
      nn.avgPool2d(2),
      nn.flatten(),
      nn.dense({ units: 10 }),
    );
    const input = f32(5, 28, 28, 1);
    expect(names(model, input)).toEqual([
      "conv0.weight f32[3,3,1,8]",
      "conv0.bias f32[8]",
      "conv2.weight f32[3,1,2,16]",
      "dense5.weight f32[144,10]",
      "dense5.bias f32[10]",
    ]);
    expect(nn.outputType(model, model.init(key, input), input)).toEqual(f32(5, 10));
  });

  test("dense is x·w + b", async () => {
    const layer = nn.dense({
      units: 2,
      initialiser: nn.initialisers.ones,
      biasInitialiser: nn.initialisers.constant(3),
    });
    const { y } = await run(layer, ndarray(f32(1, 3), [1, 2, 4]));
    expect([...y.data]).toEqual([10, 10]);
  });

  test("a functional model shares a layer's weights and may branch", async () => {
    const same = { units: 2, initialiser: nn.initialisers.constant(0.5) };
    const model = nn.functional({ a: nn.dense(same), b: nn.dense(same) }, ({ a, b }, x) => a(a(x)).add(b(x)).add(x));
    expect(names(model, f32(1, 2))).toEqual([
      "a.weight f32[2,2]",
      "a.bias f32[2]",
      "b.weight f32[2,2]",
      "b.bias f32[2]",
    ]);
    const { y } = await run(model, ndarray(f32(1, 2), [2, 4]));
    expect([...y.data]).toEqual([3 + 3 + 2, 3 + 3 + 4]);
  });

  test("global average pooling and layer norm", async () => {
    const { y } = await run(nn.globalAvgPool(), ndarray(f32(1, 2, 2, 2), [1, 10, 2, 20, 3, 30, 6, 60]));
    expect([...y.data]).toEqual([3, 30]);
    const normed = await run(nn.layerNorm(), ndarray(f32(1, 2), [1, 3]));
    expect(normed.y.data[0]).toBeCloseTo(-1, 4);
  });

  test("batch norm normalises by the batch in training and keeps running statistics", async () => {
    const x = ndarray(f32(4, 1), [1, 2, 3, 6]);
    const { y, state } = await run(nn.sequential(nn.batchNorm()), x, true);
    expect([...y.data].reduce((a, b) => a + b)).toBeCloseTo(0, 9);
    const running = (state as Record<string, Record<string, NdArray>>).batchNorm0;
    expect(running?.mean?.data[0]).toBeCloseTo(0.3, 9);
    expect(running?.variance?.data[0]).toBeCloseTo(0.9 + 0.1 * (14 / 3), 9);
    expect((await run(nn.batchNorm(), x)).y.data[3]).toBeCloseTo(6 / Math.sqrt(1 + 1e-5), 9);
  });

  test("dropout: in training only, another mask for another key and another place", async () => {
    const x = ndarray(f32(1, 400), () => 1);
    expect((await run(nn.dropout(0.25), x)).y.data).toEqual(x.data);
    const { y } = await run(nn.dropout(0.25), x, true);
    const kept = [...y.data].filter((v) => v !== 0);
    expect(kept.every((v) => Math.abs(v - 4 / 3) < 1e-12)).toBe(true);
    expect(Math.abs(kept.length - 300)).toBeLessThan(40);
    expect((await run(nn.dropout(0.25), x, true, 1)).y.data).not.toEqual(y.data);
    const twice = (await run(nn.sequential(nn.dropout(0.25), nn.dropout(0.25)), x, true)).y;
    expect([...twice.data].filter((v) => v !== 0).length).toBeLessThan(260);
  });

  test.each<[() => unknown, new (...args: never[]) => Error, string]>([
    [() => nn.dense({ units: 0 }), ShapeError, "dense: units must be a positive integer, got 0"],
    [() => nn.dense({ units: 2 }).init(key, f32(4)), ShapeError, "dense: input must be [N, …, features], got f32[4]"],
    [() => nn.conv2d({ filters: 4, kernel: 3, groups: 2 }).init(key, f32(1, 9, 9, 3)), ShapeError, "2 groups"],
    [
      () => nn.dense({ units: 2, activation: "relo" as "relu" }),
      ValueError,
      "dense: no activation relo; use one of linear",
    ],
    [() => nn.dropout(1), ValueError, "rate must be in [0, 1), got 1"],
    [() => nn.layerNorm({ axes: 2 }).init(key, f32(3, 4)), ShapeError, "axes must be 1 … 1"],
    [() => nn.huber(0), ValueError, "delta must be a positive number"],
  ])("bad input %#", (make, kind, message) => {
    expect(make).toThrow(kind);
    expect(make).toThrow(message);
  });
});

describe("initialisers", () => {
  const spread = (w: NdArray) => Math.sqrt([...w.data].reduce((sum, x) => sum + x * x, 0) / w.data.length);

  test.each<[string, nn.Initialiser, number]>([
    ["glorotUniform", nn.initialisers.glorotUniform, Math.sqrt(2 / (900 + 90))],
    ["glorotNormal", nn.initialisers.glorotNormal, Math.sqrt(2 / (900 + 90))],
    ["heUniform", nn.initialisers.heUniform, Math.sqrt(2 / 900)],
    ["heNormal", nn.initialisers.heNormal, Math.sqrt(2 / 900)],
    ["lecunUniform", nn.initialisers.lecunUniform, Math.sqrt(1 / 900)],
    ["lecunNormal", nn.initialisers.lecunNormal, Math.sqrt(1 / 900)],
    ["uniform", nn.initialisers.uniform(-1, 1), Math.sqrt(1 / 3)],
    ["normal", nn.initialisers.normal(0, 2), 2],
  ])("%s of a filter has its variance", (_, initialiser, deviation) => {
    const w = initialiser(key, [3, 3, 100, 10]); // fan-in 900, fan-out 90
    expect(spread(w) / deviation).toBeCloseTo(1, 1);
    expect(w.data.every((x) => x === Math.fround(x))).toBe(true);
    expect(initialiser(key, [3, 3, 100, 10])).toEqual(w);
    expect(initialiser(nn.keyOf(8), [3, 3, 100, 10])).not.toEqual(w);
  });

  test.each([
    [6, 4],
    [4, 6],
  ])("orthogonal [%i, %i]", (rows, columns) => {
    const w = nn.initialisers.orthogonal(2)(key, [rows, columns]).data;
    const wide = columns > rows;
    const at = (i: number, k: number) => w[wide ? i * columns + k : k * columns + i] as number;
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++) {
        let dot = 0;
        for (let k = 0; k < 6; k++) dot += at(i, k) * at(j, k);
        expect(dot).toBeCloseTo(i === j ? 4 : 0, 5);
      }
  });
});

describe("losses", () => {
  const value = async (loss: nn.Loss, prediction: NdArray, target: NdArray, reduction: nn.Reduction = "mean") => {
    const program = await compileTree(
      device,
      ({ p, t }) => ({ y: loss(p as Tensor, t as Tensor, { reduction }) }),
      typesOf({ p: prediction, t: target }) as Record<string, TensorType>,
    );
    const { y } = program.run(putTree(device, { p: prediction, t: target }) as never);
    return [...((await readTree(y!)) as NdArray).data];
  };
  const p = ndarray(f32(2, 3), [0.2, 0.5, 0.9, -1, 0, 3]);
  const t = ndarray(f32(2, 3), [0, 1, 1, 0, 0, 1]);
  const labels = ndarray(i32(2), [1, 2]);
  const pairs = [...p.data].map((x, i) => [x, t.data[i] as number] as const);
  const mean = (xs: number[]) => xs.reduce((a, b) => a + b) / xs.length;
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

  test.each<[string, nn.Loss, (x: number, t: number) => number]>([
    ["mse", nn.mse, (x, t) => (x - t) ** 2],
    ["sigmoidMse", nn.sigmoidMse, (x, t) => (sigmoid(x) - t) ** 2],
    ["l1", nn.l1, (x, t) => Math.abs(x - t)],
    ["huber", nn.huber(0.6), (x, t) => (Math.abs(x - t) <= 0.6 ? (x - t) ** 2 / 2 : 0.6 * (Math.abs(x - t) - 0.3))],
    ["bceWithLogits", nn.bceWithLogits, (x, t) => -t * Math.log(sigmoid(x)) - (1 - t) * Math.log(1 - sigmoid(x))],
  ])("%s", async (_, loss, f) => {
    const want = pairs.map(([x, t]) => f(x, t));
    for (const [i, x] of (await value(loss, p, t, "none")).entries()) expect(x).toBeCloseTo(want[i] as number, 9);
    expect((await value(loss, p, t))[0]).toBeCloseTo(mean(want), 9);
    expect((await value(loss, p, t, "sum"))[0]).toBeCloseTo(6 * mean(want), 9);
  });

  test("bce takes probabilities, 0 and 1 too; with logits a thousand is finite", async () => {
    const [y] = await value(nn.bce, ndarray(f32(2), [0.25, 0.5]), ndarray(f32(2), [1, 0]));
    expect(y).toBeCloseTo((Math.log(4) + Math.log(2)) / 2, 9);
    const ends = await value(nn.bce, ndarray(f32(3), [0, 1, 1]), ndarray(f32(3), [0, 1, 0]), "none");
    expect(ends[0]).toBeCloseTo(0);
    expect(ends[2]).toBeCloseTo(87.34, 2);
    expect(await value(nn.bceWithLogits, ndarray(f32(2), [1000, -1000]), ndarray(f32(2), [0, 0]), "none")).toEqual([
      1000, 0,
    ]);
  });

  test("labels: cross-entropy, nll of log-probabilities, and as one-hot rows where values are compared", async () => {
    const rows = [[...p.data.subarray(0, 3)], [...p.data.subarray(3)]];
    const want = rows.map(
      (row, i) => Math.log(row.reduce((s, x) => s + Math.exp(x), 0)) - (row[labels.data[i]!] as number),
    );
    expect((await value(nn.softmaxCrossEntropy, p, labels))[0]).toBeCloseTo(mean(want), 9);
    expect((await value(nn.nll, p, labels, "none"))[1]).toBeCloseTo(-3, 9);
    const hot = ndarray(f32(2, 3), [0, 1, 0, 0, 0, 1]);
    expect(await value(nn.mse, p, labels)).toEqual(await value(nn.mse, p, hot));
    const [weighted] = await value(nn.crossEntropy({ classWeights: [1, 3, 1] }), p, labels);
    expect(weighted).toBeCloseTo((3 * want[0]! + want[1]!) / 4, 9);
  });

  test("a target of another shape is refused", async () => {
    await expect(value(nn.mse, p, ndarray(f32(3), [1, 2, 3]))).rejects.toThrow(
      "mse: target must be f32[2,3] or labels i32[2], got f32[3]",
    );
  });
});
