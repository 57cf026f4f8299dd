// Access: how a step reads its inputs, found by running its kernel description on symbolic indices. From that the planner tells what
// may be fused, without knowing any op.
import { flatten, Index } from "../graph/affine.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import { numel, strides } from "../shape/types.ts";
import type { Step } from "./step.ts";

interface Read {
  readonly at: readonly Index[];
  readonly conditional: boolean;
}

export interface Access {
  /** For each input, its reads for one element of the output (and of the reduction). */
  readonly reads: readonly (readonly Read[])[];
  /** Elements of the reduction, 1 for a map. */
  readonly extent: number;
  readonly factors: number;
}

/** A kernel and what it is applied to: a step, or a node of a graph. */
type Applied = Pick<Step, "kernel" | "ctx">;

const known = new WeakMap<Applied, Access>();

export function accessOf(step: Applied): Access {
  let access = known.get(step);
  if (!access) known.set(step, (access = probe(step)));
  return access;
}

const coordinates = (prefix: string, shape: readonly number[]) =>
  shape.map((n, d) => Index.atom(`${prefix}${d}`, 0, n - 1));

function probe({ kernel, ctx }: Applied): Access {
  const reads: Read[][] = ctx.inputs.map(() => []);
  if (kernel.kind !== "map" && kernel.kind !== "reduce") return { reads, extent: 1, factors: 0 };
  const inside = (i: Index, n: number) => (i.min >= 0 && i.max < n ? "true" : i.max < 0 || i.min >= n ? "false" : "c");
  let dynamic = 0;
  const lower: Lower = {
    read: (k, at) => {
      reads[k]?.push({ at, conditional: false });
      return "x";
    },
    readOr: (k, at, otherwise, where = "true") => {
      const checks = [where, ...at.map((i, d) => inside(i, ctx.inputs[k]?.shape[d] as number))];
      if (checks.includes("false")) return otherwise;
      reads[k]?.push({ at, conditional: checks.some((c) => c !== "true") });
      return "x";
    },
    inside,
    multiple: (i, by) => (i.mod(by).terms.length === 0 ? String(i.mod(by).constant === 0) : "c"),
    // a name, as in a kernel: expressions built on expressions would grow without bound
    let: (e) => (e === "true" || e === "false" ? e : "v"),
    text: () => "i",
    index: (_, extent) => Index.atom(`dynamic${dynamic++}`, 0, extent - 1),
  };
  const at = coordinates("o", ctx.outputs[0]?.shape as readonly number[]);
  if (kernel.kind === "map") {
    kernel.element(at, lower, ctx);
    return { reads, extent: 1, factors: 1 };
  }
  const extents = (kernel as ReduceKernel).extents(ctx);
  const factors = kernel.term(at, coordinates("r", extents), lower, ctx).length;
  return { reads, extent: numel(extents), factors };
}

/** The map reads input k once an element, at the same flat index: element for element. */
export function readsPointwise(step: Step, k: number): boolean {
  const input = step.ctx.inputs[k]?.shape as readonly number[];
  const output = step.ctx.outputs[0]?.shape as readonly number[];
  if (numel(input) !== numel(output)) return false;
  const flat = flatten(coordinates("o", output), strides(output)).key;
  return (accessOf(step).reads[k] as Read[]).every((r) => !r.conditional && flatten(r.at, strides(input)).key === flat);
}

/** The map reads input k in windows that do not overlap: dimension d at c·o_d + j with 0 ≤ j < c. */
export function readsWindows(step: Step, k: number): boolean {
  const output = step.ctx.outputs[0]?.shape as readonly number[];
  const reads = accessOf(step).reads[k] as Read[];
  return (
    reads.length > 1 &&
    reads.every(
      ({ at, conditional }) =>
        !conditional &&
        at.length === output.length &&
        at.every((i, d) => {
          if (output[d] === 1 && i.terms.length === 0) return true;
          const [term, ...more] = i.terms;
          return (
            term !== undefined &&
            more.length === 0 &&
            term.atom.name === `o${d}` &&
            i.constant >= 0 &&
            i.constant < term.coef
          );
        }),
    )
  );
}

/** The step, whose output starts with `rows` dimensions, reads input k only in the row of the element that it computes: the first `rows`
 *  coordinates are the output's own. */
export function readsRows(step: Step, k: number, rows: readonly number[]): boolean {
  const starts = (shape: readonly number[]) => rows.every((n, d) => shape[d] === n);
  if (
    !starts(step.ctx.inputs[k]?.shape as readonly number[]) ||
    !starts(step.ctx.outputs[0]?.shape as readonly number[])
  )
    return false;
  const own = coordinates("o", step.ctx.outputs[0]?.shape as readonly number[]);
  return (accessOf(step).reads[k] as Read[]).every(
    (r) => !r.conditional && rows.every((_, d) => r.at[d]?.key === own[d]?.key),
  );
}
