// Weights under PyTorch's names and in its layouts. Its modules are computed here as its documentation states them, in float64 and in its
// layouts: what they give with a state dict, our model must give with the same one loaded.

import { describe, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import { mapTree, type Tree } from "../../src/graph/tree.ts";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import { fromStateDict, loadWeights, saveWeights, stateDict, type WeightsHolder } from "../../src/io/weights.ts";
import * as nn from "../../src/nn/index.ts";
import type { Layer, Variables } from "../../src/nn/layer.ts";
import { FormatError, ShapeError } from "../../src/shape/errors.ts";
import { isNdArray, type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, numel, printType, type TensorType, u32 } from "../../src/shape/types.ts";
import { full, type Tensor } from "../../src/tensor.ts";
import { random } from "../samples/sample.ts";

// ---- PyTorch, by hand ----

type Dict = Record<string, NdArray>;
type Module = (x: NdArray, w: Dict) => NdArray;

/** At an index of an array. */
const at = ({ shape, data }: NdArray, ...index: number[]): number =>
  data[index.reduce((flat, i, d) => flat * shape[d]! + i, 0)] as number;

const make = (shape: number[], f: (...index: number[]) => number): NdArray =>
  ndarray(f32(...shape), (flat) => {
    const index: number[] = [];
    for (let d = shape.length - 1, rest = flat; d >= 0; rest = Math.floor(rest / shape[d--]!))
      index.unshift(rest % shape[d]!);
    return f(...index);
  });
const sum = (n: number, f: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** x [N, C, H, W], weight [K, C/groups, kh, kw] */
const conv2d =
  (groups = 1): Module =>
  (x, { weight, bias }) => {
    const [N, , H, W] = x.shape as number[];
    const [K, C, kh, kw] = weight!.shape as number[];
    const tap = (n: number, k: number, i: number, j: number) =>
      sum(C!, (c) =>
        sum(kh!, (a) =>
          sum(kw!, (b) => at(x, n, Math.floor(k / (K! / groups)) * C! + c, i + a, j + b) * at(weight!, k, c, a, b)),
        ),
      );
    return make([N!, K!, H! - kh! + 1, W! - kw! + 1], (n, k, i, j) => bias!.data[k]! + tap(n!, k!, i!, j!));
  };
const relu: Module = (x) => ({ ...x, data: x.data.map((v) => Math.max(v, 0)) });
const maxPool2: Module = (x) =>
  make([x.shape[0]!, x.shape[1]!, x.shape[2]! >> 1, x.shape[3]! >> 1], (n, c, i, j) =>
    Math.max(...[0, 1, 2, 3].map((k) => at(x, n!, c!, 2 * i! + (k >> 1), 2 * j! + (k & 1)))),
  );
const flatten: Module = (x) => ({ ...x, shape: [x.shape[0]!, numel(x.shape.slice(1))] });
const linear: Module = (x, { weight, bias }) =>
  make(
    [x.shape[0]!, weight!.shape[0]!],
    (n, o) => bias!.data[o]! + sum(weight!.shape[1]!, (i) => at(x, n!, i) * at(weight!, o!, i)),
  );
/** In evaluation, of channels in axis 1. */
const batchNorm: Module = (x, w) =>
  make([...x.shape], (...index) => {
    const c = index[1]!;
    const [scale, shift, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((k) => w[k]!.data[c]!);
    return ((at(x, ...index) - mean!) / Math.sqrt(variance! + 1e-5)) * scale! + shift!;
  });

/** [N, C, H, W] → [N, H, W, C] */
const channelsLast = (x: NdArray) =>
  make([x.shape[0]!, x.shape[2]!, x.shape[3]!, x.shape[1]!], (n, i, j, c) => at(x, n!, c!, i!, j!));

type Cell = (
  z: (gate: number, unit: number) => { x: number; h: number },
  h: number,
  c: number,
  unit: number,
) => { h: number; c: number };
const cells: Record<string, { gates: number; cell: Cell }> = {
  rnn: { gates: 1, cell: (z, _h, _c, u) => ({ h: Math.tanh(z(0, u).x + z(0, u).h), c: 0 }) },
  lstm: {
    gates: 4,
    cell(z, _, c, u) {
      const [i, f, g, o] = [0, 1, 2, 3].map((k) => z(k, u).x + z(k, u).h) as [number, number, number, number];
      const next = sigmoid(f) * c + sigmoid(i) * Math.tanh(g);
      return { c: next, h: sigmoid(o) * Math.tanh(next) };
    },
  },
  gru: {
    gates: 3,
    cell(z, h, _, u) {
      const [r, update, n] = [z(0, u), z(1, u), z(2, u)];
      const candidate = Math.tanh(n.x + sigmoid(r.x + r.h) * n.h);
      const share = sigmoid(update.x + update.h);
      return { h: (1 - share) * candidate + share * h, c: 0 };
    },
  },
};

/** x [B, T, F] (batch_first) → [B, T, 2H], the last of two layers in both directions. */
function recurrent(kind: string, x: NdArray, w: Dict, H: number): NdArray {
  const { cell } = cells[kind]!;
  const [B, T] = x.shape as [number, number, number];
  let input = x;
  for (const layer of ["l0", "l1"]) {
    const [forth, back] = [layer, `${layer}_reverse`].map((k) => {
      const [wih, whh, bih, bhh] = ["weight_ih_", "weight_hh_", "bias_ih_", "bias_hh_"].map((name) => w[name + k]!) as [
        NdArray,
        NdArray,
        NdArray,
        NdArray,
      ];
      return Array.from({ length: B }, (_, b) => {
        let state = Array.from({ length: H }, () => ({ h: 0, c: 0 }));
        const outputs: number[][] = [];
        for (let step = 0; step < T; step++) {
          const t = k.endsWith("reverse") ? T - 1 - step : step;
          const z = (gate: number, unit: number) => {
            const row = gate * H + unit;
            const fromX = sum(wih.shape[1]!, (i) => at(wih, row, i) * at(input, b, t, i));
            const fromH = sum(H, (i) => at(whh, row, i) * state[i]!.h);
            return { x: fromX + bih.data[row]!, h: fromH + bhh.data[row]! };
          };
          state = state.map(({ h, c }, unit) => cell(z, h, c, unit));
          outputs[t] = state.map(({ h }) => h);
        }
        return outputs;
      });
    }) as [number[][][], number[][][]];
    input = make([B, T, 2 * H], (b, t, i) => (i! < H ? forth : back)[b!]![t!]![i! % H]!);
  }
  return input;
}

// ---- our models ----

/** The model's output for x, outside training. */
async function run(model: Layer, { params, state }: Variables<NdArray>, x: NdArray): Promise<NdArray> {
  const device = new CpuDevice();
  const inputs: Record<string, Tree<NdArray>> = { params, state, x };
  const types = mapTree<unknown, NdArray, TensorType>(inputs, isNdArray, ({ dtype, shape }) => ({ dtype, shape }));
  const program = await device.compile(
    (given) => {
      const { params, state, x } = given as unknown as Variables<Tensor> & { x: Tensor };
      return { y: model.apply({ params, state }, x, { training: false, key: full(u32(2), 0) }).y };
    },
    types as Record<string, TensorType>,
  );
  return program.run(device.put(inputs as never)).y.read();
}

const holderOf = (model: Layer, input: TensorType, variables = model.init(nn.keyOf(1), input)) => {
  const holder = {
    model,
    input,
    held: variables,
    variables: async () => holder.held,
    setVariables: (v: Variables<NdArray>) => void (holder.held = v),
  };
  return holder satisfies WeightsHolder;
};

/** Random arrays of these shapes; variances are positive. */
const dictOf = (shapes: Record<string, number[]>): Dict =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      random(f32(...shape), name.endsWith("var") ? { seed: i + 1, low: 0.5, high: 2 } : { seed: i + 1 }),
    ]),
  );
