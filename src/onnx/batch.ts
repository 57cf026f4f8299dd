// Which sizes of a traced graph depend on the batch: the graph is traced for two batches, and compared node by node. What differs must be
// in proportion to the batch, and only in sizes; then the graph is right for any batch.
import { type Node, toposort } from "../graph/node.ts";
import { UnsupportedError } from "../shape/errors.ts";
import type { Tensor } from "../tensor.ts";
import type { Size } from "./emitter.ts";

/** Two batches that no size of a model is likely to equal, so that no reshape is left out of one trace. */
export const batches = [251, 509] as const;

/** Parameters of ops that are sizes, which the types of their outputs show. */
const sizes = ["shape", "type", "ends"];
const rest = (params: unknown): string =>
  JSON.stringify(params, (key, value) => (sizes.includes(key) ? null : value)) ?? "";

/** The sizes of the outputs of each node of the first graph, given by the same tensors of both. Throws UnsupportedError if the graphs differ in more than sizes. */
export function openSizes(first: readonly Tensor[], second: readonly Tensor[]): Map<Node, Size[][]> {
  const [a, b] = [toposort(first), toposort(second)];
  if (a.length !== b.length) throw fixed("the number of its nodes", a.length, b.length);
  return new Map(
    a.map((node, i) => {
      const other = b[i] as Node;
      if (node.op !== other.op) throw fixed("an op", node.op.name, other.op.name);
      if (rest(node.params) !== rest(other.params)) throw fixed(node.op.name, rest(node.params), rest(other.params));
      const sizes = node.types.map(({ shape }, k) =>
        shape.map((n, d) => sizeOf(node, n, other.types[k]?.shape[d] ?? 0)),
      );
      return [node, sizes];
    }),
  );
}

function sizeOf(node: Node, n: number, other: number): Size {
  if (n === other) return n;
  const count = n / batches[0];
  if (!Number.isInteger(count) || other !== count * batches[1]) throw fixed(`a size of ${node.op.name}`, n, other);
  return { batches: count };
}

const fixed = (what: string, a: unknown, b: unknown): UnsupportedError =>
  new UnsupportedError(
    `toOnnx: the model is not the same for every batch, ${what} differs (${a} vs ${b} for batches of ${batches.join(" and ")})`,
  );
