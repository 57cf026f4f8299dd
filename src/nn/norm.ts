// Normalisation layers.
import * as norm from "../compositions/norm.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { ones, zeros } from "./initialisers.ts";
import { type Layer, lastSize } from "./layer.ts";

/** Options of batchNorm. */
export interface BatchNormLayerOptions {
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
  /** The share of the batch in the running statistics. Default: 0.1. */
  readonly momentum?: number;
}

/** Normalises each channel of [N, …, C]: in training by the batch, else by running statistics, which training keeps in the state. Scale and
 *  shift [C] are learned. Ioffe and Szegedy, https://arxiv.org/abs/1502.03167 */
export function batchNorm(options: BatchNormLayerOptions = {}): Layer {
  return {
    name: "batchNorm",
    init(key, input) {
      const shape = [lastSize("batchNorm", input, 2, false, "[N, …, C]")];
      return {
        params: { scale: ones(key, shape), shift: zeros(key, shape) },
        state: { mean: zeros(key, shape), variance: ones(key, shape) },
      };
    },
    apply({ params, state }, x, { training }) {
      const { scale, shift } = params as Record<"scale" | "shift", Tensor>;
      const { y, running } = norm.batchNorm(x, state as Record<"mean" | "variance", Tensor>, {
        ...options,
        scale,
        shift,
        training,
      });
      return { y, state: { mean: running.mean, variance: running.variance } };
    },
  };
}

/** Options of layerNorm. */
export interface LayerNormLayerOptions {
  /** How many of the last axes are normalised together. Default: 1. */
  readonly axes?: number;
  /** Added to the variance. Default: 1e-5. */
  readonly epsilon?: number;
}

/** Normalises each sample over its last axes. Scale and shift, of the shape of those axes, are learned. Ba, Kiros and Hinton,
 *  https://arxiv.org/abs/1607.06450 */
export function layerNorm({ axes = 1, epsilon }: LayerNormLayerOptions = {}): Layer {
  return {
    name: "layerNorm",
    init(key, input) {
      if (!Number.isInteger(axes) || axes < 1 || axes >= input.shape.length)
        throw new ShapeError(
          `layerNorm: axes must be 1 … ${input.shape.length - 1} for ${printType(input)}, got ${axes}; it counts from the last`,
        );
      const shape = input.shape.slice(-axes);
      return { params: { scale: ones(key, shape), shift: zeros(key, shape) }, state: {} };
    },
    apply({ params }, x) {
      const { scale, shift } = params as Record<"scale" | "shift", Tensor>;
      const last = Array.from({ length: axes }, (_, i) => i - axes);
      return { y: norm.layerNorm(x, last, { scale, shift, ...(epsilon === undefined ? {} : { epsilon }) }), state: {} };
    },
  };
}