/** Those of one module. */
const part = (dict: Dict, module: string): Dict =>
  Object.fromEntries(
    Object.entries(dict)
      .filter(([name]) => name.startsWith(`${module}.`))
      .map(([name, x]) => [name.slice(module.length + 1), x]),
  );
const shapes = (arrays: ReadonlyMap<string, NdArray>) =>
  Object.fromEntries([...arrays].map(([name, x]) => [name, printType(x)]));

function close(got: NdArray, want: NdArray): void {
  expect(got.shape).toEqual(want.shape);
  for (const [i, v] of want.data.entries()) expect(Math.abs((got.data[i] as number) - v)).toBeLessThan(1e-9);
}

const cnn = nn.sequential(
  ...[nn.conv2d({ filters: 4, kernel: [3, 2] }), nn.relu(), nn.maxPool2d(2)],
  ...[nn.conv2d({ filters: 6, kernel: 2, groups: 2 }), nn.batchNorm(), nn.relu(), nn.dropout(0.5), nn.flatten()],
  ...[nn.batchNorm(), nn.relu(), nn.dense({ units: 5 }), nn.tanh(), nn.dense({ units: 3 })],
);
const cnnInput = f32(2, 9, 11, 2);
const norm = (module: string, n: number) =>
  Object.fromEntries(["weight", "bias", "running_mean", "running_var"].map((k) => [`${module}.${k}`, [n]]));
