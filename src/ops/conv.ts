// 2-D convolution (cross-correlation) and its two gradients: bilinear maps, each the gradient of the others, so that the three
// are closed under differentiation. With h = s·ho + d·i − p the row that tap i of output row ho reads (columns likewise):
//
//   conv2d            y[n,ho,wo,k]  = Σ i,j,c   x[n,h,w,c]·w[i,j,c,k]
//   conv2dInputGrad   dx[n,h,w,c]   = Σ i,j,k   dy[n,ho,wo,k]·w[i,j,c,k]
//   conv2dFilterGrad  dw[i,j,c,k]   = Σ n,ho,wo x[n,h,w,c]·dy[n,ho,wo,k]
//
// Images are NHWC, filters HWIO: [kh, kw, C/groups, K]; group g has the channels c ∈ g·C/groups + [0, C/groups) of x and
// k ∈ g·K/groups + [0, K/groups) of y. Arithmetic and sizes: Dumoulin and Visin, https://arxiv.org/abs/1603.07285.
import type { Index } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate, type NdArray } from "../shape/ndarray.ts";
import { numel, printType, type Shape, type TensorType } from "../shape/types.ts";
import { type Pair, type Window, windowCount } from "../shape/window.ts";
import { requireDtype, requireRank } from "./define.ts";

export interface ConvParams extends Window {
  readonly groups: number;
}

/** Calls `visit` for every multiply-add with the flat indices of its elements of x, w and y. Plain loops: whole training runs go through. */
function eachTap(x: Shape, w: Shape, y: Shape, p: ConvParams, visit: (x: number, w: number, y: number) => void): void {
  const [batch, height, width, channels] = x as [number, number, number, number];
  const [, rows, columns, filters] = y as [number, number, number, number];
  const [kh, kw, cg] = w as [number, number, number];
  const kg = filters / p.groups;
  for (let n = 0; n < batch; n++)
    for (let ho = 0; ho < rows; ho++)
      for (let wo = 0; wo < columns; wo++)
        for (let i = 0; i < kh; i++)
          for (let j = 0; j < kw; j++) {
            const h = ho * p.stride[0] + i * p.dilation[0] - p.padding[0][0];
            const v = wo * p.stride[1] + j * p.dilation[1] - p.padding[1][0];
            if (h < 0 || h >= height || v < 0 || v >= width) continue;
            const atX = ((n * height + h) * width + v) * channels;
            const atW = (i * kw + j) * cg * filters;
            const atY = ((n * rows + ho) * columns + wo) * filters;
            for (let k = 0; k < filters; k++) {
              const group = atX + Math.floor(k / kg) * cg;
              for (let c = 0; c < cg; c++) visit(group + c, atW + c * filters + k, atY + k);
            }
          }
}

const result = (type: TensorType, fill: (data: NdArray["data"]) => void): readonly NdArray[] => {
  const data = allocate("f32", numel(type.shape));
  fill(data);
  return [{ ...type, data }];
};

/** The row or column of the image that tap `i` of output `o` reads. */
const tap = (d: 0 | 1, o: Index, i: Index, p: ConvParams): Index =>
  o.mul(p.stride[d]).add(i.mul(p.dilation[d])).sub(p.padding[d][0]);

/** Channels of x and y agree with each other and the groups. */
function checkChannels(op: string, what: string, got: TensorType, channels: number, wanted: number): void {
  if (channels !== wanted)
    throw new ShapeError(
      `${op}: channels of ${what} do not fit the filter and groups, got ${printType(got)} (${channels} vs ${wanted}); filters are [kh,kw,C/groups,K]`,
    );
}

function checkSize(op: string, what: string, got: TensorType, wanted: Shape): void {
  if (wanted.some((n, i) => n !== got.shape[i + 1]))
    throw new ShapeError(
      `${op}: ${what} is not the output of such a convolution, got ${printType(got)} ([${got.shape.slice(1, 3)}] vs [${wanted}] in height and width); check stride, padding and dilation`,
    );
}

function checkGroups(op: string, w: TensorType, groups: number): void {
  if (!Number.isInteger(groups) || groups < 1 || w.shape[3]! % groups !== 0)
    throw new ShapeError(
      `${op}: ${groups} groups do not divide the filters of ${printType(w)} (K = ${w.shape[3]}); change one`,
    );
}

const images = (op: string, ...named: [string, TensorType][]) => {
  for (const [what, t] of named) {
    requireDtype(op, what, t, "f32");
    requireRank(op, what, t, 4);
  }
};

const spatial = (t: { shape: Shape }): Pair => [t.shape[1]!, t.shape[2]!];

