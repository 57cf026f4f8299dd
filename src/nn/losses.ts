// Losses: functions of a prediction and a target, both batch first. `reduction` is "mean" over everything that is averaged (the default),
// "sum", or "none". Where a loss compares values, labels (i32 or u32, of the prediction's shape but for the last axis) stand for their
// one-hot rows. Formulas and reductions are PyTorch's.
import { DTypeError, ShapeError, ValueError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import { constant, type Tensor } from "../tensor.ts";

/** What becomes of the losses of a batch. */
export type Reduction = "mean" | "sum" | "none";

/** Options of a loss. */
export interface LossOptions {
  /** Default: "mean". */
  readonly reduction?: Reduction;
}

/** prediction, target → f32[] ("mean", "sum"), or with "none" a loss per element or row. */
export type Loss = (prediction: Tensor, target: Tensor, options?: LossOptions) => Tensor;

function reduce(loss: Tensor, { reduction = "mean" }: LossOptions = {}): Tensor {
  return reduction === "none" ? loss : reduction === "sum" ? loss.sum() : loss.mean();
}

/** The target as f32 of the prediction's shape. */
function values(op: string, prediction: Tensor, target: Tensor): Tensor {
  if (prediction.dtype !== "f32")
    throw new DTypeError(`${op}: prediction must be f32, got ${printType(prediction.type)}; cast it`);
  if (target.dtype === "f32") {
    if (sameShape(target.shape, prediction.shape)) return target;
  } else if (prediction.rank > 0 && sameShape(target.shape, prediction.shape.slice(0, -1)))
    return target.oneHot(prediction.shape.at(-1) as number);
  throw new ShapeError(
    `${op}: target must be f32[${prediction.shape}] or labels i32[${prediction.shape.slice(0, -1)}], got ${printType(target.type)} for ${printType(prediction.type)}; reshape or cast it`,
  );
}

const elementwise =
  (op: string, f: (prediction: Tensor, target: Tensor) => Tensor): Loss =>
  (prediction, target, options) =>
    reduce(f(prediction, values(op, prediction, target)), options);

/** −log softmax(logits)[label], the mean over rows. Targets are labels, or rows of probabilities. δ = (softmax(logits) − target)/N. */
export const softmaxCrossEntropy: Loss = (logits, target, options) => logits.softmaxCrossEntropy(target, options ?? {});

/** (prediction − target)². */
export const mse: Loss = elementwise("mse", (p, t) => p.sub(t).square());

/** (σ(logits) − target)²: δ = 2(ŷ − y)·ŷ(1 − ŷ). */
export const sigmoidMse: Loss = elementwise("sigmoidMse", (z, t) => z.sigmoid().sub(t).square());

/** −t log p − (1 − t) log(1 − p) of probabilities. Logarithms end at −87.3, that of the smallest normal float. */
export const bce: Loss = elementwise("bce", (p, t) => {
  const log = (x: Tensor) => x.maximum(1.1754943508222875e-38).log();
  return t
    .mul(log(p))
    .add(
      t
        .neg()
        .add(1)
        .mul(log(p.neg().add(1))),
    )
    .neg();
});

/** The same of p = σ(x), from the logits x: log(1 + eˣ) − t·x, which neither overflows nor cancels. */
export const bceWithLogits: Loss = elementwise("bceWithLogits", (x, t) => x.softplus().sub(t.mul(x)));

/** −logProbabilities[label], the mean over rows. */
export const nll: Loss = (logProbabilities, label, options) => {
  if (label.dtype === "f32")
    throw new DTypeError(`nll: labels must be i32 or u32, got ${printType(label.type)}; cast them`);
  const hot = values("nll", logProbabilities, label);
  return reduce(hot.mul(logProbabilities).sum(-1).neg(), options);
};

/** |prediction − target|. */
export const l1: Loss = elementwise("l1", (p, t) => p.sub(t).abs());

/** ½d² where |d| ≤ δ, else δ(|d| − ½δ), with d = prediction − target. Huber, 1964. */
export function huber(delta = 1): Loss {
  if (!(delta > 0 && Number.isFinite(delta)))
    throw new ValueError(`huber: delta must be a positive number, got ${delta}; it is where the loss turns linear`);
  return elementwise("huber", (p, t) => {
    const d = p.sub(t);
    const size = d.abs();
    return d
      .square()
      .mul(0.5)
      .where(size.lessEqual(delta), size.sub(delta / 2).mul(delta));
  });
}

/** softmaxCrossEntropy with options: class weights (one a class), a label to ignore, label smoothing ε. */
export function crossEntropy(options: {
  readonly classWeights?: readonly number[];
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
}): Loss {
  const { classWeights, ...rest } = options;
  return (logits, target, { reduction = "mean" } = {}) => {
    const weights = classWeights && constant({ dtype: "f32", shape: [classWeights.length] }, classWeights);
    return logits.softmaxCrossEntropy(target, { ...rest, reduction, ...(weights ? { classWeights: weights } : {}) });
  };
}
