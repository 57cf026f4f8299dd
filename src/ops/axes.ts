// What every reduction over axes shares. The reduced axes are dropped (keepDims is a reshape, in tensor.ts).
import type { Index } from "../graph/affine.ts";
import type { KernelContext, Lower } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { eachIndex, type NdArray } from "../shape/ndarray.ts";
import { printType, type Shape, strides, type TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** Axes are normalised: non-negative, sorted, distinct. */
export interface AxesParams {
  readonly axes: readonly number[];
}

/** The shape without the axes. Throws on a reduction over no element. */
export function keptShape(op: string, x: TensorType, axes: readonly number[]): number[] {
  if (axes.some((d) => x.shape[d] === 0))
    throw new ShapeError(
      `${op}: nothing to reduce over axes [${axes}] of ${printType(x)} (0 vs ≥ 1 elements); drop the empty input`,
    );
  return x.shape.filter((_, d) => !axes.includes(d));
}

/** A tensor of the kept shape, with the reduced axes back as 1s. */
export const restoreAxes = (y: Tensor, x: Tensor, axes: readonly number[]): Tensor =>
  y.reshape(x.shape.map((n, d) => (axes.includes(d) ? 1 : n)));

export const reducedExtents = ({ inputs: [x], params }: KernelContext<AxesParams>): number[] =>
  params.axes.map((d) => x!.shape[d]!);

/** The term of a reduction: the input's element with `r` along the reduced axes and `at` along the others. */
export function readReduced(
  at: readonly Index[],
  r: readonly Index[],
  lower: Lower,
  { inputs: [x], params: { axes } }: KernelContext<AxesParams>,
): string[] {
  let kept = 0;
  return [
    lower.read(
      0,
      x!.shape.map((_, d) => (axes.includes(d) ? r[axes.indexOf(d)]! : at[kept++]!)),
    ),
  ];
}

/** Calls `visit` for each element of the result with what it reduces, in row-major order. */
export function eachReduced(
  x: NdArray,
  axes: readonly number[],
  visit: (values: readonly number[], out: number) => void,
): void {
  const steps = strides(x.shape);
  const kept = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const sizes = (of: readonly number[]): Shape => of.map((d) => x.shape[d]!);
  const offset = (of: readonly number[], index: readonly number[]) =>
    of.reduce((sum, d, i) => sum + steps[d]! * index[i]!, 0);
  eachIndex(sizes(kept), (at, out) => {
    const from = offset(kept, at);
    const values: number[] = [];
    eachIndex(sizes(axes), (r) => values.push(x.data[from + offset(axes, r)]!));
    visit(values, out);
  });
}