/** x [N,H,W,C], w [kh,kw,C/groups,K] → [N,Ho,Wo,K] */
export const conv2d: Op<ConvParams> = {
  name: "conv2d",
  type([x, w], p) {
    images("conv2d", ["x", x!], ["the filter", w!]);
    checkGroups("conv2d", w!, p.groups);
    checkChannels("conv2d", "x", x!, x!.shape[3]!, w!.shape[2]! * p.groups);
    return [{ dtype: "f32", shape: [x!.shape[0]!, ...windowCount("conv2d", spatial(x!), p), w!.shape[3]!] }];
  },
  reference: ([x, w], p, [type]) =>
    result(type!, (data) =>
      eachTap(x!.shape, w!.shape, type!.shape, p, (ix, iw, iy) => {
        data[iy]! += x!.data[ix]! * w!.data[iw]!;
      }),
    ),
  kernel: {
    kind: "reduce",
    combine: "sum",
    extents: ({ inputs: [, w] }) => w!.shape.slice(0, 3),
    term([n, ho, wo, k], [i, j, c], lower, { inputs: [, w], params: p }) {
      const channel = k!
        .div(w!.shape[3]! / p.groups)
        .mul(w!.shape[2]!)
        .add(c!);
      return [
        lower.readOr(0, [n!, tap(0, ho!, i!, p), tap(1, wo!, j!, p), channel], "0.0f"),
        lower.read(1, [i!, j!, c!, k!]),
      ];
    },
  },
  gradient: ([d], { inputs: [x, w], params }) => [
    d!.conv2dInputGrad(w!, spatial(x!), params),
    x!.conv2dFilterGrad(d!, params.kernel, params),
  ],
};

/** dy [N,Ho,Wo,K], w [kh,kw,C/groups,K] → [N,H,W,C]; `size` is [H, W]. Used forward it is the transposed convolution. */
export const conv2dInputGrad: Op<ConvParams & { readonly size: Pair }> = {
  name: "conv2dInputGrad",
  type([dy, w], p) {
    images("conv2dInputGrad", ["dy", dy!], ["the filter", w!]);
    checkGroups("conv2dInputGrad", w!, p.groups);
    checkChannels("conv2dInputGrad", "dy", dy!, dy!.shape[3]!, w!.shape[3]!);
    checkSize("conv2dInputGrad", "dy", dy!, windowCount("conv2dInputGrad", p.size, p));
    return [{ dtype: "f32", shape: [dy!.shape[0]!, ...p.size, w!.shape[2]! * p.groups] }];
  },
  reference: ([dy, w], p, [type]) =>
    result(type!, (data) =>
      eachTap(type!.shape, w!.shape, dy!.shape, p, (ix, iw, iy) => {
        data[ix]! += dy!.data[iy]! * w!.data[iw]!;
      }),
    ),
  kernel: {
    kind: "reduce",
    combine: "sum",
    extents: ({ inputs: [, w], params: p }) => [w!.shape[0]!, w!.shape[1]!, w!.shape[3]! / p.groups],
    term([n, h, v, c], [i, j, k], lower, { inputs: [, w], params: p }) {
      const cg = w!.shape[2]!;
      const filter = c!
        .div(cg)
        .mul(w!.shape[3]! / p.groups)
        .add(k!);
      // s·ho = h + p − d·i
      const sh = h!.add(p.padding[0][0]).sub(i!.mul(p.dilation[0]));
      const sv = v!.add(p.padding[1][0]).sub(j!.mul(p.dilation[1]));
      const whole = allOf(lower.multiple(sh, p.stride[0]), lower.multiple(sv, p.stride[1]));
      return [
        lower.readOr(0, [n!, sh.div(p.stride[0]), sv.div(p.stride[1]), filter], "0.0f", whole),
        lower.read(1, [i!, j!, c!.mod(cg), filter]),
      ];
    },
  },
  gradient: ([d], { inputs: [dy, w], params }) => [
    d!.conv2d(w!, params),
    d!.conv2dFilterGrad(dy!, params.kernel, params),
  ],
};

/** x [N,H,W,C], dy [N,Ho,Wo,K] → [kh,kw,C/groups,K] */
export const conv2dFilterGrad: Op<ConvParams> = {
  name: "conv2dFilterGrad",
  type([x, dy], p) {
    images("conv2dFilterGrad", ["x", x!], ["dy", dy!]);
    const [c, k] = [x!.shape[3]!, dy!.shape[3]!];
    if (c % p.groups !== 0 || k % p.groups !== 0)
      throw new ShapeError(
        `conv2dFilterGrad: ${p.groups} groups do not divide the channels of ${printType(x!)} and ${printType(dy!)}; change one`,
      );
    if (x!.shape[0] !== dy!.shape[0])
      throw new ShapeError(
        `conv2dFilterGrad: batches differ, ${printType(x!)} and ${printType(dy!)} (${x!.shape[0]} vs ${dy!.shape[0]}); give those of one batch`,
      );
    checkSize("conv2dFilterGrad", "dy", dy!, windowCount("conv2dFilterGrad", spatial(x!), p));
    return [{ dtype: "f32", shape: [...p.kernel, c / p.groups, k] }];
  },
  reference: ([x, dy], p, [type]) =>
    result(type!, (data) =>
      eachTap(x!.shape, type!.shape, dy!.shape, p, (ix, iw, iy) => {
        data[iw]! += x!.data[ix]! * dy!.data[iy]!;
      }),
    ),
  kernel: {
    kind: "reduce",
    combine: "sum",
    extents: ({ inputs: [, dy] }) => dy!.shape.slice(0, 3),
    term([i, j, c, k], [n, ho, wo], lower, { outputs: [dw], params: p }) {
      const channel = k!
        .div(dw!.shape[3]! / p.groups)
        .mul(dw!.shape[2]!)
        .add(c!);
      return [
        lower.readOr(0, [n!, tap(0, ho!, i!, p), tap(1, wo!, j!, p), channel], "0.0f"),
        lower.read(1, [n!, ho!, wo!, k!]),
      ];
    },
  },
  gradient: ([d], { inputs: [x, dy], params }) => [
    d && dy!.conv2dInputGrad(d, spatial(x!), params),
    x!.conv2d(d!, params),
  ],
};
