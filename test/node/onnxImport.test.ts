// ONNX graphs as other exporters write them, as functions and as layers to train.
import * as runtime from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import * as nn from "../../src/nn/index.ts";
import { fromOnnx, toOnnx } from "../../src/onnx/index.ts";
import * as optim from "../../src/optim/index.ts";
import { DTypeError, ShapeError, UnsupportedError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType } from "../../src/shape/types.ts";
import { full } from "../../src/tensor.ts";
import { isNdArray } from "../../src/train/program.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { type FileParts, fileOf, node, operatorsOf, wave } from "../onnxFiles.ts";
import { load } from "../onnxruntime.ts";

const cpu = new CpuDevice();

/** The outputs of a file for these inputs. */
async function run(parts: FileParts, inputs: Record<string, NdArray>): Promise<Record<string, NdArray>> {
  const { params, apply } = fromOnnx(fileOf(parts));
  const program = await cpu.compile(({ params, inputs }) => apply(params, inputs), { params, inputs });
  const outputs = program.run(cpu.put({ params, inputs }));
  const read = Object.entries(outputs).map(async ([name, array]) => [name, await array.read()] as const);
  return Object.fromEntries(await Promise.all(read));
}

const floats = (shape: number[], ...values: number[]): NdArray => ndarray(f32(...shape), values);

