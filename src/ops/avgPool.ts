// Average pooling and its gradient, each the transpose of the other:
//
//   avgPool2d      y[o] = Σ over the taps in the image x[cell(o, t)] / count(o)
//   avgPool2dGrad  dx[h] = Σ over the windows o that cover h: dy[o] / count(o)
//
// count(o) is the cells of the window that lie in the image, with countIncludePad those in the padded image; never those beyond.
import type { Index } from "../graph/affine.ts";
import type { Lower, Op } from "../graph/op.ts";
import { allocate, eachIndex } from "../shape/ndarray.ts";
import { numel } from "../shape/types.ts";
import { type Pair, windowCount } from "../shape/window.ts";
import { literal, requireDtype } from "./define.ts";
import { cell, cellOf, covers, eachTap, type PoolParams, pooledShape, unpooledShape } from "./pool.ts";

export interface AvgParams extends PoolParams {
  readonly countIncludePad: boolean;
}

export interface AvgGradParams extends AvgParams {
  /** [H, W] of the image. */
  readonly size: Pair;
}

/** The first cell and the end of those that count, along an axis. */
const bounds = (d: 0 | 1, size: Pair, p: AvgParams): Pair =>
  p.countIncludePad ? [-p.padding[d][0], size[d] + p.padding[d][1]] : [0, size[d]];

function countAlong(d: 0 | 1, o: number, size: Pair, p: AvgParams): number {
  const [lo, hi] = bounds(d, size, p);
  const from = o * p.stride[d] - p.padding[d][0];
  return Math.min(from + p.kernel[d], hi) - Math.max(from, lo);
}

const count = ([, ho, wo]: readonly number[], size: Pair, p: AvgParams): number =>
  countAlong(0, ho!, size, p) * countAlong(1, wo!, size, p);

/** `value` divided by the count of window `at`: a literal factor where all windows are whole. */
function divided(value: string, at: readonly Index[], size: Pair, lower: Lower, p: AvgParams): string {
  const windows = windowCount("avgPool2d", size, p, p.ceilMode);
  const whole = ([0, 1] as const).map((d) =>
    Array.from({ length: windows[d] }, (_, o) => countAlong(d, o, size, p)).every((n) => n === p.kernel[d]),
  );
  if (whole[0] && whole[1]) return `(${value} * ${literal(1 / (p.kernel[0] * p.kernel[1]))})`;
  const factor = (d: 0 | 1): string => {
    if (whole[d]) return String(p.kernel[d]);
    const [lo, hi] = bounds(d, size, p);
    const from = cell(d, at[d + 1]!, 0, p);
    return `(min(${lower.text(from.add(p.kernel[d]))}, ${hi}) - max(${lower.text(from)}, ${lo}))`;
  };
  // at least 1, for a window that does not exist (whose value is 0)
  return `(${value} / f32(max(${factor(0)} * ${factor(1)}, 1)))`;
}

/** x [N,H,W,C] → [N,Ho,Wo,C] */
export const avgPool2d: Op<AvgParams> = {
  name: "avgPool2d",
  type: ([x], p) => [{ dtype: "f32", shape: pooledShape("avgPool2d", x!, p) }],
  reference([x], p, [type]) {
    const data = allocate("f32", numel(type!.shape));
    eachIndex(type!.shape, (index, flat) => {
      eachTap(p, (_, i, j) => {
        const from = cellOf(index, i, j, x!.shape, p);
        if (from >= 0) data[flat]! += x!.data[from]!;
      });
      data[flat]! /= count(index, [x!.shape[1]!, x!.shape[2]!], p);
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 4,
    element(at, lower, { inputs: [x], params: p }) {
      const [n, ho, wo, c] = at;
      const taps = eachTap(p, (_, i, j) => lower.readOr(0, [n!, cell(0, ho!, i, p), cell(1, wo!, j, p), c!], "0.0f"));
      return [divided(`(${taps.join(" + ")})`, at, [x!.shape[1]!, x!.shape[2]!], lower, p)];
    },
  },
  gradient: ([d], { inputs: [x], params, apply }) =>
    apply(avgPool2dGrad, [d!], { ...params, size: [x!.shape[1]!, x!.shape[2]!] }),
};

/** dy [N,Ho,Wo,C] → [N,H,W,C], the image's [H, W] being `size` */
export const avgPool2dGrad: Op<AvgGradParams> = {
  name: "avgPool2dGrad",
  type([dy], p) {
    requireDtype("avgPool2dGrad", "dy", dy!, "f32");
    return [{ dtype: "f32", shape: unpooledShape("avgPool2dGrad", dy!, p) }];
  },
  reference([dy], p, [type]) {
    const data = allocate("f32", numel(type!.shape));
    eachIndex(dy!.shape, (index, flat) => {
      const share = dy!.data[flat]! / count(index, p.size, p);
      eachTap(p, (_, i, j) => {
        const to = cellOf(index, i, j, type!.shape, p);
        if (to >= 0) data[to]! += share;
      });
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 2,
    element(at, lower, { params: p }) {
      const terms = covers(at, lower, p).map((o) =>
        divided(lower.readOr(0, o.at, "0.0f", o.inside), o.at, p.size, lower, p),
      );
      return [`(${terms.join(" + ")})`];
    },
  },
  gradient: ([d], { params }) => [d!.avgPool2d(params.kernel, params)],
};
