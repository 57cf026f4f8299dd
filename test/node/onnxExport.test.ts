// Models to ONNX: every layer's file gives in ONNX Runtime what the model gives, for batches that it was not traced for, and is made of the
// operators that one expects.
import * as runtime from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { lstm, rnn } from "../../src/compositions/recurrence.ts";
import { conv1d, convTranspose2d } from "../../src/compositions/window.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import { mapTree } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import { fromOnnx, type OnnxExportOptions, toOnnx } from "../../src/onnx/index.ts";
import { UnsupportedError, ValueError } from "../../src/shape/errors.ts";
import { isNdArray, type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, type TensorType, u8, u32 } from "../../src/shape/types.ts";
import { full, type Tensor, uniform } from "../../src/tensor.ts";
import { toUnitRange } from "../../src/train/step.ts";
import { type TaskName, tasks } from "../../src/train/tasks.ts";
import { graphOf, operatorsOf, wave, weightsOf } from "../onnxFiles.ts";
import { load } from "../onnxruntime.ts";

const cpu = new CpuDevice();

/** Variables as after training: biases are not 0, variances are positive. */
function variablesOf(model: nn.Layer, input: TensorType): nn.Variables<NdArray> {
  let seed = 0;
  const moved = (v: NdArray, path: string): NdArray => {
    const noise = wave(v, seed++).data;
    const shift = path.endsWith("variance") ? 1 : 0;
    return {
      ...v,
      data: v.data.map((x: number, i: number) => Math.fround(x + shift + 0.2 * noise[i]!)) as Float64Array,
    };
  };
  return mapTree<unknown, NdArray, NdArray>(model.init(nn.keyOf(3), input), isNdArray, moved) as nn.Variables<NdArray>;
}

/** The model's output in float64. */
async function apply(
  model: nn.Layer,
  variables: nn.Variables<NdArray>,
  x: NdArray,
  o: OnnxExportOptions,
): Promise<NdArray> {
  const { prepare = (t: Tensor) => t, output = (t: Tensor) => t } = o;
  const program = await cpu.compile(
    ({ v, x }: { v: unknown; x: Tensor }) => ({
      y: output(model.apply(v as nn.Variables<Tensor>, prepare(x), { training: false, key: full(u32(2), 0) }).y),
    }),
    { v: variables as never, x },
  );
  return program.run(cpu.put({ v: variables as never, x })).y.read();
}

async function applyFile(file: Uint8Array, x: NdArray): Promise<NdArray> {
  const { params, apply } = fromOnnx(file);
  const program = await cpu.compile(({ params, x }) => ({ y: apply(params, { x }).y as Tensor }), { params, x });
  return program.run(cpu.put({ params, x })).y.read();
}

/** The largest difference, of values above 1 relative to them. */
function difference(got: NdArray, want: NdArray): number {
  expect(got.shape).toEqual(want.shape);
  expect(got.dtype).toBe(want.dtype);
  const errors = [...want.data].map((w, i) => Math.abs(w - got.data[i]!) / Math.max(1, Math.abs(w)));
  return Math.max(...errors);
}

/** Exports, and compares ONNX Runtime and the importer with the model. */
async function check(
  model: nn.Layer,
  shape: number[],
  {
    batch = 3,
    x,
    ...options
  }: { batch?: number; x?: NdArray } & Omit<OnnxExportOptions, "batch"> & { fixed?: boolean } = {},
): Promise<Uint8Array> {
  const { fixed, ...rest } = options;
  const input = x ?? wave(f32(batch, ...shape));
  const { dtype } = input;
  const traced: TensorType = { dtype, shape: fixed ? [batch, ...shape] : [1, ...shape] };
  const prepared = { ...traced, dtype: "f32" } as const;
  const variables = variablesOf(model, prepared);
  const more = { ...rest, state: variables.state, ...(fixed ? { batch: "fixed" as const } : {}) };
  const file = toOnnx(model, variables.params, traced, more);
  const want = await apply(model, variables, input, more);
  expect(difference(await (await load(runtime, file))(input), want)).toBeLessThan(1e-5);
  expect(difference(await applyFile(file, input), want)).toBeLessThan(1e-6);
  return file;
}

const names = Object.keys(tasks) as TaskName[];

describe("tasks", () => {
  test.each(names)("%s", async (task) => {
    const file = await check(tasks[task].model, [28, 28, 1], {
      output: (y) => y.softmax(),
      x: wave(f32(2, 28, 28, 1)),
    });
    expect(operatorsOf(file)).toMatchSnapshot();
    expect(weightsOf(file)).toMatchSnapshot();
  });
});

