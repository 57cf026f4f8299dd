// How gradients flow back through a model: ‖∂L/∂θ‖ of each parameter, and for recurrent layers ‖∂L/∂h⁽ᵗ⁾‖ and ‖∂L/∂C⁽ᵗ⁾‖ at each step, with
// all that goes on through later steps. An RNN's vanish or explode with the spectral norm of Wh; an LSTM's cell carries its own back times
// Π f, the product of the forget gates.
import { grad } from "../autodiff/backward.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Device, DeviceArray } from "../device.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import type { Context, Layer, ObservedRun, Variables } from "../nn/layer.ts";
import type { Loss } from "../nn/losses.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { u32 } from "../shape/types.ts";
import { full, isTensor, stack, type Tensor } from "../tensor.ts";
import { compileTree, disposeTree, isDeviceArray, isNdArray, putTree, type Trees, typesOf } from "./program.ts";
import { toUnitRange } from "./step.ts";

/** How gradients flow back through a run of a recurrent layer. */
export interface RunFlow {
  /** The layer and its run, as "lstm layer0". */
  readonly name: string;
  /** ‖∂L/∂h⁽ᵗ⁾‖ over batch and units, for t = 0 (the initial state) … T. */
  readonly h: readonly number[];
  /** Of an LSTM: ‖∂L/∂C⁽ᵗ⁾‖. */
  readonly c?: readonly number[];
  /** Of an LSTM: the mean over batch and units of f⁽ᵗ⁺¹⁾ ∘ … ∘ f⁽ᵀ⁾, for t = 0 … T. */
  readonly forget?: readonly number[];
}

/** How large the gradients of one batch are, and where. */
export interface GradientFlow {
  /** Of the batch. */
  readonly loss: number;
  /** ‖∂L/∂θ‖ by the parameter's path. */
  readonly params: Readonly<Record<string, number>>;
  /** The norm over all parameters of a layer, by its path. */
  readonly layers: Readonly<Record<string, number>>;
  /** Every run of a recurrent layer, in order. */
  readonly runs: readonly RunFlow[];
}

/** Options of gradientFlow. */
export interface GradientFlowOptions {
  /** Where it is computed. */
  readonly device: Device;
  /** A model, recurrent or not. */
  readonly model: Layer;
  /** Parameters and state of the model, as `model.init` gives them or training has left them. */
  readonly variables: Variables<NdArray>;
  /** All of it is one batch. */
  readonly batch: Dataset;
  /** Of the model's output and the targets. */
  readonly loss: Loss;
  /** Stored inputs to what the model takes. Default: u8 becomes f32 in [0, 1]. */
  readonly prepare?: (x: Tensor) => Tensor;
}

const norm = (t: Tensor): Tensor => t.square().sum().sqrt();

/** One array a run: norms of h, norms of c, products of forget gates, as far as there are such. */
function flowOf({ states, forget }: ObservedRun, gradientOf: (t: Tensor) => Tensor): Trees<Tensor> {
  const h = stack(
    states.map((s) => norm(gradientOf(s.h))),
    0,
  );
  if (!states[0]?.c) return { h };
  const c = stack(
    states.map((s) => norm(gradientOf(s.c as Tensor))),
    0,
  );
  if (!forget) return { h, c };
  // from the last step back
  const products = [full(states[0].h.type, 1)];
  for (const f of forget.toReversed()) products.unshift((products[0] as Tensor).mul(f));
  return { h, c, forget: stack(products.map((p) => p.mean()), 0) }; // biome-ignore format: one line
}

/** The norms for one batch. Recurrent layers run step by step. */
export async function gradientFlow(options: GradientFlowOptions): Promise<GradientFlow> {
  const { device, model, variables, batch, loss, prepare = toUnitRange } = options;
  const seen: string[] = [];
  const f = ({ params, state, x, y }: Trees<Tensor>): Trees<Tensor> => {
    const runs: ObservedRun[] = [];
    const observe = (run: ObservedRun) => void runs.push(run);
    const context: Context = { training: false, key: full(u32(2), 0), observe };
    const output = model.apply({ params: params!, state: state! }, prepare(x as Tensor), context).y;
    const target = y as Tensor;
    const value = loss(output, target.dtype === "f32" ? target : target.cast("i32"));
    const list = leaves(params!, isTensor).map((l) => l.value);
    const wanted = runs.flatMap(({ states }) => states.flatMap(({ h, c }) => (c ? [h, c] : [h])));
    const gradients = grad(value, [...list, ...wanted]);
    const byTensor = new Map([...list, ...wanted].map((t, i) => [t, gradients[i] as Tensor]));
    seen.splice(0, seen.length, ...runs.map(({ name }) => name));
    return {
      loss: value,
      params: list.map((t) => norm(byTensor.get(t) as Tensor)),
      runs: runs.map((run) => flowOf(run, (t) => byTensor.get(t) as Tensor)),
    };
  };
  const inputs = { ...variables, x: batch.x, y: batch.y } as Trees<NdArray>;
  const program = await compileTree(device, f, typesOf(inputs) as Trees<never>, { label: "gradientFlow" });
  const arrays = putTree(device, inputs) as Trees<DeviceArray>;
  const results = program.run(arrays);
  const found = new Map<string, number[]>();
  for (const { path, value } of leaves(results as Tree<DeviceArray>, isDeviceArray))
    found.set(path, [...(await value.read()).data]);
  program.dispose();
  disposeTree(arrays);
  const paths = leaves(variables.params, isNdArray).map(({ path }) => path);
  const runs = seen.map((name, k): RunFlow => {
    const [h, c, forget] = ["h", "c", "forget"].map((what) => found.get(`runs.${k}.${what}`));
    return { name, h: h!, ...(c ? { c } : {}), ...(forget ? { forget } : {}) };
  });
  const params = paths.map((path, i): [string, number] => [path, found.get(`params.${i}`)![0]!]);
  const layers: Record<string, number> = {};
  for (const [path, norm] of params) {
    const layer = path.slice(0, Math.max(0, path.lastIndexOf(".")));
    layers[layer] = Math.hypot(layers[layer] ?? 0, norm);
  }
  return { loss: found.get("loss")![0]!, params: Object.fromEntries(params), layers, runs };
}