const cnnShapes = {
  ...{ "0.weight": [4, 2, 3, 2], "0.bias": [4], "3.weight": [6, 2, 2, 2], "3.bias": [6] },
  ...norm("4", 6),
  ...norm("8", 6 * 2 * 4),
  ...{ "10.weight": [5, 6 * 2 * 4], "10.bias": [5], "12.weight": [3, 5], "12.bias": [3] },
};
/** The same in PyTorch. */
function torchCnn(x: NdArray, w: Dict): NdArray {
  const tanh: Module = (x) => ({ ...x, data: x.data.map(Math.tanh) });
  const modules: [Module, string?][] = [
    ...([[conv2d(), "0"], [relu], [maxPool2], [conv2d(2), "3"], [batchNorm, "4"], [relu], [flatten]] as [
      Module,
      string?,
    ][]),
    ...([[batchNorm, "8"], [relu], [linear, "10"], [tanh], [linear, "12"]] as [Module, string?][]),
  ];
  return modules.reduce((y, [module, name]) => module(y, name ? part(w, name) : {}), x);
}

describe("a CNN", () => {
  const x = random(f32(2, 2, 9, 11), { seed: 50 });
  const w = dictOf(cnnShapes);

  test("has the names and shapes of a PyTorch Sequential", () => {
    const found = shapes(stateDict(cnn, cnn.init(nn.keyOf(1), cnnInput), cnnInput));
    expect(found).toEqual(
      Object.fromEntries(Object.entries(cnnShapes).map(([name, shape]) => [name, `f32[${shape}]`])),
    );
  });

  test("computes what PyTorch computes with weights of PyTorch", async () => {
    const holder = holderOf(cnn, cnnInput);
    const counted = { ...w, "4.num_batches_tracked": ndarray({ dtype: "i32", shape: [] }, [7]) };
    loadWeights(holder, writeSafetensors(counted, { float64: true }));
    close(await run(cnn, holder.held, channelsLast(x)), torchCnn(x, w));
  });

  test("gives weights with which PyTorch computes what it computes", async () => {
    const trained = fromStateDict(cnn, readSafetensors(writeSafetensors(w)), cnnInput);
    const saved = Object.fromEntries(stateDict(cnn, trained, cnnInput));
    close(torchCnn(x, saved), await run(cnn, trained, channelsLast(x)));
    const again = readSafetensors(await saveWeights(holderOf(cnn, cnnInput, trained)));
    expect(again.metadata).toEqual({ format: "pt" });
    expect(fromStateDict(cnn, again, cnnInput)).toEqual(trained);
  });

  test("made by `functional` has its own names, and finds its flattened images too", async () => {
    const layers = { conv: nn.conv2d({ filters: 3, kernel: 2, activation: "relu" }), fc: nn.dense({ units: 4 }) };
    const model = nn.functional(layers, ({ conv, fc }, x) =>
      fc(
        conv(x)
          .maxPool2d(2)
          .reshape([2, 3 * 4 * 3])
          .softplus(),
      ),
    );
    const input = f32(2, 7, 9, 2);
    const w = dictOf({ "conv.weight": [3, 2, 2, 2], "conv.bias": [3], "fc.weight": [4, 36], "fc.bias": [4] });
    const x = random(f32(2, 2, 7, 9), { seed: 51 });
    const softplus: Module = (x) => ({ ...x, data: x.data.map((v) => Math.log1p(Math.exp(v))) });
    const want = linear(softplus(flatten(maxPool2(relu(conv2d()(x, part(w, "conv")), {}), {}), {}), {}), part(w, "fc"));
    close(
      await run(
        model,
        fromStateDict(model, readSafetensors(writeSafetensors(w, { float64: true })), input),
        channelsLast(x),
      ),
      want,
    );
  });
});

