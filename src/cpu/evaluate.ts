// The CPU backend: runs a graph by each op's reference, in float64. It is the specification that the GPU is checked against.
import { type Node, toposort } from "../graph/node.ts";
import { InternalError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { Tensor } from "../tensor.ts";

/** Values of `outputs`; `inputs` gives a value for each input node. */
export function evaluate(outputs: readonly Tensor[], inputs: ReadonlyMap<Node, NdArray>): NdArray[] {
  const values = new Map<Node, readonly NdArray[]>();
  for (const node of toposort(outputs)) {
    const given = inputs.get(node);
    values.set(
      node,
      given
        ? [given]
        : node.op.reference(
            node.inputs.map((t) => outputOf(values, t)),
            node.params,
            node.types,
          ),
    );
  }
  return outputs.map((t) => outputOf(values, t));
}

function outputOf(values: ReadonlyMap<Node, readonly NdArray[]>, t: Tensor): NdArray {
  const v = values.get(t.node)?.[t.output];
  if (!v) throw new InternalError(`evaluate: ${t.node.op.name} has no output ${t.output}`);
  return v;
}
