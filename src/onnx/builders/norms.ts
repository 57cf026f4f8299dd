// Normalisation, dropout and losses. Images are N, C, spatial…
import * as norm from "../../compositions/norm.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import { full, type Tensor } from "../../tensor.ts";
import { classesLast, crossEntropy, negativeLogLikelihood } from "../labels.ts";
import { channelsFirst, channelsLast } from "../layout.ts";
import { axisOf, type Builder, type Operator, one } from "../operator.ts";

const epsilonOf = (n: Operator): number => n.attributes.number("epsilon", 1e-5);

/** By the batch's statistics where the file or the training says so. ONNX's momentum is the share of the old value; its running variance is
 *  that of the batch, biased, and that of a graph which is trained here unbiased, as the library's. */
function batchNorm(n: Operator): Tensor[] {
  const a = n.attributes;
  const x = channelsLast(n.get(0));
  const momentum = a.number("momentum", 0.9);
  const ownTraining = a.flag("training_mode");
  const [mean, variance] = [n.get(3), n.get(4)];
  const { y, running } = norm.batchNorm(
    x,
    { mean, variance },
    {
      ...{ training: ownTraining || n.training !== undefined, momentum: 1 - momentum },
      ...{ scale: n.get(1), shift: n.get(2), epsilon: epsilonOf(n) },
    },
  );
  n.training?.update(3, running.mean);
  n.training?.update(4, running.variance);
  if (!ownTraining) return [channelsFirst(y)];
  const axes = x.shape.map((_, d) => d).slice(0, -1);
  return [channelsFirst(y), running.mean, variance.mul(momentum).add(x.variance(axes).mul(1 - momentum))];
}

function instanceNorm(n: Operator): Tensor {
  const options = { scale: n.get(1), shift: n.get(2), epsilon: epsilonOf(n) };
  return channelsFirst(norm.instanceNorm(channelsLast(n.get(0)), options));
}

function groupNorm(n: Operator): Tensor {
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
  return channelsFirst(norm.groupNorm(channelsLast(n.get(0)), groups, options));
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
  return [norm.layerNorm(x, axes, options), x.mean(axes, true), inverse];
}

function rmsNorm(n: Operator): Tensor {
  const { x, axes, options } = lastAxes(n);
  return norm.rmsNorm(x, axes, options);
}

/** y, and the mask of what is kept: all of it, except where the graph is trained. */
function dropout(n: Operator): (Tensor | undefined)[] {
  const x = n.get(0);
  const ratio = n.values(1)?.[0] ?? n.attributes.number("ratio", 0.5);
  if (n.values(2)?.[0] && ratio > 0) throw new UnsupportedError("dropout outside training");
  if (n.training && ratio > 0) return [norm.dropout(x, ratio, n.training.key)];
  return [x, full({ dtype: "bool", shape: x.shape }, 1)];
}

function lossOptions(n: Operator) {
  const reduction = n.attributes.text("reduction", "mean");
  if (reduction !== "mean" && reduction !== "sum" && reduction !== "none")
    throw new UnsupportedError(`reduction ${reduction}`);
  const ignoreIndex = n.attributes.has("ignore_index") ? n.attributes.number("ignore_index") : undefined;
  return { reduction, ignoreIndex, weight: n.maybe(2) } as const;
}

function softmaxCrossEntropyLoss(n: Operator): Tensor[] {
  const x = n.get(0);
  const rows = classesLast(x).logSoftmax();
  const logp = x.rank <= 2 ? rows : rows.transpose([0, 2, 1]).reshape(x.shape);
  return [crossEntropy(x, n.get(1), lossOptions(n)), logp];
}

export const norms: Readonly<Record<string, Builder>> = {
  BatchNormalization: batchNorm,
  Dropout: dropout,
  GroupNormalization: one(groupNorm),
  InstanceNormalization: one(instanceNorm),
  LayerNormalization: layerNorm,
  NegativeLogLikelihoodLoss: one((n) => negativeLogLikelihood(n.get(0), n.get(1), lossOptions(n))),
  RMSNormalization: one(rmsNorm),
  SoftmaxCrossEntropyLoss: softmaxCrossEntropyLoss,
};
