// Losses.
import * as nn from "../../../nn/losses.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { crossEntropy, negativeLogLikelihood } from "../../../onnx/labels.ts";
import type { Tensor } from "../../../tensor.ts";
import { type Builder, type Inputs, one, reduced, reductionOf } from "./common.ts";

/** A loss of values, with a weight for each if the case has them. */
const ofValues = (loss: (a: Attributes) => nn.Loss, prediction = "pred"): Builder =>
  one((x, a) => {
    const [p, t, weight] = [x.get(prediction), x.get("target"), x.maybe("weight")];
    const reduction = reductionOf(a);
    return weight ? reduced(loss(a)(p, t, { reduction: "none" }).mul(weight), reduction) : loss(a)(p, t, { reduction });
  });

const labelOptions = (x: Inputs, a: Attributes) => ({
  weight: x.maybe("weight"),
  ignoreIndex: a.has("ignore_index") ? a.number("ignore_index") : undefined,
  reduction: reductionOf(a),
});

function nll(x: Inputs, a: Attributes): Tensor {
  const [logp, target, options] = [x.get("logp"), x.get("target"), labelOptions(x, a)];
  const plain = logp.rank === 2 && !options.weight && options.ignoreIndex === undefined;
  return plain ? nn.nll(logp, target, options) : negativeLogLikelihood(logp, target, options);
}

/** With a weight for the positive targets: w·t·softplus(−x) + (1 − t)·softplus(x). */
function bceWithLogits(x: Inputs, a: Attributes): Tensor {
  const positive = x.maybe("pos_weight");
  const [z, t] = [x.get("logits"), x.get("target")];
  const weight = x.maybe("weight");
  const loss = positive
    ? t.mul(positive).mul(z.neg().softplus()).add(t.neg().add(1).mul(z.softplus()))
    : nn.bceWithLogits(z, t, { reduction: "none" });
  return reduced(weight ? loss.mul(weight) : loss, reductionOf(a));
}

/** Losses of networks: on the last layer's output y. */
export const networkLosses: Readonly<Record<string, (y: Tensor, target: Tensor) => Tensor>> = {
  ce: (y, target) => crossEntropy(y, target, { reduction: "mean" }),
  mse: (y, target) => nn.mse(y, target),
  bce: (y, target) => nn.bceWithLogits(y, target),
};

export const losses: Readonly<Record<string, Builder>> = {
  cross_entropy: one((x, a) =>
    crossEntropy(x.get("logits"), x.get("target"), labelOptions(x, a), a.number("label_smoothing", 0)),
  ),
  nll: one(nll),
  bce: ofValues(() => nn.bce),
  bce_logits: one(bceWithLogits),
  mse: ofValues(() => nn.mse),
  l1: ofValues(() => nn.l1),
  huber: ofValues((a) => nn.huber(a.number("delta", 1))),
};
