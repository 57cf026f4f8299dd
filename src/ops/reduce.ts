// Reductions over any axes; the axes are dropped (keepDims is a reshape, in tensor.ts).
import type { Index } from "../graph/affine.ts";
import type { Combine, Op } from "../graph/op.ts";
import { allocate, eachIndex } from "../shape/ndarray.ts";
import { numel, strides } from "../shape/types.ts";
import { requireDtype } from "./define.ts";

/** Axes are normalised: non-negative, sorted, distinct. */
export interface ReduceParams {
  readonly axes: readonly number[];
}

function reduction(name: string, combine: Combine, start: number, step: (acc: number, x: number) => number, gradient: Op<ReduceParams>["gradient"]): Op<ReduceParams> {
  return {
    name,
    type([x], { axes }) {
      requireDtype(name, "input", x!, "f32", "i32", "u32");
      return [{ dtype: x!.dtype, shape: x!.shape.filter((_, d) => !axes.includes(d)) }];
    },
    reference([x], { axes }, [type]) {
      const data = allocate(type!.dtype, numel(type!.shape)).fill(start);
      const kept = x!.shape.map((_, d) => d).filter((d) => !axes.includes(d));
      const step1 = strides(type!.shape);
      eachIndex(x!.shape, (index, flat) => {
        const o = kept.reduce((sum, d, i) => sum + index[d]! * step1[i]!, 0);
        data[o] = step(data[o]!, x!.data[flat]!);
      });
      return [{ dtype: type!.dtype, shape: type!.shape, data }];
    },
    kernel: {
      kind: "reduce",
      combine,
      extents: ({ inputs: [x], params }) => params.axes.map((d) => x!.shape[d]!),
      term: (at, r, lower, { inputs: [x], params }) => [lower.read(0, interleave(x!.shape.length, params.axes, r, at))],
    },
    gradient,
  };
}

/** The input index: `r` along the reduced axes, `at` along the others. */
function interleave(rank: number, axes: readonly number[], r: readonly Index[], at: readonly Index[]): Index[] {
  let kept = 0;
  return Array.from({ length: rank }, (_, d) => (axes.includes(d) ? r[axes.indexOf(d)]! : at[kept++]!));
}

/** d of the reduced shape, with the axes back as 1s, broadcast to the input. */
export const sum = reduction("sum", "sum", 0, (a, x) => a + x, ([d], { inputs: [x], params: { axes } }) => [
  d!.reshape(x!.shape.map((n, i) => (axes.includes(i) ? 1 : n))).broadcastTo(x!.shape),
]);
