// Split: a long reduction with few outputs leaves most of the device idle, so it is cut into parts: one step computes partial results
// [parts, …], a second combines them. Both are ordinary steps, so that fusion and tiling see nothing special. The order of summation is
// fixed: results repeat to the bit.
import { Index } from "../graph/affine.ts";
import type { Combine, KernelContext, ReduceKernel } from "../graph/op.ts";
import { type NdArray, ndarray } from "../shape/ndarray.ts";
import { numel, type TensorType } from "../shape/types.ts";
import { accessOf } from "./access.ts";
import type { Ref, Step, StepSpec, Steps } from "./step.ts";
import type { Target } from "./target.ts";

/** Least terms worth a part of their own. */
const leastPart = 64;
/** Longest dimension that a lane owns whole. */
const longestWhole = 32;

/** Reductions that can be split, by how two partial results join. */
const joins: Partial<Record<Combine, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

/** A reduction that may be split, and in how many parts it is by guess; 1: it is not. */
export interface Split {
  readonly spec: StepSpec;
  readonly extents: readonly number[];
  readonly guess: number;
}

/** How many parts, in the place of the guess. `key` tells apart what differs in size. */
export type ChooseParts = (key: string, split: Split) => number | undefined;

/** Adds a reduction in two steps if it should be split; null if not. */
export function splitReduce(steps: Steps, spec: StepSpec, target: Target, choose?: ChooseParts): Step | null {
  const { name, kernel, inputs, params, outputs, reference } = spec;
  const joined = kernel.kind === "reduce" && joins[kernel.combine];
  if (!joined) return null;
  const type = outputs[0] as TensorType;
  const ctx: KernelContext = { inputs: inputs.map((r) => r.type), outputs, params };
  const split = ridingParts(kernel, ctx, inputs, target) ?? equalParts(kernel, ctx, target, spec, choose);
  if (!split) return null;
  const { lead, ...first } = split;
  const partial: TensorType = { dtype: type.dtype, shape: [...lead, ...type.shape] };
  const n = numel(type.shape);
  const join = ({ data }: NdArray) =>
    ndarray(type, (i) => Array.from({ length: numel(lead) }, (_, k) => data[k * n + i] as number).reduce(joined));
  const parts = steps.add({
    ...{ ...spec, ...first, name: `${name}.parts`, outputs: [partial], join },
    // the whole in the first part, and in the others what changes nothing
    reference: (values) => {
      const { data } = reference(values)[0] as NdArray;
      return [ndarray(partial, (i) => (i < n || kernel.combine !== "sum" ? (data[i % n] as number) : 0))];
    },
  });
  const combine: ReduceKernel = {
    kind: "reduce",
    combine: kernel.combine,
    extents: () => lead,
    term: (at, r, lower) => [lower.read(0, [...r, ...at])],
  };
  const refs = [steps.ref(parts)];
  return steps.add({ ...spec, kernel: combine, inputs: refs, reference: ([x]) => [join(x as NdArray)] });
}

/** The first of two steps: partial results [lead, …]. */
interface Parts {
  readonly lead: readonly number[];
  readonly kernel: ReduceKernel;
  readonly along?: number;
}

/** Of a sum along the first dimensions of what a kernel computes, such as a bias's gradient: along the last of them, which that kernel does in
 *  passing (fuse.ts), if lanes that own it whole keep the device busy. */
function ridingParts(kernel: ReduceKernel, ctx: KernelContext, [terms]: readonly Ref[], target: Target): Parts | null {
  const { step, type } = terms as Ref;
  const lead = [...kernel.extents(ctx)];
  const n = lead.pop() as number;
  const along = lead.length;
  const { reads, factors } = accessOf({ kernel, ctx });
  const leading = factors === 1 && reads[0]?.[0]?.at[along]?.key === Index.atom(`r${along}`, 0, n - 1).key;
  const computed = [step, ...step.inputs.map((r) => r.step)].some((s) => s.kernel.kind === "reduce");
  const busy = numel(type.shape) / n >= 8 * target.lanes;
  if (kernel.combine !== "sum" || !leading || !computed || !busy || along === 0 || n > longestWhole) return null;
  const term: ReduceKernel["term"] = (at, r, lower) =>
    kernel.term(at.slice(along), [...at.slice(0, along), ...r], lower, ctx);
  return { lead, along, kernel: { ...kernel, extents: () => [n], term } };
}

/** Of any reduction: an axis in equal parts. */
function equalParts(
  kernel: ReduceKernel,
  ctx: KernelContext,
  target: Target,
  spec: StepSpec,
  choose?: ChooseParts,
): Parts | null {
  const extents = kernel.extents(ctx);
  // a guess, ahead of scheduling, at the outputs that one lane makes
  const lanes = Math.ceil(numel(ctx.outputs[0]?.shape as number[]) / (target.maxAccumulators / 2));
  const wanted = Math.min(Math.floor(target.lanes / lanes), Math.floor(numel(extents) / leastPart));
  if (wanted < 2) return null;
  const guess = cutOf(extents, wanted);
  const key = `parts of ${spec.name} [${ctx.outputs[0]!.shape}] over [${extents}] of [${ctx.inputs.map((t) => t.shape).join("], [")}]`;
  const chosen = choose?.(key, { spec, extents, guess: guess?.parts ?? 1 });
  const cut = chosen ? cutOf(extents, chosen) : guess;
  if (!cut) return null;
  const { axis, parts } = cut;
  const size = (extents[axis] as number) / parts;
  const term: ReduceKernel["term"] = ([part, ...at], r, lower) =>
    kernel.term(at, r.with(axis, (part as Index).mul(size).add(r[axis] as Index)), lower, ctx);
  return { lead: [parts], kernel: { ...kernel, extents: () => extents.with(axis, size), term } };
}

interface Cut {
  readonly axis: number;
  readonly parts: number;
}

/** The axis to cut and into how many equal parts: as near to `wanted` as divisors allow, the outermost axis first; null if into one. */
export function cutOf(extents: readonly number[], wanted: number): Cut | null {
  let best: Cut | null = null;
  extents.forEach((n, axis) => {
    for (let parts = Math.min(n, wanted); parts > 1; parts--)
      if (n % parts === 0) {
        if (!best || parts > 1.5 * best.parts) best = { axis, parts };
        return;
      }
  });
  return best;
}
