// Node: one application of an op. A graph is whatever is reachable from its outputs; there is no builder and no tape.

import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import type { AnyOp, Params } from "./op.ts";

let created = 0;

export class Node {
  /** Rises with creation, so inputs always have smaller ids than the node: ids are a topological order. */
  readonly id: number = created++;
  readonly op: AnyOp;
  readonly inputs: readonly Tensor[];
  readonly params: Params;
  readonly types: readonly TensorType[];

  constructor(op: AnyOp, inputs: readonly Tensor[], params: Params, types: readonly TensorType[]) {
    this.op = op;
    this.inputs = inputs;
    this.params = params;
    this.types = types;
  }
}

/** Every node that the tensors depend on, inputs before users. */
export function toposort(outputs: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const stack = outputs.map((t) => t.node);
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const t of node.inputs) stack.push(t.node);
  }
  return [...seen].sort((a, b) => a.id - b.id);
}
