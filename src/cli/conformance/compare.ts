// Whether a value is as wanted: |got − want| ≤ atol + rtol·|want| at every element, and for tensors that are not near zero
// ‖got − want‖ ≤ l2·‖want‖. Errors are multiples of what is tolerated.
import type { NdArray } from "../../shape/ndarray.ts";
import { printType, sameType, strides } from "../../shape/types.ts";
import { Mismatch } from "./case.ts";

export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
  /** Of the relative L2 error of a whole tensor whose norm is over 1e-3. Left out: not judged. */
  readonly l2?: number;
}

export interface Wanted {
  readonly what: string;
  readonly array: NdArray;
  readonly tolerance: Tolerance;
}

/** The error of the worst element, and of the tensor. Throws Mismatch if it is over 1. */
export function compare(got: NdArray, { what, array: want, tolerance }: Wanted): number {
  if (!sameType(got, want))
    throw new Mismatch(`${what} is ${printType(got)}, wanted ${printType(want)}`, Number.POSITIVE_INFINITY);
  let worst = 0;
  let at = 0;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < want.data.length; i++) {
    const [g, w] = [got.data[i] as number, want.data[i] as number];
    if (Number.isFinite(w)) norm += w * w;
    if (Object.is(g, w) || g === w) continue;
    const error = Math.abs(g - w) / (tolerance.atol + tolerance.rtol * Math.abs(w));
    // a NaN or infinity on one side only is wrong whatever the tolerance
    const size = Number.isFinite(g) && Number.isFinite(w) ? error : Number.POSITIVE_INFINITY;
    if (size > worst) [worst, at] = [size, i];
    difference += (g - w) ** 2;
  }
  if (worst > 1) throw new Mismatch(`${what} ${around(got, want, at)}`, worst);
  if (tolerance.l2 === undefined || Math.sqrt(norm) <= 1e-3) return worst;
  const relative = Math.sqrt(difference / norm);
  const l2 = relative / tolerance.l2;
  if (l2 > 1) throw new Mismatch(`${what} has relative L2 error ${relative.toExponential(2)}`, l2);
  return Math.max(worst, l2);
}

/** `at [2,3]: got 1.5 2.5 3.5, want 1.5 2.4 3.5`: the worst element between its neighbours. */
function around(got: NdArray, want: NdArray, at: number): string {
  const index = strides(want.shape).map((s, d) => Math.floor(at / s) % (want.shape[d] as number));
  const from = Math.max(0, at - 1);
  const text = (x: NdArray) => [...x.data.slice(from, at + 2)].map((v) => Number(v.toPrecision(7))).join(" ");
  return `at [${index}]: got ${text(got)}, want ${text(want)}`;
}
