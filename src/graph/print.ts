// Prints a graph, one node a line: `%7: f32[64,10] = matmul(%5, %6)`.
import { printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { toposort } from "./node.ts";

export function printGraph(outputs: readonly Tensor[]): string {
  const nodes = toposort(outputs);
  const number = new Map(nodes.map((n, i) => [n, i]));
  const ref = (t: Tensor) => `%${number.get(t.node)}${t.node.types.length > 1 ? `.${t.output}` : ""}`;
  const lines = nodes.map((n) => {
    const params = n.params && Object.keys(n.params).length ? ` ${JSON.stringify(n.params)}` : "";
    return `%${number.get(n)}: ${n.types.map(printType).join(", ")} = ${n.op.name}(${n.inputs.map(ref).join(", ")})${params}`;
  });
  return [...lines, `return ${outputs.map(ref).join(", ")}`].join("\n");
}
