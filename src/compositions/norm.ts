// Normalisations and dropout: functions, no methods of Tensor, so that a program without them carries none. Each is a composition: a reduction or two, then one elementwise expression. A fused op would save
// one read of x where a row fits in a workgroup; none is made before it is measured.
import { normaliseAxes } from "../shape/broadcast.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import { type Tensor, uniform } from "../tensor.ts";
import { type Axes, reducedCount } from "./reduce.ts";
import { spatialAxes } from "./window.ts";

/** Options of the normalisations. */
export interface NormOptions {
  /** γ, of the shape of the normalised axes (batch, group and instance norm: [C]). Default: none. */
  readonly scale?: Tensor;
  /** β, likewise. */
  readonly shift?: Tensor;
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

const defaultEpsilon = 1e-5;

const scaled = (y: Tensor, scale: Tensor | undefined, shift: Tensor | undefined): Tensor => {
  const z = scale ? y.mul(scale) : y;
  return shift ? z.add(shift) : z;
};

/** (x − mean)/√(variance + ε) over the axes. */
function standardise(x: Tensor, axes: Axes, epsilon = defaultEpsilon): Tensor {
  const centred = x.sub(x.mean(axes, true));
  return centred.mul(centred.square().mean(axes, true).add(epsilon).rsqrt());
}

/** γ or β of the shape of `axes`, laid along them. */
const along = (x: Tensor, axes: Axes, t: Tensor | undefined): Tensor | undefined => {
  const list = normaliseAxes("layerNorm", axes, x.rank);
  return t?.reshape(x.shape.map((n, d) => (list.includes(d) ? n : 1)));
};

/** Ba, Kiros and Hinton, https://arxiv.org/abs/1607.06450 */
export function layerNorm(x: Tensor, axes: Axes = -1, { scale, shift, epsilon }: NormOptions = {}): Tensor {
  return scaled(standardise(x, axes, epsilon), along(x, axes, scale), along(x, axes, shift));
}

/** x/√(mean x² + ε)·γ. Zhang and Sennrich, https://arxiv.org/abs/1910.07467 */
export function rmsNorm(
  x: Tensor,
  axes: Axes = -1,
  { scale, epsilon = defaultEpsilon }: Omit<NormOptions, "shift"> = {},
): Tensor {
  return scaled(x.mul(x.square().mean(axes, true).add(epsilon).rsqrt()), along(x, axes, scale), undefined);
}

/** x [N, …, C] in `groups` groups of neighbouring channels, each normalised with its positions. Wu and He,
 *  https://arxiv.org/abs/1803.08494 */
export function groupNorm(x: Tensor, groups: number, { scale, shift, epsilon }: NormOptions = {}): Tensor {
  const channels = x.shape.at(-1) ?? 0;
  if (x.rank < 2 || !Number.isInteger(channels / groups))
    throw new ShapeError(
      `groupNorm: ${groups} groups do not divide the channels of ${printType(x.type)} (${channels} channels); change one`,
    );
  const positions = x.shape.slice(1, -1).reduce((n, d) => n * d, 1);
  const grouped = x.reshape([x.shape[0]!, positions, groups, channels / groups]);
  return scaled(standardise(grouped, [1, 3], epsilon).reshape(x.shape), scale, shift);
}

/** x [N, …, C]: each channel of each sample over its positions. */
export function instanceNorm(x: Tensor, { scale, shift, epsilon }: NormOptions = {}): Tensor {
  return scaled(standardise(x, spatialAxes("instanceNorm", x), epsilon), scale, shift);
}

/** The running statistics of batch norm, f32[C] each. */
export interface BatchStatistics {
  /** Of each channel. */
  readonly mean: Tensor;
  /** Of each channel. */
  readonly variance: Tensor;
}

/** Options of batchNorm. */
export interface BatchNormOptions extends NormOptions {
  /** true: normalise by the batch; false: by the running statistics. */
  readonly training: boolean;
  /** The share of the batch in the new running statistics. Default: 0.1. */
  readonly momentum?: number;
}

/** x [N, …, C], each channel over all else. The batch's own variance is biased, the running one unbiased, as in PyTorch. Returns
 *  the new running statistics, unchanged outside training. Ioffe and Szegedy, https://arxiv.org/abs/1502.03167 */
export function batchNorm(
  x: Tensor,
  running: BatchStatistics,
  options: BatchNormOptions,
): {
  /** [N, …, C] */
  y: Tensor;
  /** Of now on. */
  running: BatchStatistics;
} {
  const { scale, shift, training, epsilon = defaultEpsilon, momentum = 0.1 } = options;
  if (!training) {
    const y = x.sub(running.mean).mul(running.variance.add(epsilon).rsqrt());
    return { y: scaled(y, scale, shift), running };
  }
  const axes = x.shape.slice(0, -1).map((_, d) => d);
  const n = reducedCount("batchNorm", x, axes);
  if (n < 2)
    throw new ValueError(
      `batchNorm: training needs more than one value a channel, got ${printType(x.type)} (${n} vs ≥ 2); use a larger batch`,
    );
  const mean = x.mean(axes);
  const centred = x.sub(mean);
  const variance = centred.square().mean(axes);
  const blend = (old: Tensor, batch: Tensor) => old.mul(1 - momentum).add(batch.mul(momentum));
  return {
    y: scaled(centred.mul(variance.add(epsilon).rsqrt()), scale, shift),
    running: { mean: blend(running.mean, mean), variance: blend(running.variance, variance.mul(n / (n - 1))) },
  };
}

/** Drops an element with probability p and scales the others by 1/(1 − p); `key` as in `uniform`. Srivastava et al., JMLR 15, 2014. */
export function dropout(x: Tensor, p: number, key: Tensor): Tensor {
  if (!(p >= 0 && p < 1))
    throw new ValueError(`dropout: p must be in [0, 1), got ${p}; it is the share that is dropped`);
  return p === 0 ? x : x.mul(1 / (1 - p)).where(uniform(key, x.shape).greaterEqual(p), 0);
}