const image = [8, 9, 3];
const { sequential } = nn;
const layers: Record<string, [nn.Layer, number[]]> = {
  "conv2d, strided, padded, in groups": [
    sequential(
      nn.conv2d({
        filters: 6,
        kernel: [3, 2],
        stride: [2, 1],
        padding: [
          [1, 0],
          [2, 1],
        ],
        groups: 3,
      }),
    ),
    image,
  ],
  "conv2d, same, dilated, no bias": [
    nn.conv2d({ filters: 2, kernel: 3, padding: "same", dilation: 2, bias: false }),
    image,
  ],
  "pooling, padded, over the end": [
    sequential(
      nn.maxPool2d(3, { stride: 2, padding: 1, ceilMode: true }),
      nn.avgPool2d([2, 3], { padding: 1, countIncludePad: false }),
    ),
    image,
  ],
  "batchNorm, layerNorm, globalAvgPool, dropout": [
    sequential(
      ...[nn.conv2d({ filters: 4, kernel: 3, bias: false }), nn.batchNorm(), nn.silu(), nn.layerNorm({ axes: 3 })],
      ...[nn.globalAvgPool(), nn.batchNorm({ epsilon: 1e-3 }), nn.dropout(0.5), nn.dense({ units: 3 }), nn.layerNorm()],
    ),
    image,
  ],
  "a skip, and a layer twice": [
    nn.functional(
      { a: nn.conv2d({ filters: 3, kernel: 3, padding: "same" }), b: nn.dense({ units: 2 }) },
      ({ a, b }, x) => b(a(a(x).relu()).add(x).mul(0.5)),
    ),
    image,
  ],
  "a transposed convolution, and one of signals": [
    nn.functional({ w: nn.conv2d({ filters: 3, kernel: 3, bias: false, stride: 2 }) }, ({ w }, x) => {
      const y = w(x);
      const filter = full(f32(2, 3, 4, 3), 0.25);
      const larger = convTranspose2d(y, filter, { stride: 2, outputPadding: 1 });
      return conv1d(larger.reshape([x.shape[0]!, 70, 4]), full(f32(3, 4, 2), 0.1));
    }),
    image,
  ],
  embedding: [sequential(nn.embedding({ size: 9, units: 4 }), nn.gru({ units: 3, returns: "last" })), [6]],
  "one to many, time-distributed": [
    sequential(nn.oneToMany(4), nn.lstm({ units: 3 }), nn.timeDistributed(nn.dense({ units: 2, activation: "tanh" }))),
    [5],
  ],
  feedback: [nn.feedback({ cell: "lstm", units: 4, steps: 3, output: nn.dense({ units: 5 }) }), [5]],
  "seq2seq, dot": [nn.seq2seq({ vocabulary: 7, units: 5, sourceLength: 4 }), [7]],
  "seq2seq, additive": [nn.seq2seq({ vocabulary: 7, units: 5, sourceLength: 4, attention: "additive" }), [7]],
};

describe("layers", () => {
  test.each(Object.entries(layers))("%s", async (name, [model, shape]) => {
    const tokens = name === "embedding" || name.startsWith("seq2seq");
    const x = tokens ? { x: ndarray(f32(3, ...shape), (i) => i % 7) } : {};
    expect(operatorsOf(await check(model, shape, x))).toMatchSnapshot();
  });

  const activations = [
    "relu",
    "leakyRelu",
    "sigmoid",
    "tanh",
    "softplus",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softmax",
    "logSoftmax",
  ] as const;
  test.each(activations)("activation %s", async (activation) => {
    const file = await check(nn.dense({ units: 5, activation }), [7]);
    expect(operatorsOf(file).split(" ")).toHaveLength(activation === "silu" ? 3 : 2);
  });
});

