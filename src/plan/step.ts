// Step: a node as the planner sees it: a kernel description applied to refs. Making steps from nodes drops what nothing
// reads and merges equal nodes (common subexpressions). Ids are a topological order.
import { type Node, toposort } from "../graph/node.ts";
import type { AnyOp, Kernel, KernelContext } from "../graph/op.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** The values of a step's outputs from those of its inputs: what its kernel is checked against. */
export type Reference = (inputs: readonly NdArray[]) => readonly NdArray[];

export interface Step {
  readonly id: number;
  readonly name: string;
  readonly kernel: Kernel;
  readonly inputs: readonly Ref[];
  readonly ctx: KernelContext;
  readonly reference: Reference;
  /** Of partial results, which are right if they join into the right whole: joins them. */
  readonly join?: (parts: NdArray) => NdArray;
  /** Of a sum: the one dimension of its input that it is along. */
  readonly along?: number;
}

/** What a step is made from. */
export interface StepSpec extends Pick<Step, "name" | "kernel" | "inputs" | "reference" | "join" | "along"> {
  /** Of a node's step. */
  readonly op?: AnyOp;
  readonly params: unknown;
  readonly outputs: readonly TensorType[];
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

  add({ op: _, params, outputs, ...rest }: StepSpec): Step {
    const step: Step = {
      id: this.list.length,
      ...rest,
      ctx: { inputs: rest.inputs.map((r) => r.type), outputs, params },
    };
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
 *  whose outputs stand for the node's, or null to leave it). `keep` takes the input of an identity for its output, so that nothing is
 *  computed again. */
export function stepsOf(
  outputs: readonly Tensor[],
  sources: readonly Tensor[],
  expand: (steps: Steps, spec: StepSpec) => Step | null,
  keep = false,
): { steps: Steps; refOf: (t: Tensor) => Ref } {
  const steps = new Steps();
  const byNode = new Map<Node, Step>();
  const byKey = new Map<string, Step>();
  const same = new Map<Node, Ref>();
  const refOf = (t: Tensor) => same.get(t.node) ?? steps.ref(byNode.get(t.node) as Step, t.output);
  for (const node of toposort([...sources, ...outputs])) {
    const { op, params, types } = node;
    const inputs = node.inputs.map(refOf);
    if (keep && op.identity) {
      same.set(node, inputs[0] as Ref);
      continue;
    }
    // sources are told apart by identity, all else by what it computes
    const key =
      op.kernel.kind === "source"
        ? `#${node.id}`
        : `${op.name} ${JSON.stringify(params)} ${inputs.map((r) => `${r.step.id}.${r.output}`).join(" ")}`;
    let step = byKey.get(key);
    if (!step) {
      const reference: Reference = (values) => op.reference(values, params, types);
      const spec = { op, name: op.name, kernel: op.kernel, inputs, params, outputs: types, reference };
      step = expand(steps, spec) ?? steps.add(spec);
      byKey.set(key, step);
    }
    byNode.set(node, step);
  }
  return { steps, refOf };
}
