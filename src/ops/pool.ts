// What max and average pooling share (maxPool.ts, avgPool.ts). Images are NHWC. Sizes, ceilMode and dropped windows are PyTorch's.
import type { Index } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Lower } from "../graph/op.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import { printType, type Shape, type TensorType } from "../shape/types.ts";
import { type Pair, type Window, windowCount } from "../shape/window.ts";
import { requireDtype, requireRank } from "./define.ts";

export interface PoolParams extends Window {
  /** The last window may hang over the end, if it starts in the image or in the padding before it. */
  readonly ceilMode: boolean;
}

/** A pooling's gradient also needs [H, W] of the image. */
export interface PoolGradParams extends PoolParams {
  readonly size: Pair;
}

/** [N,H,W,C] → [N,Ho,Wo,C] */
export function pooledShape(op: string, x: TensorType, p: PoolParams): number[] {
  requireDtype(op, "x", x, "f32");
  requireRank(op, "x", x, 4);
  for (const d of [0, 1] as const)
    if (p.padding[d].some((n) => n >= p.kernel[d]))
      throw new ValueError(
        `${op}: padding must be smaller than the window, or a window would be empty ([${p.padding[d]}] vs ${p.kernel[d]}); pad less`,
      );
  const [n, h, w, c] = x.shape as [number, number, number, number];
  return [n, ...windowCount(op, [h, w], p, p.ceilMode), c];
}

/** [N,Ho,Wo,C] → [N,H,W,C] */
export function unpooledShape(op: string, y: TensorType, p: PoolGradParams): number[] {
  requireRank(op, "the pooled tensor", y, 4);
  const [n, ho, wo, c] = y.shape as [number, number, number, number];
  const wanted = windowCount(op, p.size, p, p.ceilMode);
  if (ho !== wanted[0] || wo !== wanted[1])
    throw new ShapeError(
      `${op}: ${printType(y)} is not a pooling of an image of ${p.size} ([${ho},${wo}] vs [${wanted}]); check kernel, stride and padding`,
    );
  return [n, ...p.size, c];
}

/** The taps of window (ho, wo): position within the window, and the cell (h, w), which may lie outside the image. */
export function eachTap<I>(p: PoolParams, visit: (position: number, i: number, j: number) => I): I[] {
  const out: I[] = [];
  for (let i = 0; i < p.kernel[0]; i++)
    for (let j = 0; j < p.kernel[1]; j++) out.push(visit(i * p.kernel[1] + j, i, j));
  return out;
}

/** The cell that tap `i` of window `o` reads. */
export const cell = (d: 0 | 1, o: Index, i: Index | number, p: PoolParams): Index =>
  o.mul(p.stride[d]).sub(p.padding[d][0]).add(i);

/** A window that covers a cell, and where in it the cell lies. */
export interface Cover {
  readonly at: readonly Index[];
  /** Row-major position within the window, where `inside`. */
  readonly position: Index;
  /** A condition: the window reaches the cell. (That it exists is left to readOr.) */
  readonly inside: string;
}

/** The ⌈k/s⌉² windows that may cover cell [n,h,w,c]. With q = ⌊(h + p)/s⌋ and r = (h + p) mod s, window q − t has the cell at
 *  r + s·t, if that is < k. When k = s it is one, and nothing is to check. */
export function covers([n, h, w, c]: readonly Index[], lower: Lower, p: PoolParams): Cover[] {
  const along = (d: 0 | 1, x: Index) => {
    const y = x.add(p.padding[d][0]);
    return Array.from({ length: Math.ceil(p.kernel[d] / p.stride[d]) }, (_, t) => ({
      window: y.div(p.stride[d]).sub(t),
      offset: y.mod(p.stride[d]).add(p.stride[d] * t),
    }));
  };
  return along(0, h!).flatMap((row) =>
    along(1, w!).map((column) => ({
      at: [n!, row.window, column.window, c!],
      position: row.offset.mul(p.kernel[1]).add(column.offset),
      inside: allOf(lower.inside(row.offset, p.kernel[0]), lower.inside(column.offset, p.kernel[1])),
    })),
  );
}

/** Flat index of the cell of tap (i, j) of output `index`, or -1 outside the image. For the references. */
export function cellOf(index: readonly number[], i: number, j: number, image: Shape, p: PoolParams): number {
  const [n, ho, wo, c] = index as [number, number, number, number];
  const h = ho * p.stride[0] - p.padding[0][0] + i;
  const w = wo * p.stride[1] - p.padding[1][0] + j;
  if (h < 0 || h >= image[1]! || w < 0 || w >= image[2]!) return -1;
  return ((n * image[1]! + h) * image[2]! + w) * image[3]! + c;
}
