// Losses of labels with class weights and a label to ignore, for log-probabilities [N, C, …]; and what brings the classes last.
import type { Tensor } from "../tensor.ts";

export interface LabelOptions {
  readonly weight?: Tensor | undefined;
  readonly ignoreIndex?: number | undefined;
  readonly reduction: "mean" | "sum" | "none";
}

/** [N, C, d…] → [N, Πd, C]; [N, C] and [C] stay. */
export function classesLast(x: Tensor): Tensor {
  if (x.rank <= 2) return x;
  const [n, c] = x.shape as readonly number[];
  return x.reshape([n!, c!, x.shape.slice(2).reduce((a, b) => a * b, 1)]).transpose([0, 2, 1]);
}

/** Labels [N, d…] as [N, Πd], to go with `classesLast`. */
export const labelsOf = (target: Tensor, x: Tensor): Tensor =>
  x.rank <= 2 ? target : target.reshape([target.shape[0]!, target.shape.slice(1).reduce((a, b) => a * b, 1)]);

/** −weight[label]·logp[label]; the mean divides by the weights of the labels that count. */
export function negativeLogLikelihood(logp: Tensor, target: Tensor, options: LabelOptions): Tensor {
  const { weight, ignoreIndex, reduction } = options;
  const rows = classesLast(logp);
  const given = labelsOf(target, logp);
  const kept = ignoreIndex === undefined ? undefined : given.notEqual(ignoreIndex);
  const label = kept ? given.where(kept, 0) : given;
  const hot = label.oneHot(rows.shape.at(-1)!);
  const ones = hot.sum(-1);
  const weights = weight ? weight.gather(label) : ones;
  const counted = kept ? weights.where(kept, 0) : weights;
  const loss = rows.mul(hot).sum(-1).neg().mul(counted);
  if (reduction === "none") return loss.reshape(target.shape);
  return reduction === "sum" ? loss.sum() : loss.sum().div(counted.sum());
}

/** The same of logits, by the library's loss. */
export function crossEntropy(logits: Tensor, target: Tensor, options: LabelOptions, labelSmoothing = 0): Tensor {
  const { weight, ignoreIndex, reduction } = options;
  const probabilities = target.dtype === "f32";
  const loss = classesLast(logits).softmaxCrossEntropy(probabilities ? classesLast(target) : labelsOf(target, logits), {
    reduction,
    labelSmoothing,
    ...(weight ? { classWeights: weight } : {}),
    ...(ignoreIndex === undefined || probabilities ? {} : { ignoreIndex }),
  });
  return reduction === "none" ? loss.reshape(logits.shape.filter((_, d) => logits.rank === 1 || d !== 1)) : loss;
}
