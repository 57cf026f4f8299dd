// Plan: what a device runs, as plain data, and how it is made from a traced function:
//
//   trace ─▶ steps (equal ones merged, long reductions split) ─▶ groups (fused) ─▶ places (carried values in place)
//         ─▶ order (small groups share a dispatch) ─▶ kernels (tiled, WGSL) ─▶ memory (temporaries share slots)
//
// The planner knows the kinds of kernel, never an op.

import { toposort } from "../graph/node.ts";
import type { CustomKernel } from "../graph/op.ts";
import type { Tensor } from "../tensor.ts";
import type { Trace } from "../trace.ts";
import type { Plan } from "./data.ts";
import { fuse, type Group } from "./fuse.ts";
import type { Walks } from "./kernel.ts";
import type { Schedule } from "./lanes.ts";
import { Link, stepToMove } from "./link.ts";
import { type GroupWork, lowerBundle } from "./lower.ts";
import { placeTemporaries } from "./memory.ts";
import type { Functions } from "./module.ts";
import { pack } from "./order.ts";
import { Places } from "./places.ts";
import { type ChooseParts, splitReduce } from "./split.ts";
import { type Ref, type StepSpec, type Steps, stepsOf } from "./step.ts";
import type { Target } from "./target.ts";
import { workOf } from "./work.ts";

export type { Plan } from "./data.ts";
export type { GroupWork } from "./lower.ts";

export interface PlanOptions {
  readonly target: Target;
  readonly functions: Functions;
  /** A schedule to use for a group instead of the model's choice; `key` tells groups of different work apart. */
  readonly schedule?: (key: string) => Schedule | undefined;
  /** In how many parts to do long reductions, instead of the planner's guess. */
  readonly parts?: ChooseParts;
  /** Kernels that walk are tried too. They come apart: only plans for a CPU have them. */
  readonly walks?: Walks;
  /** Is shown each group that has a schedule. */
  readonly visit?: (group: GroupWork) => void;
  /** Compute nothing again that can be kept: checkpoints are without effect. */
  readonly keep?: boolean;
}

/** Multiply-adds up to which a group is small: its dispatch would cost more than its work. */
const smallWork = 1 << 18;

/** All that a traced function computes. */
export const outputsOf = ({ carry, outputs }: Trace): Tensor[] => [
  ...carry.map((c) => c.output),
  ...outputs.map((o) => o.value),
];

/** Plans a traced function for a target. `apart` numbers steps that get a kernel of their own: it makes room in one that would bind too
 *  many buffers. */
export function makePlan(trace: Trace, options: PlanOptions, apart: ReadonlySet<number> = new Set()): Plan {
  const { target } = options;
  const outputs = outputsOf(trace);
  const sources = trace.inputs.map((i) => i.value);
  const expand = (list: Steps, spec: StepSpec) => {
    const { absorb } = spec.kernel as Partial<CustomKernel>;
    const absorbed = absorb?.(spec, target);
    return absorbed ? list.add(absorbed) : splitReduce(list, spec, target, options.parts);
  };
  const { steps, refOf } = stepsOf(outputs, sources, expand, options.keep);

  const places = new Places(trace, refOf, steps);
  const buffers = { max: target.maxBuffers, of: (ref: Ref) => places.bufferOf(ref) };
  const groups = fuse(steps, [...places.written.keys()], buffers, apart);
  const link = new Link(groups, places);
  link.settleCarry(steps);
  const moved = groups
    .filter((g) => link.countBuffers([g]) > target.maxBuffers)
    .flatMap((g) => stepToMove(g, link.stored)?.id ?? [])
    .filter((id) => !apart.has(id));
  if (moved.length > 0) return makePlan(trace, options, new Set([...apart, ...moved]));

  const small = (g: Group) => g.core?.kernel.kind !== "custom" && workOf(g) <= smallWork;
  pack(groups, link.precedence, small, (bundle) => link.countBuffers(bundle) <= target.maxBuffers);
  const dispatches = link.precedence.sorted().flatMap((bundle) => lowerBundle(bundle, link, steps, options));
  const { inputs, carry } = places;
  const plan: Plan = { dispatches, ...placeTemporaries(dispatches, places), inputs, carry, outputs: places.outputs };
  const recomputes = !options.keep && toposort(outputs).some(({ op }) => op.identity === "again");
  if (!recomputes) return plan;
  const { visit: _, ...rest } = options;
  return { ...plan, kept: () => makePlan(trace, { ...rest, keep: true }) };
}
