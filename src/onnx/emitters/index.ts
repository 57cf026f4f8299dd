// How each node of a traced graph is written: with others by one operator of ONNX, or by itself from the table of ops. Ops that only
// training needs (gradients, random numbers) have no row.
import type { Node } from "../../graph/node.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import type { Emitter } from "../emitter.ts";
import { elementwise } from "./elementwise.ts";
import type { Emit, Plan } from "./emit.ts";
import { fusions } from "./fusions.ts";
import { reductions } from "./reductions.ts";
import { views } from "./views.ts";

const table: Readonly<Record<string, Emit>> = { ...elementwise, ...reductions, ...views };

/** Throws UnsupportedError on an op that has no counterpart in ONNX. */
export function planOf(node: Node, e: Emitter): Plan {
  for (const fusion of fusions) {
    const plan = fusion(node, e);
    if (plan) return plan;
  }
  const { name } = node.op;
  const emit = table[name];
  if (!emit) throw new UnsupportedError(`toOnnx: the op ${name} has no counterpart in ONNX; leave it out of the model`);
  return { inputs: node.inputs, emit: (e) => emit(e, node) };
}
