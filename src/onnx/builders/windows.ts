// Convolution and pooling. Images are N, C, spatial…
import { convTranspose2d } from "../../compositions/window.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import { numel } from "../../shape/types.ts";
import { iota, outputsOf, type Tensor } from "../../tensor.ts";
import type { Attributes } from "../attributes.ts";
import { channelsFirst, channelsLast, filter } from "../layout.ts";
import { type Builder, type Operator, one } from "../operator.ts";
import { avgPool, isPlain, maxPool, type Pooling } from "../pool.ts";

type Pair = readonly [number, number];

/** Spatial arguments [h_begin, w_begin, h_end, w_end] as [begin, end] of each axis. */
function sides(pads: readonly number[]): (readonly [number, number])[] {
  const rank = pads.length / 2;
  return Array.from({ length: rank }, (_, d) => [pads[d]!, pads[d + rank]!] as const);
}

/** [begin, end] of a total: the odd cell at the end for SAME_UPPER, else at the beginning. */
function shared(total: number, upper: boolean): readonly [number, number] {
  const half = Math.floor(total / 2);
  return upper ? [half, total - half] : [total - half, half];
}

/** The padding of a window over axes of these sizes, by the attributes pads or auto_pad. */
function paddingOf(
  a: Attributes,
  sizes: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): readonly (readonly [number, number])[] {
  const auto = a.text("auto_pad", "NOTSET");
  if (auto === "NOTSET") return sides(a.numbers("pads", Array(2 * kernel.length).fill(0)));
  if (auto === "VALID") return kernel.map(() => [0, 0] as const);
  if (auto !== "SAME_UPPER" && auto !== "SAME_LOWER") throw new UnsupportedError(`auto_pad ${auto}`);
  return kernel.map((k, d) => {
    const windows = Math.ceil(sizes[d]! / stride[d]!);
    const total = (windows - 1) * stride[d]! + dilation[d]! * (k - 1) + 1 - sizes[d]!;
    return shared(Math.max(total, 0), auto === "SAME_UPPER");
  });
}

const ones = (rank: number): number[] => Array(rank).fill(1);

/** Stride, dilation, groups and kernel of a convolution, for the spatial axes of x. */
function windowOf(n: Operator) {
  const [x, w, a] = [n.get(0), n.get(1), n.attributes];
  const rank = x.rank - 2;
  if (rank < 1 || rank > 2) throw new UnsupportedError(`convolution of rank ${x.rank}`);
  return {
    sizes: x.shape.slice(2),
    kernel: w.shape.slice(2),
    stride: a.numbers("strides", ones(rank)),
    dilation: a.numbers("dilations", ones(rank)),
    groups: a.number("group", 1),
  };
}

/** A signal [N, C, L] as an image of height 1. */
const image = (x: Tensor): Tensor => channelsLast(x.rank === 3 ? x.unsqueeze(2) : x);
const planarFilter = (w: Tensor): Tensor => filter(w.rank === 3 ? w.unsqueeze(2) : w);
const two = <T>(list: readonly T[], one: T) =>
  (list.length === 1 ? [one, list[0]] : list) as unknown as readonly [T, T];
const likeInput = (y: Tensor, x: Tensor): Tensor => (x.rank === 3 ? channelsFirst(y).squeeze(2) : channelsFirst(y));
const biased = (y: Tensor, b: Tensor | undefined): Tensor => (b ? y.add(b) : y);

function conv(n: Operator): Tensor {
  const { sizes, kernel, stride, dilation, groups } = windowOf(n);
  const padding = paddingOf(n.attributes, sizes, kernel, stride, dilation);
  const y = image(n.get(0)).conv2d(planarFilter(n.get(1)), {
    stride: two(stride, 1),
    dilation: two(dilation, 1),
    padding: two<Pair>(padding, [0, 0]),
    groups,
  });
  return likeInput(biased(y, n.maybe(2)), n.get(0));
}

