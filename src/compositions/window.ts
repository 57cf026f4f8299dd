// The options of convolution and pooling, and what is made of them: conv1d, convTranspose2d.
import type { ConvParams } from "../ops/conv.ts";
import { requireRank } from "../ops/define.ts";
import type { PoolParams } from "../ops/pool.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import { type Padding, type Pair, resolveWindow, type WindowOptions } from "../shape/window.ts";
import type { Tensor } from "../tensor.ts";

/** Options of conv2d and its gradients. */
export interface ConvOptions extends WindowOptions {
  /** Channels and filters fall into so many groups that do not mix; C of them is a depthwise convolution. Default: 1. */
  readonly groups?: number;
}

/** Options of maxPool2d. */
export interface PoolOptions extends Omit<WindowOptions, "dilation"> {
  /** Default: the kernel. */
  readonly stride?: number | Pair;
  /** The last window may hang over the end. Default: false. */
  readonly ceilMode?: boolean;
}

/** Options of avgPool2d. */
export interface AvgPoolOptions extends PoolOptions {
  /** Cells of the padding count in the average, as zeros. Default: true. */
  readonly countIncludePad?: boolean;
}

/** [H, W] of an NHWC image. */
export function imageSize(op: string, x: Tensor): Pair {
  requireRank(op, "x [N,H,W,C]", x.type, 4);
  return [x.shape[1]!, x.shape[2]!];
}

/** [kh, kw] of an HWIO filter. */
export function kernelSize(op: string, w: Tensor): Pair {
  requireRank(op, "the filter [kh,kw,C/groups,K]", w.type, 4);
  return [w.shape[0]!, w.shape[1]!];
}

/** The axes of [N, …, C] between the first and the last. */
export function spatialAxes(op: string, x: Tensor): number[] {
  if (x.rank < 3)
    throw new ShapeError(`${op}: x must be [N, …, C] with a spatial axis, got ${printType(x.type)}; reshape it`);
  return x.shape.slice(1, -1).map((_, d) => d + 1);
}

export const convParams = (op: string, size: Pair, kernel: Pair, options: ConvOptions): ConvParams => ({
  ...resolveWindow(op, size, kernel, options),
  groups: options.groups ?? 1,
});

export const poolParams = (op: string, size: Pair, kernel: number | Pair, options: PoolOptions): PoolParams => {
  const { stride = kernel, padding = 0, ceilMode = false } = options;
  return { ...resolveWindow(op, size, kernel, { stride, padding }), ceilMode };
};

/** Options of conv1d. */
export interface Conv1dOptions {
  /** Default: 1. */
  readonly stride?: number;
  /** One number for both ends, or [before, after]: [k − 1, 0] is causal. */
  readonly padding?: number | Pair | "same" | "valid";
  /** Default: 1. */
  readonly dilation?: number;
  /** As of conv2d. Default: 1. */
  readonly groups?: number;
}

/** x [N,L,C], w [k,C/groups,K] → [N,Lo,K]: an image of height 1. */
export function conv1d(x: Tensor, w: Tensor, options: Conv1dOptions = {}): Tensor {
  requireRank("conv1d", "x [N,L,C]", x.type, 3);
  requireRank("conv1d", "the filter [k,C/groups,K]", w.type, 3);
  const { stride = 1, padding: p = 0, dilation = 1, groups = 1 } = options;
  const [n, length, c] = x.shape as readonly [number, number, number];
  const ends: Pair | undefined = typeof p === "string" ? undefined : typeof p === "number" ? [p, p] : p;
  const padding: Padding = ends ? [[0, 0], ends] : (p as "same" | "valid");
  const y = x
    .reshape([n, 1, length, c])
    .conv2d(w.reshape([1, ...w.shape]), { stride: [1, stride], padding, dilation: [1, dilation], groups });
  return y.reshape([n, y.shape[2]!, y.shape[3]!]);
}

/** Options of convTranspose2d. */
export interface ConvTransposeOptions extends ConvOptions {
  /** Rows and columns added at the end, of the sizes that the stride leaves open. Default: 0. */
  readonly outputPadding?: number | Pair;
}

/** x [N,H,W,K], w [kh,kw,C/groups,K] → [N,Ho,Wo,C] with Ho = (H − 1)·stride − padding + dilation·(kh − 1) + 1 + outputPadding:
 *  the input gradient of the convolution that takes [N,Ho,Wo,C] to [N,H,W,K], used forward. */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTransposeOptions = {}): Tensor {
  const op = "convTranspose2d";
  const size = imageSize(op, x);
  const { kernel, stride, dilation, padding } = resolveWindow(op, size, kernelSize(op, w), {
    ...options,
    padding: options.padding === "same" ? 0 : (options.padding ?? 0),
  });
  const { outputPadding: extra = 0 } = options;
  const along = (d: 0 | 1): number =>
    options.padding === "same"
      ? size[d] * stride[d]
      : (size[d] - 1) * stride[d] -
        padding[d][0] -
        padding[d][1] +
        dilation[d] * (kernel[d] - 1) +
        1 +
        (typeof extra === "number" ? extra : extra[d]);
  return x.conv2dInputGrad(w, [along(0), along(1)], options);
}
