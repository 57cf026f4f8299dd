// Layers over sequences as functions of all that they are differentiated by: x, every parameter, every initial state. They drive the
// gradient checks (test/node) and the comparison of fused kernels, composition and reference on the GPU (test/gpu).
import { vjp } from "../src/autodiff/backward.ts";
import type { Device, DeviceArray } from "../src/device.ts";
import { leaves, mapTree } from "../src/graph/tree.ts";
import type { Context, Layer, Variables } from "../src/nn/layer.ts";
import { gru, lstm, type RecurrentLayer, type RecurrentOptions, rnn } from "../src/nn/recurrentLayers.ts";
import { isNdArray, type NdArray } from "../src/shape/ndarray.ts";
import { f32, i32, type TensorType, u32 } from "../src/shape/types.ts";
import { constant, type Tensor } from "../src/tensor.ts";
import { random } from "./samples/sample.ts";

export interface LayerFunction {
  /** What each input is: x, `layer0.wx`, …, h0, c0. */
  readonly names: readonly string[];
  readonly inputs: readonly NdArray[];
  /** y, and of a recurrent layer its last states. */
  readonly f: (...inputs: Tensor[]) => Tensor[];
}

export interface FunctionOptions {
  /** Initial states are inputs. */
  readonly initial?: boolean;
  readonly lengths?: readonly number[];
  readonly training?: boolean;
  /** The value of an input. Default: uniform in ±0.5, of x in ±1: nothing saturates and nothing is left at its zeros. */
  readonly draw?: (name: string, type: TensorType, seed: number) => NdArray;
}

const usual = (name: string, type: TensorType, seed: number): NdArray => {
  const size = name === "x" ? 1 : 0.5;
  return random(type, { seed, low: -size, high: size });
};

/** `x` is the values of an input that is not drawn (tokens), or the type of one that is. */
export function layerFunction(
  layer: Layer | RecurrentLayer,
  x: NdArray | TensorType,
  { initial = false, lengths, training = false, draw = usual }: FunctionOptions = {},
): LayerFunction {
  const made = layer.init([1, 2], x);
  const params = leaves(made.params, isNdArray);
  const states = initial ? statesOf(layer, params, x.shape[0]!) : [];
  const names = ["x", ...params.map(({ path }) => path), ...states.map(({ name }) => name)];
  const drawn = [x, ...params.map(({ value }) => value), ...states.map(({ type }) => type)].map(
    ({ dtype, shape }, k): NdArray => (k === 0 && "data" in x ? x : draw(names[k]!, { dtype, shape }, 10 + k)),
  );
  const f = (first: Tensor, ...rest: Tensor[]): Tensor[] => {
    const context: Context = { training, key: constant(u32(2), [3, 4]) };
    const byPath = new Map(names.slice(1).map((name, k) => [name, rest[k] as Tensor]));
    const variables = {
      params: mapTree<unknown, NdArray, Tensor>(made.params, isNdArray, (_, path) => byPath.get(path)!),
      state: mapTree<unknown, NdArray, Tensor>(made.state, isNdArray, (a) =>
        constant({ dtype: a.dtype, shape: a.shape }, [...a.data]),
      ),
    } as unknown as Variables<Tensor>;
    if (!("run" in layer)) return [layer.apply(variables, first, context).y];
    const given = rest.slice(params.length);
    const width = layer.name === "lstm" ? 2 : 1;
    const states = Array.from({ length: given.length / width }, (_, k) =>
      width === 2 ? { h: given[2 * k]!, c: given[2 * k + 1]! } : { h: given[k]! },
    );
    const { y, last } = layer.run(variables, first, context, {
      ...(initial ? { initial: states } : {}),
      ...(lengths ? { lengths: constant(i32(lengths.length), lengths) } : {}),
    });
    return [y, ...last.flatMap(({ h, c }) => (c ? [h, c] : [h]))];
  };
  return { names, inputs: drawn, f: f as LayerFunction["f"] };
}