describe("a graph", () => {
  test("has inputs with open sizes, outputs, weights by name, and constants that are none", () => {
    const { name, opset, inputs, outputs, params } = fromOnnx(
      fileOf({
        nodes: [node("MatMul", "x w", "h"), node("Mul", "h scale", "s"), node("Reshape", "s shape", "y")],
        initialisers: { w: wave(f32(2, 3)), scale: floats([], 2), shape: [-1, 3] },
        inputs: { x: f32(0, 2) },
        outputs: ["y"],
      }),
    );
    expect([name, opset]).toEqual(["made by hand", 20]);
    expect(inputs).toEqual([{ name: "x", dtype: "f32", shape: ["n", 2] }]);
    expect(outputs.map(({ name }) => name)).toEqual(["y"]);
    expect(Object.keys(params)).toEqual(["w"]);
  });

  test("computes shapes as exporters do: of what an input's shape says", async () => {
    const { y } = await run(
      {
        nodes: [
          ...[node("Shape", "x", "shape"), node("Gather", "shape first", "n", { axis: 0 })],
          ...[node("Unsqueeze", "n zero", "batch"), node("Concat", "batch rest", "target", { axis: 0 })],
          ...[node("Reshape", "x target", "rows"), node("Slice", "shape one end zero", "spatial")],
          ...[node("ReduceSum", "spatial", "sizes", { keepdims: 0 }), node("Cast", "sizes", "divisor", { to: 1 })],
          node("Div", "rows divisor", "y"),
        ],
        initialisers: { first: ndarray(i32(), [0]), zero: [0], one: [1], end: [2 ** 62], rest: [-1] },
        inputs: { x: f32(0, 2, 3) },
        outputs: ["y"],
      },
      { x: ndarray(f32(2, 2, 3), (i) => 5 * i) },
    );
    expect(y!.shape).toEqual([2, 6]);
    expect([...y!.data]).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  test("may take and give several values, of integers and of truth", async () => {
    const parts: FileParts = {
      nodes: [
        ...[node("Gather", "table tokens", "rows"), node("Less", "tokens limit", "few")],
        ...[node("Where", "few tokens limit", "low"), node("Split", "rows", "left right", { axis: 2 })],
        node("Concat", "right left", "swapped", { axis: -1 }),
      ],
      initialisers: { table: wave(f32(5, 2)), limit: ndarray(i32(), [3]) },
      inputs: { tokens: i32(2, 2) },
      outputs: ["swapped", "low"],
    };
    const { swapped, low } = await run(parts, { tokens: ndarray(i32(2, 2), [0, 4, -1, 2]) });
    const table = wave(f32(5, 2)).data;
    expect([...swapped!.data]).toEqual([0, 4, 4, 2].flatMap((row) => [table[2 * row + 1], table[2 * row]]));
    expect([...low!.data]).toEqual([0, 3, -1, 2]);
  });

  test("of opset 9 has axes and bounds as attributes", async () => {
    const { y } = await run(
      {
        nodes: [
          ...[
            node("Unsqueeze", "x", "a", { axes: [0] }),
            node("Clip", "a", "b", { min: { float: -1 }, max: { float: 1 } }),
          ],
          ...[node("ReduceSum", "b", "c", { axes: [2], keepdims: 0 }), node("Softmax", "c", "y", { axis: 1 })],
        ],
        inputs: { x: f32(2, 2) },
        outputs: ["y"],
        opset: 9,
      },
      { x: floats([2, 2], 5, -5, 0.5, 0.5) },
    );
    const sum = 1 + Math.E;
    expect([...y!.data].map((p) => p.toFixed(6))).toEqual([1 / sum, Math.E / sum].map((p) => p.toFixed(6)));
  });

  test("pools windows with gaps, of which padding is left out or counted", async () => {
    const [kernel_shape, dilations, strides, pads] = [[3], [3], [2], [4, 5]];
    const pool = (name: string, count_include_pad: number) =>
      node("AveragePool", "x", name, { kernel_shape, dilations, strides, pads, count_include_pad });
    const x = floats([1, 1, 8], 1, 2, 3, 4, 5, 6, 7, 8);
    const parts = { nodes: [pool("a", 0), pool("b", 1)], inputs: { x: f32(1, 1, 8) }, outputs: ["a", "b"] };
    const { a, b } = await run(parts, { x });
    // of windows that begin at −4, −2, 0, 2, 4, 6
    const cells = [[2], [1, 4], [0, 3, 6], [2, 5], [4, 7], [6]];
    const sums = cells.map((w) => w.reduce((sum, i) => sum + i + 1, 0));
    expect([...a!.data]).toEqual(sums.map((sum, i) => sum / cells[i]!.length));
    expect([...b!.data]).toEqual(sums.map((sum) => sum / 3));
  });

  test("runs an LSTM in both directions, with lengths and initial cells", async () => {
    // one unit of weight 0 but for the bias of its candidate: c' = ½c + ½·tanh(1), h' = ½·tanh(c')
    const bias = [0, 0, 0, 1, 0, 0, 0, 0];
    const parts: FileParts = {
      nodes: [node("LSTM", "x w r b lengths - c0", "y h c", { hidden_size: 1, direction: "bidirectional" })],
      initialisers: {
        ...{
          w: ndarray(f32(2, 4, 1), () => 0),
          r: ndarray(f32(2, 4, 1), () => 0),
          b: floats([2, 8], ...bias, ...bias),
        },
        c0: floats([2, 2, 1], 1, 2, 3, 4),
      },
      inputs: { x: f32(3, 2, 1), lengths: i32(2) },
      outputs: ["y", "h", "c"],
    };
    const { y, h, c } = await run(parts, { x: wave(f32(3, 2, 1)), lengths: ndarray(i32(2), [3, 1]) });
    const following = (c: number, steps: number): number =>
      steps === 0 ? c : 0.5 * following(c, steps - 1) + 0.5 * Math.tanh(1);
    const close = (got: NdArray | undefined, want: number[]) =>
      expect(Math.max(...want.map((w, i) => Math.abs(w - got!.data[i]!)))).toBeLessThan(1e-6);
    const out = (c: number, steps: number) => 0.5 * Math.tanh(following(c, steps));
    expect([y!.shape, h!.shape, c!.shape]).toEqual([
      [3, 2, 2, 1],
      [2, 2, 1],
      [2, 2, 1],
    ]);
    close(c, [following(1, 3), following(2, 1), following(3, 3), following(4, 1)]);
    close(h, [out(1, 3), out(2, 1), out(3, 3), out(4, 1)]);
    close(y, [
      ...[out(1, 1), out(2, 1), out(3, 3), out(4, 1)], // t = 0: both sequences, forward then backward
      ...[out(1, 2), 0, out(3, 2), 0],
      ...[out(1, 3), 0, out(3, 1), 0],
    ]);
  });
});

describe("a layer", () => {
  const model = nn.sequential(
    ...[nn.conv2d({ filters: 4, kernel: 3, bias: false }), nn.batchNorm(), nn.relu(), nn.maxPool2d(2)],
    ...[nn.flatten(), nn.dense({ units: 3 })],
  );
  const noise = wave(f32(48, 6, 6, 1)).data;
  /** Images that are brighter on the left, on the right or nowhere. */
  const data: Dataset = {
    x: ndarray(f32(48, 6, 6, 1), (i) => {
      const [label, left] = [Math.floor(i / 36) % 3, i % 6 < 3];
      return 0.3 * noise[i]! + ((label === 0 && left) || (label === 1 && !left) ? 1 : 0);
    }),
    y: ndarray(i32(48), (i) => i % 3),
  };
  const imported = () => {
    const { params, state } = model.init(nn.keyOf(1), f32(1, 6, 6, 1));
    return fromOnnx(toOnnx(model, params, f32(1, 6, 6, 1), { state })).layer();
  };
  const create = (model: nn.Layer) =>
    Trainer.create({
      ...{ device: cpu, model, data, batchSize: 16, loss: nn.softmaxCrossEntropy, seed: 1 },
      optimizer: optim.adam({ learningRate: 0.02 }),
    });

  test("starts from the file's weights, whatever the seed; statistics are kept, not learned", () => {
    const [a, b] = [1, 2].map((seed) => imported().init(nn.keyOf(seed), f32(1, 6, 6, 1)));
    expect(a).toEqual(b);
    expect(Object.keys(a!.params)).toEqual([
      "conv0.weight",
      "batchNorm1.scale",
      "batchNorm1.shift",
      "dense5.weight",
      "dense5.bias",
    ]);
    expect(Object.keys(a!.state)).toEqual(["batchNorm1.mean", "batchNorm1.variance"]);
  });

  test("is trained further as the model is, and exported again", async () => {
    await using own = await create(model);
    const layer = imported();
    await using trainer = await create(layer);
    own.setParams(model.init(nn.keyOf(1), f32(1, 6, 6, 1)).params);
    const losses: number[][] = [];
    for (const t of [own, trainer]) {
      const all: number[] = [];
      for await (const p of t.fit({ steps: 12 })) all.push(...p.losses);
      losses.push(all);
    }
    const [want, got] = losses as [number[], number[]];
    expect(got.at(-1)!).toBeLessThan(got[0]! / 2);
    expect(Math.max(...want.map((loss, i) => Math.abs(loss - got[i]!)))).toBeLessThan(1e-5);

    const state = await read(trainer.state.model);
    expect(state["batchNorm1.mean"]!.data.some((x) => x !== 0)).toBe(true);
    const file = toOnnx(layer, await trainer.params(), f32(1, 6, 6, 1), { state });
    expect(operatorsOf(file)).toBe("Transpose Conv BatchNormalization MaxPool Relu Transpose Reshape Gemm");
    const y = await (await load(runtime, file))(data.x);
    const predicted = await trainer.predict(data.x);
    expect(Math.max(...[...predicted.data].map((p, i) => Math.abs(p - y.data[i]!)))).toBeLessThan(1e-4);
  });

  test("drops in training only", async () => {
    const file = fileOf({ nodes: [node("Dropout", "x", "y")], inputs: { x: f32(0, 50) }, outputs: ["y"], opset: 12 });
    const layer = fromOnnx(file).layer();
    const program = await cpu.compile(
      ({ x }) => {
        const y = (training: boolean) =>
          layer.apply({ params: {}, state: {} }, x, { training, key: full({ dtype: "u32", shape: [2] }, 7) }).y;
        return { trained: y(true), plain: y(false) };
      },
      { x: f32(1, 50) },
    );
    const { trained, plain } = program.run(cpu.put({ x: ndarray(f32(1, 50), () => 1) }));
    expect([...new Set((await trained.read()).data)].sort()).toEqual([0, 2]);
    expect([...new Set((await plain.read()).data)]).toEqual([1]);
  });

  test("is part of a model: a new head on what a file computes", async () => {
    const file = fileOf({
      nodes: [node("Gemm", "x w", "h", { transB: 1 }), node("Tanh", "h", "y")],
      initialisers: { w: wave(f32(8, 5)) },
      inputs: { x: f32(0, 5) },
      outputs: ["y"],
    });
    const model = nn.sequential(fromOnnx(file).layer(), nn.dense({ units: 2 }));
    const { params } = model.init(nn.keyOf(0), f32(4, 5));
    expect(Object.entries(params).map(([name, p]) => [name, Object.keys(p)])).toEqual([
      ["onnx0", ["w"]],
      ["dense1", ["weight", "bias"]],
    ]);
  });

  test("has one input and one output", () => {
    const nodes = [node("Add", "a b", "y")];
    const two = fromOnnx(fileOf({ nodes, inputs: { a: f32(1), b: f32(1) }, outputs: ["y"] }));
    expect(() => two.layer()).toThrow(UnsupportedError);
  });
});

describe("what does not fit is refused by name", () => {
  const parts: FileParts = {
    nodes: [{ ...node("Conv", "x w", "y"), name: "first" }],
    initialisers: { w: wave(f32(4, 3, 3, 3)) },
    inputs: { x: f32(0, 3, 8, 8) },
    outputs: ["y"],
  };
  const { apply } = fromOnnx(fileOf(parts));
  const given = (type: TensorType) => ({ x: full(type, 0) });
  const w = full(f32(4, 3, 3, 3), 0);
  test.each([
    ["an input that is missing", () => apply({ w }, {}), ShapeError, "input x is missing; give f32[n,3,8,8]"],
    [
      "an input of another dtype",
      () => apply({ w }, given(i32(1, 3, 8, 8))),
      DTypeError,
      "x is i32[1,3,8,8] (i32 vs f32)",
    ],
    [
      "an input of another size",
      () => apply({ w }, given(f32(1, 3, 8, 9))),
      ShapeError,
      "x is f32[1,3,8,9] ([1,3,8,9] vs [n,3,8,8])",
    ],
    ["an input of another rank", () => apply({ w }, given(f32(3, 8, 8))), ShapeError, "x is f32[3,8,8]"],
    [
      "a weight that is missing",
      () => apply({}, given(f32(1, 3, 8, 8))),
      ShapeError,
      "parameter w is missing; give f32[4,3,3,3]",
    ],
    [
      "a weight of another shape",
      () => apply({ w: full(f32(4), 0) }, given(f32(1, 3, 8, 8))),
      ShapeError,
      "parameter w is f32[4]",
    ],
  ] as const)("%s", (_, f, type, message) => {
    expect(f).toThrow(type);
    expect(f).toThrow(message);
  });

  const build = (nodes: FileParts["nodes"], more: Partial<FileParts> = {}) => {
    const file = fileOf({ nodes, inputs: { x: f32(2, 3) }, outputs: ["y"], ...more });
    return () => fromOnnx(file).apply({}, { x: full(f32(2, 3), 0) });
  };
  test.each([
    [
      "a node that is wrong",
      build([node("Softmax", "x", "y", { axis: 7 })]),
      "the node of y (Softmax): axis 7 is out of range",
    ],
    ["an attribute that is missing", build([node("MaxPool", "x", "y")]), "attribute kernel_shape is missing"],
    [
      "a shape that depends on values",
      build([node("Cast", "x", "s", { to: 7 }), node("Reshape", "x s", "y")]),
      "must be known when the graph is made",
    ],
    [
      "an operator of another domain",
      build([{ ...node("Gelu", "x", "y"), domain: "com.microsoft" }]),
      "Gelu of com.microsoft",
    ],
    ["an opset that is not known", build([node("Relu", "x", "y")], { opset: 99 }), "opset 99 (vs 7 … 28)"],
    [
      "an output that an operator does not make",
      build([node("MaxPool", "x", "- y", { kernel_shape: [1, 1] })]),
      "MaxPool",
    ],
  ] as const)("%s", (_, f, message) => {
    expect(f).toThrow(message);
  });
});

/** The arrays of a flat tree on a device. */
async function read(tree: unknown): Promise<Record<string, NdArray>> {
  const entries = Object.entries(tree as Record<string, { read(): Promise<NdArray> }>);
  const arrays = await Promise.all(entries.map(async ([name, array]) => [name, await array.read()] as const));
  expect(arrays.every(([, array]) => isNdArray(array))).toBe(true);
  return Object.fromEntries(arrays);
}
