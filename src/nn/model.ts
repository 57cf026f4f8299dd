// Models: layers made of layers.
import type { NdArray } from "../shape/ndarray.ts";
import { type TensorType, u32 } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import { fold, foldTensor, type Key } from "./key.ts";
import { type Context, type Layer, outputType, type Params, type Variables } from "./layer.ts";

type Named<T> = Record<string, Params<T>>;

const isEmpty = (tree: unknown): boolean => typeof tree === "object" && tree !== null && Object.keys(tree).length === 0;

/** Leaves out layers that have none, so that paths and checkpoints hold what there is. */
const compact = <T>(tree: Named<T>): Named<T> =>
  Object.fromEntries(Object.entries(tree).filter(([, v]) => !isEmpty(v)));

const variablesOf = <T>(all: Variables<T>, name: string): Variables<T> => ({
  params: (all.params as Named<T>)[name] ?? {},
  state: (all.state as Named<T>)[name] ?? {},
});

/** One layer after the other. A layer's variables stand under its name and place: `conv0.weight`, `dense5.bias`. */
export function sequential(...layers: readonly Layer[]): Layer {
  const names = layers.map((layer, i) => `${layer.name}${i}`);
  return {
    name: "sequential",
    layers: Object.fromEntries(layers.map((layer, i) => [names[i] as string, layer])),
    init(key, input) {
      const params: Named<NdArray> = {};
      const state: Named<NdArray> = {};
      let type = input;
      layers.forEach((layer, i) => {
        const variables = layer.init(fold(key, i), type);
        const name = names[i] as string;
        params[name] = variables.params;
        state[name] = variables.state;
        type = outputType(layer, variables, type);
      });
      return { params: compact(params), state: compact(state) };
    },
    apply(variables, x, context) {
      const state: Named<Tensor> = {};
      let y = x;
      layers.forEach((layer, i) => {
        const name = names[i] as string;
        const key = foldTensor(context.key, i);
        const result = layer.apply(variablesOf(variables, name), y, { ...context, key });
        state[name] = result.state;
        y = result.y;
      });
      return { y, state: compact(state) };
    },
  };
}

/** Calls of layers that hold their variables. */
export type Calls<L extends Record<string, Layer>> = { readonly [K in keyof L]: (x: Tensor) => Tensor };

/** A model whose layers are called by a function of yours: branches, skips, and weight sharing (call a layer twice).
 *
 *      functional({ a: dense({ units: 8 }), b: dense({ units: 8 }) }, ({ a, b }, x) => b(a(x).relu()).add(x))
 *
 *  The variables of a layer take form at its first call. */
export function functional<L extends Record<string, Layer>>(
  layers: L,
  call: (layers: Calls<L>, x: Tensor, context: Context) => Tensor,
): Layer {
  const names = Object.keys(layers);
  const calls = (f: (layer: Layer, name: string, x: Tensor) => Tensor): Calls<L> =>
    Object.fromEntries(names.map((name) => [name, (x: Tensor) => f(layers[name] as Layer, name, x)])) as Calls<L>;
  return {
    name: "functional",
    layers,
    init(key, input) {
      const params: Named<NdArray> = {};
      const state: Named<NdArray> = {};
      const probe = (layer: Layer, name: string, x: Tensor): Tensor => {
        if (!(name in params)) {
          const variables = layer.init(fold(key, names.indexOf(name)), x.type);
          params[name] = variables.params;
          state[name] = variables.state;
        }
        return full(outputType(layer, variablesOf({ params, state }, name), x.type), 0);
      };
      call(calls(probe), full(input, 0), { training: false, key: full(u32(2), 0) });
      return { params: compact(params), state: compact(state) };
    },
    apply(variables, x, context) {
      const state: Named<Tensor> = { ...(variables.state as Named<Tensor>) };
      let count = 0;
      const y = call(
        calls((layer, name, input) => {
          const key = foldTensor(context.key, count++);
          const held = variablesOf({ params: variables.params, state }, name);
          const result = layer.apply(held, input, { ...context, key });
          state[name] = result.state;
          return result.y;
        }),
        x,
        context,
      );
      return { y, state: compact(state) };
    },
  };
}

/** Initial variables of a model, and the type that it gives for inputs of type `input`. */
export function initialise(
  model: Layer,
  key: Key,
  input: TensorType,
): {
  /** Of the model, at the start. */
  readonly variables: Variables<NdArray>;
  /** Of what it gives. */
  readonly output: TensorType;
} {
  const variables = model.init(key, input);
  return { variables, output: outputType(model, variables, input) };
}
