// Softmax, log-softmax, log-sum-exp and the cross-entropy of logits, from m = max x and s = Σ exp(x − m) (ops/softmax.ts). No
// intermediate overflows, whatever the logits.
import { ShapeError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import type { Axes } from "./reduce.ts";

export function softmax(x: Tensor, axes: Axes): Tensor {
  const { m, s } = x.maxSumExp(axes, true);
  return x.sub(m).exp().div(s);
}

export function logSoftmax(x: Tensor, axes: Axes): Tensor {
  const { m, s } = x.maxSumExp(axes, true);
  return x.sub(m).sub(s.log());
}

export function logSumExp(x: Tensor, axes: Axes, keepDims: boolean): Tensor {
  const { m, s } = x.maxSumExp(axes, keepDims);
  return m.add(s.log());
}

/** Options of the cross-entropy of logits. */
export interface CrossEntropyOptions {
  /** f32[C]: each class's loss is multiplied by its weight. */
  readonly classWeights?: Tensor;
  /** Rows with this label count for nothing; it need not be a class. */
  readonly ignoreIndex?: number;
  /** "mean" (the default) divides by the number of rows that count, or with class weights by the sum of the labels' weights. */
  readonly reduction?: "mean" | "sum" | "none";
  /** ε: the target becomes (1 − ε)·target + ε/C. */
  readonly labelSmoothing?: number;
}

/** Cross-entropy of softmax(logits[…, C]) with labels (i32 or u32[…]) or probabilities (f32[…, C]). */
export function softmaxCrossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const classes = logits.shape.at(-1) ?? 0;
  const weights = options.classWeights;
  if (weights && !sameShape(weights.shape, [classes]))
    throw new ShapeError(
      `softmaxCrossEntropy: classWeights must have one value a class, got ${printType(weights.type)} for ${printType(logits.type)} ([${weights.shape}] vs [${classes}]); give f32[${classes}]`,
    );
  return target.dtype === "f32" ? ofProbabilities(logits, target, options) : ofLabels(logits, target, options);
}

function ofLabels(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { classWeights, ignoreIndex, reduction = "mean", labelSmoothing: epsilon = 0 } = options;
  const given = target.dtype === "u8" ? target.cast("i32") : target;
  const never = ignoreIndex === undefined || (ignoreIndex < 0 && given.dtype === "u32");
  const ignored = never ? undefined : given.equal(ignoreIndex);
  const masked = (t: Tensor) => (ignored ? t.zerosLike().where(ignored, t) : t);
  const label = masked(given);
  const weight = classWeights && masked(classWeights.gather(label));
  let loss = logits.labelCrossEntropy(label);
  if (weight) loss = loss.mul(weight);
  if (epsilon) {
    const perClass = logits.logSoftmax().mul(classWeights ?? 1);
    loss = loss.mul(1 - epsilon).sub(perClass.sum(-1).mul(epsilon / logits.shape.at(-1)!));
  }
  loss = masked(loss);
  if (reduction === "none") return loss;
  if (reduction === "sum") return loss.sum();
  if (weight) return loss.sum().div(weight.sum());
  return ignored ? loss.sum().div(masked(loss.zerosLike().add(1)).sum()) : loss.mean();
}

/** −Σ over classes of target·log softmax; the mean is over rows, whatever the weights. */
function ofProbabilities(logits: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { classWeights, ignoreIndex, reduction = "mean", labelSmoothing: epsilon = 0 } = options;
  if (!sameShape(logits.shape, target.shape) || ignoreIndex !== undefined)
    throw new ShapeError(
      `softmaxCrossEntropy: ${ignoreIndex === undefined ? "probabilities must have the shape of the logits" : "ignoreIndex needs labels"}, got ${printType(logits.type)} and ${printType(target.type)}; give i32 labels or probabilities of every class`,
    );
  const smooth = epsilon ? target.mul(1 - epsilon).add(epsilon / logits.shape.at(-1)!) : target;
  const weighted = classWeights ? smooth.mul(classWeights) : smooth;
  const loss = logits.logSoftmax().mul(weighted).sum(-1).neg();
  return reduction === "none" ? loss : reduction === "sum" ? loss.sum() : loss.mean();
}
