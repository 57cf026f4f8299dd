// Work: what a group computes, how much it is and how many bytes it needs at least.
import { flatten } from "../graph/affine.ts";
import { numel, strides, type TensorType } from "../shape/types.ts";
import { accessOf } from "./access.ts";
import type { Dispatch, Loaded } from "./data.ts";
import type { Group } from "./fuse.ts";
import type { Link } from "./link.ts";
import type { Ref, Step } from "./step.ts";
import { isView } from "./uses.ts";

/** What a group computes, sizes included, and where it reads what others make: groups of equal keys take equal schedules. */
export function keyOf(g: Group): string {
  const extents = g.core?.kernel.kind === "reduce" ? g.core.kernel.extents(g.core.ctx) : [];
  const reads = new Set([...g.members].flatMap((step) => readsOf(step, g)));
  return `${g.label} [${g.domain}] over [${extents}] of ${[...reads].join(", ")}`;
}

/** Flat indices at which a step reads what the group does not make; of what a view gives, with where the view takes it from. */
const readsOf = (step: Step, g: Group): string[] =>
  step.inputs.flatMap(({ step: from, type }, k) => {
    if (g.members.has(from)) return [];
    const source = isView(from) ? ` (${readsOf(from, g)})` : "";
    return accessOf(step).reads[k]!.map(({ at }) => flatten(at, strides(type.shape)).text((a) => a.name) + source);
  });

/** Multiply-adds of a group: outputs × terms. */
export const workOf = (g: Group) => {
  const access = g.core ? accessOf(g.core) : { extent: 1 };
  const shape = (g.core ?? ([...g.members][0] as { ctx: { outputs: readonly TensorType[] } })).ctx.outputs[0]
    ?.shape as readonly number[];
  return numel(shape) * access.extent;
};

/** Bytes of a value as the planner stores it. */
export const bytesOf = (ref: Ref): number => 4 * numel(ref.type.shape);

/** What a group reads, each value once. Of what is read at indices known only at run time (a batch of a data set), as many elements count as
 *  there are reads. */
export function loadsOf(g: Group, link: Link): Loaded[] {
  const reads = new Map<Ref, number>();
  const seen = new Set<Step>();
  const visit = (step: Step) => {
    if (seen.has(step)) return;
    seen.add(step);
    const access = accessOf(step);
    const elements = numel(step.ctx.outputs[0]?.shape as readonly number[]) * access.extent;
    step.inputs.forEach((ref, k) => {
      if (link.loadsOf(g).has(ref)) reads.set(ref, (reads.get(ref) ?? 0) + elements * (access.reads[k]?.length ?? 1));
      else visit(ref.step);
    });
  };
  for (const step of g.members) visit(step);
  return [...reads].map(([ref, n]) => ({
    ref,
    bytes: (link.placeOf(ref).packed ? 1 : 4) * Math.min(n, numel(ref.type.shape)),
  }));
}

/** The least that is moved if each value is read once, as much of it as is needed, and written once: of all values, those that dispatches hand on
 *  among them; and of the `ends` alone (inputs, constants, outputs, carried values), as if all between stayed in registers. */
export function leastBytes(dispatches: readonly Dispatch[]): { readonly all: number; readonly ends: number } {
  const read = new Map<Ref, number>();
  for (const { ref, bytes } of dispatches.flatMap((d) => d.loads)) read.set(ref, Math.max(read.get(ref) ?? 0, bytes));
  const values = [
    ...[...read].map(([{ step }, bytes]) => ({ end: step.kernel.kind === "source", bytes })),
    ...dispatches
      .flatMap((d) => d.stores)
      .map(({ ref, place }) => ({ end: place.buffer.kind !== "temporary", bytes: bytesOf(ref) })),
  ];
  const sum = (some: typeof values) => some.reduce((n, { bytes }) => n + bytes, 0);
  return { all: sum(values), ends: sum(values.filter(({ end }) => end)) };
}
