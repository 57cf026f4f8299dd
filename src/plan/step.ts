// Step: a node as the planner sees it: a kernel description applied to refs. Making steps from nodes drops what nothing
// reads and merges equal nodes (common subexpressions). Ids are a topological order.
import { type Node, toposort } from "../graph/node.ts";
import type { Kernel, KernelContext } from "../graph/op.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

export interface Step {
  readonly id: number;
  readonly name: string;
  readonly kernel: Kernel;
  readonly inputs: readonly Ref[];
  readonly ctx: KernelContext;
}

/** One output of a step. Interned: equal refs are identical. */
export interface Ref {
  readonly step: Step;
  readonly output: number;
  readonly type: TensorType;
}

export class Steps {
  readonly list: Step[] = [];
  readonly #refs = new Map<Step, Ref[]>();

  add(name: string, kernel: Kernel, inputs: readonly Ref[], params: unknown, outputs: readonly TensorType[]): Step {
    const ctx = { inputs: inputs.map((r) => r.type), outputs, params };
    const step: Step = { id: this.list.length, name, kernel, inputs, ctx };
    this.list.push(step);
    this.#refs.set(
      step,
      outputs.map((type, output) => ({ step, output, type })),
    );
    return step;
  }

  ref(step: Step, output = 0): Ref {
    return this.#refs.get(step)?.[output] as Ref;
  }

  refs(step: Step): readonly Ref[] {
    return this.#refs.get(step) as Ref[];
  }
}

/** The steps that `outputs` need; `refOf` maps their tensors. `expand` may put several steps in the place of one (it returns the one
 *  whose outputs stand for the node's, or null to leave it). */
export function stepsOf(
  outputs: readonly Tensor[],
  sources: readonly Tensor[],
  expand: (steps: Steps, node: Node, inputs: readonly Ref[]) => Step | null,
): { steps: Steps; refOf: (t: Tensor) => Ref } {
  const steps = new Steps();
  const byNode = new Map<Node, Step>();
  const byKey = new Map<string, Step>();
  const refOf = (t: Tensor) => steps.ref(byNode.get(t.node) as Step, t.output);
  for (const node of toposort([...sources, ...outputs])) {
    const inputs = node.inputs.map(refOf);
    // sources are told apart by identity, all else by what it computes
    const key =
      node.op.kernel.kind === "source"
        ? `#${node.id}`
        : `${node.op.name} ${JSON.stringify(node.params)} ${inputs.map((r) => `${r.step.id}.${r.output}`).join(" ")}`;
    let step = byKey.get(key);
    if (!step) {
      step = expand(steps, node, inputs) ?? steps.add(node.op.name, node.op.kernel, inputs, node.params, node.types);
      byKey.set(key, step);
    }
    byNode.set(node, step);
  }
  return { steps, refOf };
}