test("a dense layer whose output becomes an image has its columns permuted", async () => {
  const model = nn.sequential(
    nn.dense({ units: 2 * 3 * 4 }),
    nn.reshape(2, 3, 4),
    nn.conv2d({ filters: 2, kernel: 1 }),
  );
  const w = dictOf({ "0.weight": [24, 5], "0.bias": [24], "2.weight": [2, 4, 1, 1], "2.bias": [2] });
  const x = random(f32(3, 5), { seed: 60 });
  const image = { ...linear(x, part(w, "0")), shape: [3, 4, 2, 3] };
  const loaded = fromStateDict(model, readSafetensors(writeSafetensors(w, { float64: true })), f32(3, 5));
  close(await run(model, loaded, x), channelsLast(conv2d()(image, part(w, "2"))));
});

describe("recurrent layers", () => {
  const [B, T, F, H] = [2, 4, 3, 5];
  const layers = { rnn: nn.rnn, lstm: nn.lstm, gru: nn.gru };
  test.each(["rnn", "lstm", "gru"] as const)("%s of two layers in both directions", async (kind) => {
    const { gates } = cells[kind]!;
    const of = (run: string, features: number) => ({
      [`0.weight_ih_${run}`]: [gates * H, features],
      [`0.weight_hh_${run}`]: [gates * H, H],
      [`0.bias_ih_${run}`]: [gates * H],
      [`0.bias_hh_${run}`]: [gates * H],
    });
    const all = { ...of("l0", F), ...of("l0_reverse", F), ...of("l1", 2 * H), ...of("l1_reverse", 2 * H) };
    const w = dictOf({ ...all, "1.weight": [2, 2 * H], "1.bias": [2] });
    const model = nn.sequential(
      layers[kind]({ units: H, layers: 2, bidirectional: true }),
      nn.timeDistributed(nn.dense({ units: 2 })),
    );
    const input = f32(B, T, F);
    expect(shapes(stateDict(model, model.init(nn.keyOf(0), input), input))).toEqual(shapes(new Map(Object.entries(w))));
    const x = random(input, { seed: 70 });
    const h = recurrent(kind, x, part(w, "0"), H);
    const y = linear({ ...h, shape: [B * T, 2 * H] }, part(w, "1"));
    const loaded = fromStateDict(model, readSafetensors(writeSafetensors(w, { float64: true })), input);
    close(await run(model, loaded, x), { ...y, shape: [B, T, 2] });
    // saved and loaded again, biases joined, it is the same
    const saved = readSafetensors(writeSafetensors(stateDict(model, loaded, input), { float64: true }));
    expect(fromStateDict(model, saved, input)).toEqual(loaded);
  });

  test("what PyTorch has not keeps its names; the last state of a stateful layer is no weight", () => {
    const model = nn.sequential(
      nn.embedding({ size: 7, units: F }),
      nn.lstm({ units: H, peepholes: true }),
      nn.gru({ units: H, resetAfter: false, stateful: true }),
      nn.lstm({ units: H, forget: "coupled" }),
    );
    const input = { dtype: "i32", shape: [B, T] } as const;
    const variables = model.init(nn.keyOf(3), input);
    const dict = stateDict(model, variables, input);
    expect(Object.keys(shapes(dict))).toEqual([
      "0.weight",
      ...["wx", "wh", "bias", "peepI", "peepF", "peepO"].map((k) => `1.layer0.${k}`),
      ...["wx", "wh", "bias"].map((k) => `2.layer0.${k}`),
      ...["wx", "wh", "bias"].map((k) => `3.layer0.${k}`),
    ]);
    expect(fromStateDict(model, readSafetensors(writeSafetensors(dict)), input)).toEqual(variables);
  });
});

