// Uses: who reads what a step makes, and about how often, before anything is fused.
import { numel } from "../shape/types.ts";
import { accessOf } from "./access.ts";
import type { Ref, Step, Steps } from "./step.ts";

/** How many times a contraction's tile uses what it has loaded, about. */
const tileReuse = 8;

export const shapeOf = (step: Step) => step.ctx.outputs[0]?.shape as readonly number[];

export const isView = (step: Step) => step.kernel.kind === "map" && step.kernel.cost === 0 && step.inputs.length === 1;

const workOf = (step: Step) =>
  (step.kernel.kind === "map" ? step.kernel.cost : 0) + accessOf(step).reads.reduce((n, r) => n + r.length, 0);

export function readersOf(steps: Steps): Map<Ref, Set<Step>> {
  const readers = new Map<Ref, Set<Step>>();
  for (const step of steps.list)
    for (const ref of step.inputs) {
      const set = readers.get(ref);
      if (set) set.add(step);
      else readers.set(ref, new Set([step]));
    }
  return readers;
}

/** About how many elements of each step are computed if every map floats that is not dear. */
export function countUses(steps: Steps, outputs: readonly Ref[]): Map<Step, number> {
  const uses = new Map<Step, number>(steps.list.map((s) => [s, 0]));
  const use = (step: Step, n: number) => uses.set(step, (uses.get(step) as number) + n);
  for (const ref of outputs) use(ref.step, numel(ref.type.shape));
  for (const step of [...steps.list].reverse()) {
    const { reads, extent, factors } = accessOf(step);
    const elements =
      step.kernel.kind === "map" && workOf(step) <= 2
        ? Math.max(uses.get(step) as number, numel(shapeOf(step)))
        : numel(shapeOf(step));
    const times = (elements * extent) / (factors === 2 ? tileReuse : 1);
    step.inputs.forEach((ref, k) => {
      use(ref.step, step.kernel.kind === "custom" ? numel(ref.type.shape) : times * (reads[k]?.length ?? 0));
    });
  }
  return uses;
}
