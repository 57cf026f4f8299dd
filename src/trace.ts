// Tracing: runs a function once on Tensors and records what it returns. Inputs and outputs are trees.
import type { Node } from "./graph/node.ts";
import { type Leaf, leaves, mapTree, type Tree } from "./graph/tree.ts";
import { input } from "./ops/source.ts";
import { ShapeError } from "./shape/errors.ts";
import { printType, sameType, type TensorType } from "./shape/types.ts";
import { apply, isTensor, type Tensor } from "./tensor.ts";

/** The types of a function's inputs, by name. */
export type TypeTree = Record<string, Tree<TensorType>>;

export interface Trace {
  /** In the order of the tree; path is the place in it. */
  readonly inputs: readonly Leaf<Tensor>[];
  /** Outputs other than the carried ones. */
  readonly outputs: readonly Leaf<Tensor>[];
  /** Inputs that the function maps to their own next value, in place. */
  readonly carry: readonly { readonly path: string; readonly input: Tensor; readonly output: Tensor }[];
  /** Rebuilds the tree of `outputs`. */
  readonly outputTree: unknown;
}

export const isType = (x: unknown): x is TensorType =>
  typeof x === "object" &&
  x !== null &&
  "dtype" in x &&
  "shape" in x &&
  Array.isArray(x.shape) &&
  typeof x.dtype === "string";

/** Runs `f` on tensors of the given types. `carry` names top-level inputs that `f` returns, under the same name and of the same types,
 *  as their next value. Throws ShapeError where a carried output does not match its input. */
export function trace(f: (inputs: never) => unknown, types: TypeTree, carry: readonly string[] = []): Trace {
  const tensors = mapTree<unknown, TensorType, unknown>(
    types,
    isType,
    (type, path) => apply(input, [], { path, type })[0] as Tensor,
  );
  const result = f(tensors as never);
  const inputs = leaves(tensors, isTensor);
  if (carry.length === 0) return { inputs, outputs: leaves(result, isTensor), carry: [], outputTree: result };

  const { outputs, carried } = separate(result, carry);
  const before = inputs.filter((leaf) => carry.includes(leaf.path.split(".")[0] as string));
  const after = new Map(leaves(carried, isTensor).map((leaf) => [leaf.path, leaf.value]));
  const pairs = before.map(({ path, value: input }) => {
    const output = after.get(path);
    if (!output)
      throw new ShapeError(`compile: carried input ${path} has no next value; return it under the same name`);
    if (!sameType(output.type, input.type))
      throw new ShapeError(
        `compile: carried ${path} goes in as ${printType(input.type)} and comes out as ${printType(output.type)}; they must be equal`,
      );
    return { path, input, output };
  });
  return { inputs, outputs: leaves(outputs, isTensor), carry: pairs, outputTree: outputs };
}

function separate(
  result: unknown,
  carry: readonly string[],
): { outputs: Record<string, unknown>; carried: Record<string, unknown> } {
  const outputs: Record<string, unknown> = {};
  const carried: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(result as object)) (carry.includes(key) ? carried : outputs)[key] = value;
  return { outputs, carried };
}

/** The nodes of the inputs, by path. */
export function inputNodes(t: Trace): Map<string, Node> {
  return new Map(t.inputs.map(({ path, value }) => [path, value.node]));
}

/** The tree of `outputs`, with their numbers as leaves. */
export function outputTree(t: Trace): unknown {
  let i = 0;
  return mapTree<unknown, Tensor, number>(t.outputTree, isTensor, () => i++);
}