describe("recurrent layers", () => {
  const kinds = { rnn: nn.rnn, lstm: nn.lstm, gru: nn.gru };
  const forms = [
    {},
    { returns: "last" },
    { layers: 2, bidirectional: true },
    { bidirectional: true, returns: "last" },
    { fused: false },
  ] as const;
  const cases = Object.keys(kinds).flatMap((kind) => forms.map((form) => [kind as keyof typeof kinds, form] as const));
  test.each(cases)("%s %j", async (kind, form) => {
    const file = await check(kinds[kind]({ units: 4, ...form }), [6, 5]);
    const found = operatorsOf(file)
      .split(" ")
      .filter((op) => op === kind.toUpperCase());
    const directions = "bidirectional" in form ? 2 : 1;
    expect(found).toHaveLength("fused" in form ? 0 : "layers" in form ? 2 * directions : directions);
  });

  test.each([
    ["relu", nn.rnn({ units: 4, activation: "relu" })],
    ["peepholes", nn.lstm({ units: 4, peepholes: true })],
    ["coupled gates", nn.lstm({ units: 4, forget: "coupled" })],
    ["coupled gates and peepholes", nn.lstm({ units: 4, forget: "coupled", peepholes: true })],
    ["reset before the product", nn.gru({ units: 4, resetAfter: false })],
  ])("%s", async (_, model) => {
    const file = await check(model, [3, 5]);
    expect(operatorsOf(file).match(/RNN|LSTM|GRU/g)).toEqual([model.name.toUpperCase()]);
  });

  test("all states, and a product that is not the layer's", async () => {
    const wh = full(f32(2, 8), 0.3);
    const model = nn.functional({}, (_, x) => {
      const { hs, cs } = lstm(x.transpose([1, 0, 2]).mul(0.5), wh);
      return hs.sum(0).add(cs.slice([6, 0, 0]).squeeze(0));
    });
    expect(operatorsOf(await check(model, [6, 8]))).toMatchInlineSnapshot(
      `"Mul Transpose LSTM Shape Concat Expand Squeeze Concat ReduceSum Reshape Add"`,
    );
  });

  test("a product of other rows than the steps", async () => {
    const wh = full(f32(2, 2), 0.3);
    const model = nn.functional({ a: nn.dense({ units: 2 }) }, ({ a }, x) => {
      const rows = a(x.reshape([12, 3])); // of x [2, 2, 9]
      return rnn(rows.reshape([2, 6, 2]), wh);
    });
    expect(operatorsOf(await check(model, [2, 9], { fixed: true, batch: 2 }))).toMatchInlineSnapshot(
      `"Reshape Gemm Reshape RNN Expand Squeeze Concat"`,
    );
  });

  test("a stateful layer is made for one batch", async () => {
    const model = nn.gru({ units: 4, stateful: true });
    await check(model, [3, 5], { fixed: true, batch: 2 });
    const { params, state } = variablesOf(model, f32(2, 3, 5));
    expect(() => toOnnx(model, params, f32(2, 3, 5), { state })).toThrow('{ batch: "fixed" }');
  });
});

describe("a file", () => {
  const model = sequential(nn.flatten(), nn.dense({ units: 2 }));
  const { params } = variablesOf(model, f32(1, 2, 2));

  test("takes any batch, and names it", async () => {
    const file = toOnnx(model, params, f32(1, 2, 2), { name: "net" });
    const run = await load(runtime, file);
    for (const batch of [1, 5]) expect((await run(wave(f32(batch, 2, 2)))).shape).toEqual([batch, 2]);
    const { name, input, output } = graphOf(file);
    const dims = [input, output].map((list) => list![0]!.type!.tensorType!.shape!.dim);
    expect(name).toBe("net");
    expect(dims).toEqual([
      [{ dimParam: "batch" }, { dimValue: 2 }, { dimValue: 2 }],
      [{ dimParam: "batch" }, { dimValue: 2 }],
    ]);
  });

  test("prepares what is stored: bytes in, probabilities out", async () => {
    const bytes = ndarray(u8(3, 2, 2), (i) => 20 * i);
    const file = await check(model, [2, 2], { x: bytes, prepare: toUnitRange, output: (y) => y.softmax() });
    expect(operatorsOf(file)).toBe("Cast Mul Reshape Gemm Softmax");
  });

  test("of a model that gives its input, or a constant", async () => {
    await check(
      nn.functional({}, (_, x) => x),
      [2],
    );
    await check(
      nn.functional({}, (_, x) => x.zerosLike().add(2)),
      [2],
    );
    await check(
      nn.functional({}, () => full(f32(1, 2), 3)),
      [2],
      { batch: 1, fixed: true },
    );
  });

  test("keeps the names x and y for input and output", async () => {
    const file = await check(
      nn.functional({ x: nn.dense({ units: 2 }) }, ({ x: f }, x) => f(x)),
      [2],
    );
    expect(weightsOf(file)).toEqual(["x.weight [2,2]", "x.bias [2]"]);
  });
});

describe("errors", () => {
  const refuse = (f: (x: Tensor) => Tensor) => () =>
    toOnnx(
      nn.functional({}, (_, x) => f(x)),
      {},
      f32(1, 4),
    );
  test("an op that only training needs", () => {
    const noise = refuse((x) => x.add(uniform(x.slice([0, 0], [1, 2]).reshape([2]).cast("u32"), [4])));
    expect(noise).toThrow(UnsupportedError);
    expect(refuse((x) => x.scatterAdd(x.cast("i32"), 3, 0).sum())).toThrow(
      "toOnnx: the op scatterAdd has no counterpart in ONNX",
    );
  });
  test("a model that is not the same for every batch", () => {
    expect(refuse((x) => x.mean(0, true))).toThrow("differs");
    expect(refuse((x) => x.slice([0, 0], [1, 4]))).toThrow("part of the batch");
  });
  test("variables that are missing", () => {
    const model = sequential(nn.dense({ units: 2 }), nn.batchNorm());
    const { params } = model.init(nn.keyOf(0), f32(1, 3));
    expect(() => toOnnx(model, params, f32(1, 3))).toThrow("params and state are not those of the model");
    expect(() => toOnnx(model, {}, f32(1, 3))).toThrow(ValueError);
  });
  test("an input without a batch", () => {
    expect(() => toOnnx(nn.relu(), {}, f32())).toThrow("[batch, …]");
  });
});
