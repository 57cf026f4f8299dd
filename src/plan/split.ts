// Split: a long reduction with few outputs leaves most of the device idle, so it is cut into parts: one step computes partial results
// [parts, …], a second combines them. Both are ordinary steps, so that fusion and tiling see nothing special. The order of summation is
// fixed: results repeat to the bit.
import type { Index } from "../graph/affine.ts";
import type { Combine, KernelContext, ReduceKernel } from "../graph/op.ts";
import { type NdArray, ndarray } from "../shape/ndarray.ts";
import { numel, type TensorType } from "../shape/types.ts";
import type { Step, StepSpec, Steps } from "./step.ts";
import type { Target } from "./target.ts";

/** Least terms worth a part of their own. */
const leastPart = 64;

/** Reductions that can be split, by how two partial results join. */
const joins: Partial<Record<Combine, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
};

/** Adds a reduction in two steps if it should be split; null if not. */
export function splitReduce(steps: Steps, spec: StepSpec, target: Target): Step | null {
  const { name, kernel, inputs, params, outputs, reference } = spec;
  const joined = kernel.kind === "reduce" && joins[kernel.combine];
  if (!joined) return null;
  const type = outputs[0] as TensorType;
  const ctx: KernelContext = { inputs: inputs.map((r) => r.type), outputs, params };
  const extents = kernel.extents(ctx);
  // a guess, ahead of scheduling, at the outputs that one lane makes
  const lanes = Math.ceil(numel(type.shape) / (target.maxAccumulators / 2));
  const wanted = Math.min(Math.floor(target.lanes / lanes), Math.floor(numel(extents) / leastPart));
  if (wanted < 2) return null;
  const cut = cutOf(extents, wanted);
  if (cut === null) return null;
  const partial: TensorType = { dtype: type.dtype, shape: [cut.parts, ...type.shape] };
  const n = numel(type.shape);
  const join = ({ data }: NdArray) =>
    ndarray(type, (i) => Array.from({ length: cut.parts }, (_, k) => data[k * n + i] as number).reduce(joined));
  const parts = steps.add({
    ...{ ...spec, name: `${name}.parts`, kernel: partKernel(kernel, ctx, extents, cut), outputs: [partial], join },
    // the whole in the first part, and in the others what changes nothing
    reference: (values) => {
      const { data } = reference(values)[0] as NdArray;
      return [ndarray(partial, (i) => (i < n || kernel.combine !== "sum" ? (data[i % n] as number) : 0))];
    },
  });
  const combine: ReduceKernel = {
    kind: "reduce",
    combine: kernel.combine,
    extents: () => [cut.parts],
    term: (at, r, lower) => [lower.read(0, [r[0] as Index, ...at])],
  };
  const refs = [steps.ref(parts)];
  return steps.add({ ...spec, kernel: combine, inputs: refs, reference: ([x]) => [join(x as NdArray)] });
}

interface Cut {
  readonly axis: number;
  readonly parts: number;
}

/** The axis to cut and into how many equal parts: as near to `wanted` as divisors allow, the outermost axis first. */
function cutOf(extents: readonly number[], wanted: number): Cut | null {
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

function partKernel(
  kernel: ReduceKernel,
  whole: KernelContext,
  extents: readonly number[],
  { axis, parts }: Cut,
): ReduceKernel {
  const size = (extents[axis] as number) / parts;
  return {
    kind: "reduce",
    combine: kernel.combine,
    extents: () => extents.map((n, d) => (d === axis ? size : n)),
    term: ([part, ...at], r, lower) =>
      kernel.term(
        at,
        r.map((i, d) => (d === axis ? (part as Index).mul(size).add(i) : i)),
        lower,
        whole,
      ),
  };
}
