// Sources of a graph: its inputs, and constants.
import type { Op } from "../graph/op.ts";
import { InternalError } from "../shape/errors.ts";
import { ndarray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import { literalOf } from "./define.ts";

/** A value given when the graph runs. `path` is its place in the tree of inputs. */
export const input: Op<{ path: string; type: TensorType }> = {
  name: "input",
  type: (_, p) => [p.type],
  reference: (_, p) => {
    throw new InternalError(`input: ${p.path} has no value`);
  },
  kernel: { kind: "source" },
  gradient: null,
};

/** An array known when the graph is made; row-major. */
export const constant: Op<{ type: TensorType; data: readonly number[] }> = {
  name: "constant",
  type: (_, p) => [p.type],
  reference: (_, p) => [ndarray(p.type, p.data)],
  kernel: { kind: "source" },
  gradient: null,
};

/** One number, everywhere. It costs nothing: it is a literal in whatever reads it. */
export const full: Op<{ type: TensorType; value: number }> = {
  name: "full",
  type: (_, p) => [p.type],
  reference: (_, p) => [ndarray(p.type, () => p.value)],
  kernel: { kind: "map", cost: 0, element: (_at, _lower, { params }) => [literalOf(params.type.dtype, params.value)] },
  gradient: null,
};
