// Products of vectors.
import { requireRank } from "../ops/define.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** y[i,j] = a[i]·b[j]: [m], [n] → [m, n] */
export function outer(a: Tensor, b: Tensor): Tensor {
  requireRank("outer", "a", a.type, 1);
  requireRank("outer", "b", b.type, 1);
  return a.reshape([a.shape[0]!, 1]).mul(b);
}

/** Σ a[i]·b[i]: [n], [n] → [] */
export function dot(a: Tensor, b: Tensor): Tensor {
  requireRank("dot", "a", a.type, 1);
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(
      `dot: lengths differ, ${printType(a.type)} and ${printType(b.type)} ([${a.shape}] vs [${b.shape}]); give equal ones`,
    );
  return a.mul(b).sum();
}