/** Every product is computed; then the padding is cut off, or zeros are added where it is negative. */
function convTranspose(n: Operator): Tensor {
  const { sizes, kernel, stride, dilation, groups } = windowOf(n);
  const a = n.attributes;
  const extra = a.numbers(
    "output_padding",
    kernel.map(() => 0),
  );
  const auto = a.text("auto_pad", "NOTSET");
  const natural = kernel.map((k, d) => (sizes[d]! - 1) * stride[d]! + dilation[d]! * (k - 1) + 1);
  let padding = sides(a.numbers("pads", Array(2 * kernel.length).fill(0)));
  if (a.has("output_shape") || auto.startsWith("SAME")) {
    const wanted = a.numbers(
      "output_shape",
      sizes.map((size, d) => size * stride[d]!),
    );
    padding = natural.map((size, d) => shared(size + extra[d]! - wanted.at(d - kernel.length)!, auto === "SAME_UPPER"));
  }
  const y = convTranspose2d(image(n.get(0)), planarFilter(n.get(1)), {
    stride: two(stride, 1),
    dilation: two(dilation, 1),
    groups,
  });
  return likeInput(biased(cropped(y, two<Pair>(padding, [0, 0]), two(extra, 0)), n.maybe(2)), n.get(0));
}

/** An image less `padding`, which may be negative, with `extra` rows and columns at the end. */
function cropped(y: Tensor, padding: readonly [Pair, Pair], extra: Pair): Tensor {
  const ends = padding.map(([, end], d) => end - extra[d]!);
  const each = (f: (d: number) => number) => [0, f(0), f(1), 0];
  const padded = y.pad(
    each((d) => Math.max(-padding[d]![0], 0)),
    each((d) => Math.max(-ends[d]!, 0)),
  );
  const cut = (k: number) => Math.max(k, 0);
  return padded.slice(
    each((d) => cut(padding[d]![0])),
    padded.shape.map((size, d) => (d === 1 || d === 2 ? size - cut(ends[d - 1]!) : size)),
  );
}

/** A pooling reads every cell of a window by itself; whole images are what global pooling is for. */
const mostCells = 4096;

function poolingOf(n: Operator): Pooling {
  const [a, x] = [n.attributes, n.get(0)];
  const kernel = a.numbers("kernel_shape");
  if (!(numel(kernel) <= mostCells)) throw new UnsupportedError(`pooling over [${kernel}] (vs ≤ ${mostCells} cells)`);
  const stride = a.numbers("strides", ones(kernel.length));
  const dilation = a.numbers("dilations", ones(kernel.length));
  const pooling = {
    ...{ kernel, stride, dilation, padding: paddingOf(a, x.shape.slice(2), kernel, stride, dilation) },
    ...{ ceilMode: a.flag("ceil_mode"), countIncludePad: a.flag("count_include_pad") },
  };
  if (!isPlain(x, pooling)) n.takeCells(kernel.reduce((cells, k) => cells + k, 0));
  return pooling;
}

/** y and, where it is asked for, the index of each maximum in x. */
function maxPoolWithIndices(n: Operator): (Tensor | undefined)[] {
  const p = poolingOf(n);
  const x = n.get(0).cast("f32");
  if (!n.outputs[1]) return [maxPool(x, p).cast(n.get(0).dtype)];
  if (x.rank !== 4 || p.dilation.some((d) => d !== 1)) throw new UnsupportedError("indices of such a pooling");
  const [, channels, height, width] = x.shape as readonly [number, number, number, number];
  const y = channelsLast(x).maxPool2d(p.kernel as Pair, {
    stride: p.stride as Pair,
    padding: p.padding as readonly [Pair, Pair],
    ceilMode: p.ceilMode,
  });
  const code = channelsFirst(outputsOf(y.node)[1]!);
  const at = (axis: number) => iota({ dtype: "i32", shape: code.shape }, axis);
  const cell = (d: 0 | 1, offset: Tensor) =>
    at(d + 2)
      .mul(p.stride[d]!)
      .add(offset)
      .sub(p.padding[d]![0]);
  const [h, w] = [cell(0, code.div(p.kernel[1]!)), cell(1, code.rem(p.kernel[1]!))];
  const plane = at(0)
    .mul(channels)
    .add(at(1))
    .mul(height * width);
  const columnMajor = n.attributes.flag("storage_order");
  const within = columnMajor ? w.mul(height).add(h) : h.mul(width).add(w);
  return [channelsFirst(y), plane.add(within)];
}

const globally =
  (pool: (x: Tensor) => Tensor): Builder =>
  (n) => {
    const x = n.get(0);
    return [pool(channelsLast(x)).reshape(x.shape.map((size, d) => (d < 2 ? size : 1)))];
  };

export const windows: Readonly<Record<string, Builder>> = {
  AveragePool: one((n) => avgPool(n.get(0), poolingOf(n))),
  Conv: one(conv),
  ConvTranspose: one(convTranspose),
  GlobalAveragePool: globally((x) => x.globalAveragePool()),
  GlobalMaxPool: globally((x) => x.globalMaxPool()),
  MaxPool: maxPoolWithIndices,
};
