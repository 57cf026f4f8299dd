// Convolution, pooling, normalisation and losses. Images are N, C, spatial…
import { constant, full, iota, outputsOf, type Tensor } from "../../../tensor.ts";
import { Unsupported } from "../case.ts";
import { classesLast, crossEntropy, negativeLogLikelihood } from "../labels.ts";
import { channelsFirst, channelsLast, filter } from "../layout.ts";
import { avgPool, maxPool, type Pooling } from "../pool.ts";
import { axisOf, type Builder, type Operator, paddingOf, shared, sides } from "./common.ts";
import { uniforms } from "./numpy.ts";

type Pair = readonly [number, number];

const ones = (rank: number): number[] => Array(rank).fill(1);

/** Stride, dilation, groups and kernel of a convolution, for the spatial axes of x. */
function windowOf(n: Operator) {
  const [x, w, a] = [n.get(0), n.get(1), n.attributes];
  const rank = x.rank - 2;
  if (rank < 1 || rank > 2) throw new Unsupported(`convolution of rank ${x.rank}`);
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
  const y = image(n.get(0)).convTranspose2d(planarFilter(n.get(1)), {
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

function poolingOf(n: Operator): Pooling {
  const [a, x] = [n.attributes, n.get(0)];
  const kernel = a.numbers("kernel_shape");
  const stride = a.numbers("strides", ones(kernel.length));
  const dilation = a.numbers("dilations", ones(kernel.length));
  return {
    kernel,
    stride,
    dilation,
    padding: paddingOf(a, x.shape.slice(2), kernel, stride, dilation),
    ceilMode: a.flag("ceil_mode"),
    countIncludePad: a.flag("count_include_pad"),
  };
}

/** y and, where it is asked for, the index of each maximum in x. */
function maxPoolWithIndices(n: Operator): (Tensor | undefined)[] {
  const p = poolingOf(n);
  const x = n.get(0).cast("f32");
  if (!n.outputs[1]) return [maxPool(x, p).cast(n.get(0).dtype)];
  if (x.rank !== 4 || p.dilation.some((d) => d !== 1)) throw new Unsupported("indices of such a pooling");
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

/** The running variance of ONNX is that of the batch, biased; its momentum is the share of the old value. */
function batchNorm(n: Operator): Tensor[] {
  const a = n.attributes;
  const x = channelsLast(n.get(0));
  const momentum = a.number("momentum", 0.9);
  const training = a.flag("training_mode");
  const [mean, variance] = [n.get(3), n.get(4)];
  const { y, running } = x.batchNorm(
    { mean, variance },
    { training, scale: n.get(1), shift: n.get(2), epsilon: a.number("epsilon", 1e-5), momentum: 1 - momentum },
  );
  const axes = x.shape.map((_, d) => d).slice(0, -1);
  const biasedVariance = variance.mul(momentum).add(x.variance(axes).mul(1 - momentum));
  return [channelsFirst(y), running.mean, training ? biasedVariance : running.variance];
}

const epsilonOf = (n: Operator): number => n.attributes.number("epsilon", 1e-5);

function instanceNorm(n: Operator): Tensor[] {
  const options = { scale: n.get(1), shift: n.get(2), epsilon: epsilonOf(n) };
  return [channelsFirst(channelsLast(n.get(0)).instanceNorm(options))];
}

function groupNorm(n: Operator): Tensor[] {
  const groups = n.attributes.number("num_groups");
  const channels = n.get(0).shape[1]!;
  // before opset 21, one scale a group
  const perChannel = (t: Tensor) =>
    t.shape[0] === channels
      ? t
      : t
          .unsqueeze(1)
          .broadcastTo([groups, channels / groups])
          .reshape([channels]);
  const options = { scale: perChannel(n.get(1)), shift: perChannel(n.get(2)), epsilon: epsilonOf(n) };
  return [channelsFirst(channelsLast(n.get(0)).groupNorm(groups, options))];
}

/** The axes that are normalised, and what brings a scale to their shape. */
function lastAxes(n: Operator) {
  const x = n.get(0);
  const axis = axisOf(n.attributes.number("axis", -1), x.rank);
  const axes = x.shape.map((_, d) => d).slice(axis);
  const laid = (t: Tensor | undefined) => t?.broadcastTo(x.shape.slice(axis));
  const [scale, shift] = [laid(n.maybe(1)), laid(n.maybe(2))];
  return { x, axes, options: { epsilon: epsilonOf(n), ...(scale ? { scale } : {}), ...(shift ? { shift } : {}) } };
}

function layerNorm(n: Operator): Tensor[] {
  const { x, axes, options } = lastAxes(n);
  const inverse = x.variance(axes, true).add(options.epsilon).rsqrt();
  return [x.layerNorm(axes, options), x.mean(axes, true), inverse];
}

function rmsNorm(n: Operator): Tensor[] {
  const { x, axes, options } = lastAxes(n);
  return [x.rmsNorm(axes, options)];
}

/** In training the mask is numpy's: an element stays where its uniform number is ≥ the ratio. */
function dropout(n: Operator): Tensor[] {
  const x = n.get(0);
  const ratio = n.values(1)?.[0] ?? n.attributes.number("ratio", 0.5);
  const all = full({ dtype: "bool", shape: x.shape }, 1);
  if (!n.values(2)?.[0] || ratio === 0) return [x, all];
  if (!n.attributes.has("seed")) throw new Unsupported("dropout in training without a seed");
  const size = x.shape.reduce((a, b) => a * b, 1);
  const mask = uniforms(n.attributes.number("seed"), size).map((u) => Number(u >= ratio));
  const kept = constant({ dtype: "bool", shape: x.shape }, mask);
  return [x.mul(1 / (1 - ratio)).where(kept, 0), kept];
}

function lossOptions(n: Operator) {
  const reduction = n.attributes.text("reduction", "mean");
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none")
    throw new Unsupported(`reduction ${reduction}`);
  const ignoreIndex = n.attributes.has("ignore_index") ? n.attributes.number("ignore_index") : undefined;
  return { reduction, ignoreIndex, weight: n.maybe(2) } as const;
}

function softmaxCrossEntropyLoss(n: Operator): Tensor[] {
  const x = n.get(0);
  const rows = classesLast(x).logSoftmax();
  const logp = x.rank <= 2 ? rows : rows.transpose([0, 2, 1]).reshape(x.shape);
  return [crossEntropy(x, n.get(1), lossOptions(n)), logp];
}

export const layers: Readonly<Record<string, Builder>> = {
  Conv: (n) => [conv(n)],
  ConvTranspose: (n) => [convTranspose(n)],
  MaxPool: maxPoolWithIndices,
  AveragePool: (n) => [avgPool(n.get(0), poolingOf(n))],
  GlobalAveragePool: globally((x) => x.globalAveragePool()),
  GlobalMaxPool: globally((x) => x.globalMaxPool()),
  BatchNormalization: batchNorm,
  InstanceNormalization: instanceNorm,
  GroupNormalization: groupNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  Dropout: dropout,
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
  NegativeLogLikelihoodLoss: (n) => [negativeLogLikelihood(n.get(0), n.get(1), lossOptions(n))],
};
