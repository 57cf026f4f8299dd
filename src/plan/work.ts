// Work: what a group computes, how much it is and how many bytes it needs at least.
import { numel, type TensorType } from "../shape/types.ts";
import { accessOf } from "./access.ts";
import type { Group } from "./fuse.ts";

/** What a group computes, sizes included: groups of equal keys take equal schedules. */
export function keyOf(g: Group): string {
  const extents = g.core?.kernel.kind === "reduce" ? g.core.kernel.extents(g.core.ctx) : [];
  return `${g.label} [${g.domain}] over [${extents}]`;
}

/** Multiply-adds of a group: outputs × terms. */
export const workOf = (g: Group) => {
  const access = g.core ? accessOf(g.core) : { extent: 1 };
  const shape = (g.core ?? ([...g.members][0] as { ctx: { outputs: readonly TensorType[] } })).ctx.outputs[0]
    ?.shape as readonly number[];
  return numel(shape) * access.extent;
};