/** What the layer gives on a device, and the gradients of Σ ⟨output, seeded weights⟩, by name. */
export async function everything(device: Device, { f, inputs, names }: LayerFunction): Promise<Map<string, NdArray>> {
  const program = await device.compile(
    ({ x }) => {
      const outputs = f(...(x as Tensor[]));
      const weights = outputs.map(({ type }, k) => constant(type, [...random(type, { seed: 60 + k }).data]));
      return { all: [...outputs, ...vjp(outputs, weights, x as Tensor[])] };
    },
    { x: inputs.map(({ dtype, shape }) => ({ dtype, shape })) },
  );
  const { all } = program.run(device.put({ x: inputs }) as never) as unknown as { all: DeviceArray[] };
  const values = await Promise.all(all.map((a) => a.read()));
  program.dispose();
  const outputs = values.length - inputs.length;
  return new Map(values.map((v, k) => [k < outputs ? `output ${k}` : `gradient of ${names[k - outputs]}`, v]));
}

/** ‖got − want‖ / ‖want‖ of each; 0 where they are equal. */
export function distances(
  got: ReadonlyMap<string, NdArray>,
  want: ReadonlyMap<string, NdArray>,
): [name: string, distance: number][] {
  const norm = (v: Iterable<number>) => Math.hypot(...v);
  return [...want].map(([name, w]) => {
    const difference = norm(Array.from(w.data, (v, i) => v - (got.get(name)?.data[i] ?? Number.NaN)));
    return [name, difference === 0 ? 0 : difference / norm(w.data)];
  });
}

/** Of each run of a recurrent layer h, and c of an LSTM: [B, H]. */
function statesOf(layer: Layer, params: readonly { path: string; value: NdArray }[], batch: number) {
  return params
    .filter(({ path }) => path.endsWith(".wh"))
    .flatMap(({ value }, k) =>
      (layer.name === "lstm" ? ["h", "c"] : ["h"]).map((s) => ({
        name: `${s}${k}`,
        type: f32(batch, value.shape[0]!),
      })),
    );
}

/** z = x·Wx + b + h·Wh stays away from 0, where ReLU has its kink, on both sides of it: the first feature and its weight decide its sign. */
function awayFromKinks(name: string, type: TensorType, seed: number): NdArray {
  const small = random(type, { seed, low: -0.03, high: 0.03 });
  const large = random(type, { seed, low: -1, high: 1 });
  const decides = (k: number) =>
    name === "x" ? k % type.shape.at(-1)! === 0 : name.endsWith("wx") && k < type.shape.at(-1)!;
  const sized = (v: number) => Math.fround(Math.sign(v) * (0.8 + 0.2 * Math.abs(v)));
  return { ...small, data: Float64Array.from(small.data, (v, k) => (decides(k) ? sized(large.data[k]!) : v)) };
}

export interface LayerKind {
  readonly make: (options: RecurrentOptions) => RecurrentLayer;
  readonly draw?: FunctionOptions["draw"];
}

/** The recurrences that there are. */
export const layerKinds: Readonly<Record<string, LayerKind>> = {
  "rnn, tanh": { make: rnn },
  "rnn, relu": { make: (o) => rnn({ ...o, activation: "relu" }), draw: awayFromKinks },
  lstm: { make: lstm },
  "gru, reset after": { make: gru },
  "gru, reset before": { make: (o) => gru({ ...o, resetAfter: false }) },
};

/** Of the LSTM. */
export const lstmVariants: Readonly<Record<string, LayerKind>> = {
  "lstm, coupled gates": { make: (o) => lstm({ ...o, forget: "coupled" }) },
  "lstm, no forget gate": { make: (o) => lstm({ ...o, forget: "none" }) },
  "lstm, peepholes": { make: (o) => lstm({ ...o, peepholes: true }) },
};
