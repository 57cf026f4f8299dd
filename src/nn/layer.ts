// What a layer is: how its variables begin, and what it computes from them. A layer holds no arrays; models are layers made of layers.
//
// params are what training learns, state is what a layer keeps besides (running statistics). Both are trees, of host arrays when they are
// made and of Tensors when the layer is applied. A functional model is a plain function over the same params, or layers called by
// `functional` (functional.ts).
import { mapTree, type Tree } from "../graph/tree.ts";
import { requireCount } from "../shape/count.ts";
import { ShapeError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType, u32 } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import type { Key } from "./key.ts";

/** A tree of arrays or tensors by name. */
export type Params<T> = Tree<T>;

/** All that a layer has. */
export interface Variables<T> {
  /** What is learned. */
  readonly params: Params<T>;
  /** What it keeps besides, as running statistics. */
  readonly state: Params<T>;
}

/** How a layer is applied. */
export interface Context {
  /** Dropout drops and batch norm uses the batch only in training. */
  readonly training: boolean;
  /** u32[2], another one at each step: the key of what is random. */
  readonly key: Tensor;
  /** Is shown every step of a recurrent layer, which then runs step by step (train/gradientFlow.ts). */
  readonly observe?: (run: ObservedRun) => void;
}

/** A run of a recurrent layer over a sequence. */
export interface ObservedRun {
  /** The layer and its run, as "lstm layer0". */
  readonly name: string;
  /** The states before the first step and after each. */
  readonly states: readonly {
    /** [B, H] */
    readonly h: Tensor;
    /** [B, H], of an LSTM. */
    readonly c?: Tensor;
  }[];
  /** Of an LSTM: the forget gate [B, H] of each step. */
  readonly forget?: readonly Tensor[];
}

/** A function with variables. Layers make layers: `sequential`, `functional`, or an object of yours. */
export interface Layer {
  /** Names its variables: the first layer of a sequential called "conv" has `conv0.weight`. */
  readonly name: string;
  /** Of a layer made of layers: those, by the names under which their variables stand. */
  readonly layers?: Readonly<Record<string, Layer>>;
  /** Initial variables for inputs of this type. Throws ShapeError if the layer does not take them. */
  init(key: Key, input: TensorType): Variables<NdArray>;
  /** The layer's function. `state` is the next state. */
  apply(
    variables: Variables<Tensor>,
    x: Tensor,
    context: Context,
  ): {
    /** The output. */
    readonly y: Tensor;
    /** The next state. */
    readonly state: Params<Tensor>;
  };
}

/** A layer with nothing to learn and nothing to keep. */
export function stateless(name: string, f: (x: Tensor, context: Context) => Tensor): Layer {
  return {
    name,
    init: () => ({ params: {}, state: {} }),
    apply: (_, x, context) => ({ y: f(x, context), state: {} }),
  };
}

/** The layer's output outside training. */
export function predict(layer: Layer, variables: Variables<Tensor>, x: Tensor): Tensor {
  return layer.apply(variables, x, { training: false, key: full(u32(2), 0) }).y;
}

/** What the layer gives for inputs of this type. */
export function outputType(layer: Layer, variables: Variables<NdArray>, input: TensorType): TensorType {
  const placeholders = mapTree<unknown, NdArray, Tensor>(variables, isNdArray, (v) =>
    full({ dtype: v.dtype, shape: v.shape }, 0),
  );
  return predict(layer, placeholders as unknown as Variables<Tensor>, full(input, 0)).type;
}

/** The last size of the input: channels, or features. Throws ShapeError unless the rank is one of `ranks` (or at least, for a number). */
export function lastSize(name: string, input: TensorType, rank: number, exact: boolean, wanted: string): number {
  const r = input.shape.length;
  if (exact ? r !== rank : r < rank)
    throw new ShapeError(
      `${name}: input must be ${wanted}, got ${printType(input)} (rank ${r} vs ${rank}); reshape it`,
    );
  return input.shape.at(-1) as number;
}

/** A size given by the user. Throws ShapeError unless it is a positive integer. */
export function requireSize(name: string, what: string, size: number): void {
  requireCount(name, what, size, ShapeError);
}
