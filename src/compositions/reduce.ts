// Mean and variance: compositions of sum.
import { normaliseAxes } from "../shape/broadcast.ts";
import { ValueError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** An axis, several, or all (undefined). Negative ones count from the end. */
export type Axes = number | readonly number[] | undefined;

/** How many elements a reduction over `axes` takes. */
export const reducedCount = (op: string, x: Tensor, axes: Axes): number =>
  normaliseAxes(op, axes, x.rank).reduce((n, d) => n * x.shape[d]!, 1);

export function mean(x: Tensor, axes: Axes, keepDims: boolean): Tensor {
  return x.sum(axes, keepDims).mul(1 / reducedCount("mean", x, axes));
}

/** Σ (x − mean)² / (n − correction), in two passes: stable where the mean is large. */
export function variance(x: Tensor, axes: Axes, keepDims: boolean, correction: number): Tensor {
  const n = reducedCount("variance", x, axes);
  if (n <= correction)
    throw new ValueError(
      `variance: too few values for the correction, ${printType(x.type)} (${n} vs > ${correction}); use correction 0`,
    );
  return x
    .sub(x.mean(axes, true))
    .square()
    .sum(axes, keepDims)
    .mul(1 / (n - correction));
}