describe("names", () => {
  const model = nn.sequential(
    nn.dense({ units: 4, activation: "relu" }),
    nn.sequential(nn.dense({ units: 3 }), nn.layerNorm()),
  );
  const input = f32(2, 5);
  const variables = model.init(nn.keyOf(4), input);
  const load = (names: Record<string, string>, options = {}) => {
    const dict = stateDict(model, variables, input, { names });
    return fromStateDict(model, readSafetensors(writeSafetensors(dict)), input, options);
  };

  test("nest", () => {
    expect([...stateDict(model, variables, input).keys()]).toEqual([
      "0.weight",
      "0.bias",
      "1.0.weight",
      "1.0.bias",
      "1.1.weight",
      "1.1.bias",
    ]);
  });
  test("can be given, of a layer or of all inside it", () => {
    const names = { dense0: "features.0", sequential1: "head" };
    expect([...stateDict(model, variables, input, { names }).keys()]).toContain("head.0.weight");
    expect(load(names, { names })).toEqual(variables);
  });
  test("that are other numbers are taken in order", () => {
    expect(load({ dense0: "0", "sequential1.dense0": "2", "sequential1.layerNorm1": "10" })).toEqual(variables);
  });
  test("that are none of the model's are refused, with all that differs", () => {
    expect(() => load({ dense0: "fc" })).toThrow(ShapeError);
    expect(() => load({ dense0: "fc" })).toThrow(
      "weights: they are of another model, they have no 0.weight (vs f32[4,5]), no 0.bias (vs f32[4]), fc.bias f32[4] (vs none), fc.weight f32[4,5] (vs none); load",
    );
  });
});

test("weights of another shape, and files that are none, change nothing", () => {
  const input = f32(2, 5);
  const holder = holderOf(nn.dense({ units: 4 }), input);
  const before = holder.held;
  const other = writeSafetensors({ weight: random(f32(3, 5), { seed: 1 }), bias: random(f32(3), { seed: 2 }) });
  expect(() => loadWeights(holder, other)).toThrow("they have weight f32[3,5] (vs f32[4,5]), bias f32[3] (vs f32[4])");
  expect(() => loadWeights(holder, other.subarray(0, 90))).toThrow(FormatError);
  expect(holder.held).toBe(before);
});

test("every kind of layer is saved and loaded, to the bit", () => {
  const embedded = [
    nn.embedding({ size: 9, units: 6 }),
    nn.lstm({ units: 5, layers: 2, dropout: 0.1 }),
    nn.layerNorm(),
  ];
  const recurrent = nn.sequential(
    ...embedded,
    nn.gru({ units: 4, bidirectional: true, returns: "last" }),
    nn.dense({ units: 3, bias: false }),
  );
  const images = nn.sequential(nn.conv2d({ filters: 3, kernel: 2 }), nn.layerNorm({ axes: 3 }), cnnHead());
  for (const [model, input] of [
    [recurrent, { dtype: "i32", shape: [2, 7] }],
    [images, f32(2, 6, 5, 2)],
    [nn.feedback({ cell: "gru", units: 4, steps: 3, output: nn.dense({ units: 2 }) }), f32(2, 2)],
    [nn.seq2seq({ vocabulary: 5, units: 4, sourceLength: 3, attention: "additive" }), f32(2, 6)],
  ] as [Layer, TensorType][]) {
    let seed = 0;
    const drawn = (x: NdArray) => random(x, { seed: ++seed });
    const variables = mapTree<unknown, NdArray, NdArray>(model.init(nn.keyOf(5), input), isNdArray, drawn);
    const bytes = writeSafetensors(stateDict(model, variables as Variables<NdArray>, input));
    expect(fromStateDict(model, readSafetensors(bytes), input)).toEqual(variables);
  }
});

function cnnHead(): Layer {
  return nn.sequential(nn.flatten(), nn.batchNorm(), nn.dense({ units: 2 }));
}
