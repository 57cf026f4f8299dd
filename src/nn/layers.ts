// Layers of feed-forward nets: dense, convolution, pooling, flatten, dropout. Batch first; images NHWC, filters HWIO, dense weights [in, out].
import { dropout as drop } from "../compositions/norm.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType } from "../shape/types.ts";
import type { Padding, Pair } from "../shape/window.ts";
import type { Tensor } from "../tensor.ts";
import { type Activation, activationOf } from "./activations.ts";
import { glorotUniform, heUniform, type Initialiser, lecunUniform, zeros } from "./initialisers.ts";
import { fold } from "./key.ts";
import { type Layer, lastSize, requireSize, stateless } from "./layer.ts";

interface Weighted {
  /** Of the result. Default: none. */
  readonly activation?: Activation;
  /** Default: true. */
  readonly bias?: boolean;
  /** Of the weight. Default: He's for ReLU and kin, LeCun's for SELU, else Glorot's; uniform. */
  readonly initialiser?: Initialiser;
  /** Default: zeros. */
  readonly biasInitialiser?: Initialiser;
}

function defaultInitialiser(activation: Activation | undefined): Initialiser {
  switch (activation) {
    case "relu":
    case "leakyRelu":
    case "elu":
    case "gelu":
    case "silu":
      return heUniform;
    case "selu":
      return lecunUniform;
    default:
      return glorotUniform;
  }
}

/** A layer of weight and bias, y = f(linear(x, weight) + bias). `shape` gives the weight's. */
function weighted(
  name: string,
  o: Weighted,
  shape: (input: TensorType) => number[],
  linear: (x: Tensor, weight: Tensor) => Tensor,
): Layer {
  const f = activationOf(name, o.activation);
  const { bias = true, initialiser = defaultInitialiser(o.activation), biasInitialiser = zeros } = o;
  return {
    name,
    init(key, input) {
      const size = shape(input);
      const weight = initialiser(fold(key, 0), size);
      const params: Record<string, NdArray> = { weight };
      if (bias) params.bias = biasInitialiser(fold(key, 1), size.slice(-1));
      return { params, state: {} };
    },
    apply({ params }, x) {
      const { weight, bias } = params as { weight: Tensor; bias?: Tensor };
      const z = linear(x, weight);
      return { y: f(bias ? z.add(bias) : z), state: {} };
    },
  };
}

/** Options of dense. */
export interface DenseOptions extends Weighted {
  /** Sizes of the output's last axis. */
  readonly units: number;
}

/** y = f(x·weight + bias): x [N, …, in], weight [in, units], bias [units]. */
export function dense(options: DenseOptions): Layer {
  requireSize("dense", "units", options.units);
  return weighted(
    "dense",
    options,
    (input) => [lastSize("dense", input, 2, false, "[N, …, features]"), options.units],
    (x, weight) => x.matmul(weight),
  );
}

/** Options of conv2d. */
export interface Conv2dOptions extends Weighted {
  /** Channels of the output. */
  readonly filters: number;
  /** One number for a square, or [height, width]. */
  readonly kernel: number | Pair;
  /** Default: 1. */
  readonly stride?: number | Pair;
  /** Default: none ("valid"). */
  readonly padding?: Padding;
  /** Default: 1. */
  readonly dilation?: number | Pair;
  /** Channels and filters fall into so many groups that do not mix. Default: 1. */
  readonly groups?: number;
}

/** y = f(conv2d(x, weight) + bias): x [N, H, W, C], weight [kh, kw, C/groups, filters], bias [filters]. */
export function conv2d(options: Conv2dOptions): Layer {
  const { filters, kernel, stride, padding, dilation, groups = 1 } = options;
  const [kh, kw] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  for (const [what, size] of Object.entries({ filters, "kernel height": kh, "kernel width": kw, groups }))
    requireSize("conv2d", what, size);
  return weighted(
    "conv",
    options,
    (input) => {
      const channels = lastSize("conv2d", input, 4, true, "[N, H, W, C]");
      if (channels % groups !== 0 || filters % groups !== 0)
        throw new ShapeError(
          `conv2d: ${groups} groups divide neither or not both of the ${channels} channels of ${printType(input)} and the ${filters} filters; change one`,
        );
      return [kh, kw, channels / groups, filters];
    },
    (x, weight) =>
      x.conv2d(weight, {
        groups,
        ...(stride === undefined ? {} : { stride }),
        ...(padding === undefined ? {} : { padding }),
        ...(dilation === undefined ? {} : { dilation }),
      }),
  );
}

/** Options of pooling layers. */
export interface PoolLayerOptions {
  /** Default: the kernel. */
  readonly stride?: number | Pair;
  /** Default: none ("valid"). */
  readonly padding?: Padding;
  /** The last window may hang over the end. Default: false. */
  readonly ceilMode?: boolean;
}

/** The maximum of each window: [N, H, W, C] → [N, H′, W′, C]. */
export function maxPool2d(kernel: number | Pair, options: PoolLayerOptions = {}): Layer {
  return stateless("maxPool", (x) => x.maxPool2d(kernel, options));
}

/** The mean of each window: [N, H, W, C] → [N, H′, W′, C]. */
export function avgPool2d(
  kernel: number | Pair,
  options: PoolLayerOptions & { readonly countIncludePad?: boolean } = {},
): Layer {
  return stateless("avgPool", (x) => x.avgPool2d(kernel, options));
}

/** The mean over all positions: [N, H, W, C] → [N, C]. */
export function globalAvgPool(): Layer {
  return stateless("globalAvgPool", (x) => {
    lastSize("globalAvgPool", x.type, 4, true, "[N, H, W, C]");
    return x.mean([1, 2]);
  });
}

/** [N, …] → [N, product of the rest], images in the order H, W, C. */
export function flatten(): Layer {
  return stateless("flatten", (x) => {
    const [n = 1, ...rest] = x.shape;
    return x.reshape([n, rest.reduce((a, b) => a * b, 1)]);
  });
}

/** In training each element is 0 with probability `rate`, else it is divided by 1 − rate. Srivastava et al., JMLR 15, 2014. */
export function dropout(rate = 0.5): Layer {
  if (!(rate >= 0 && rate < 1))
    throw new ValueError(`dropout: rate must be in [0, 1), got ${rate}; it is the share that is dropped`);
  return stateless("dropout", (x, { training, key }) => (training ? drop(x, rate, key) : x));
}
