// The ops that wgrad's public names say, over sizes: for the demo's benchmark page, and for ops.ts, which has the others too.
import {
  bool,
  concat,
  f32,
  full,
  i32,
  iota,
  randomBits,
  reverseSequence,
  type Tensor,
  type TensorType,
  u32,
  vjp,
} from "../src/index.ts";

export interface OpCase {
  /** What the size counts. */
  readonly axis: string;
  readonly sizes: readonly number[];
  /** The size by itself; it is not beyond the last of `sizes`. */
  readonly typical: number;
  readonly inputs: (size: number) => readonly TensorType[];
  readonly build: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** Inputs are drawn from here to 1. Default: −1. */
  readonly low?: number;
}

/** first, first·factor, … to last. */
function geometric(first: number, last: number, factor: number): number[] {
  const sizes: number[] = [];
  for (let n = first; n <= last; n *= factor) sizes.push(n);
  return sizes;
}

const million = 1 << 20;
const elements = { axis: "elements", sizes: geometric(1 << 10, 1 << 22, 8), typical: million };
const rows = { axis: "rows of 64", sizes: geometric(16, 1 << 16, 8), typical: 1 << 14 };
const square = { axis: "n of n×n", sizes: geometric(32, 2048, 4), typical: 1024 };
const images = { axis: "images", sizes: geometric(1, 256, 4), typical: 64 };
export const sequences = { axis: "sequences of 28", sizes: geometric(4, 256, 4), typical: 64 };

type One = (x: Tensor) => Tensor;
type Two = (a: Tensor, b: Tensor) => Tensor;

const unary = (f: One, low = -1): OpCase => ({
  ...{ ...elements, low, inputs: (n) => [f32(n)] },
  build: (x) => f(x!),
});
const binary = (f: Two, low = -1, type: (n: number) => TensorType = f32): OpCase => ({
  ...{ ...elements, low, inputs: (n) => [type(n), type(n)] },
  build: (a, b) => f(a!, b!),
});
const ofRows = (f: One): OpCase => ({ ...rows, inputs: (n) => [f32(n, 64)], build: (x) => f(x!) });
const ofSquare = (f: One): OpCase => ({ ...square, inputs: (n) => [f32(n, n)], build: (x) => f(x!) });

/** Images of 28×28×8, pooled by 2. */
const pooling = (f: (x: Tensor, dy: Tensor) => Tensor | readonly Tensor[]): OpCase => ({
  ...{ ...images, inputs: (n) => [f32(n, 28, 28, 8), f32(n, 14, 14, 8)] },
  build: (x, dy) => f(x!, dy!),
});
/** 28×28, from 8 channels to 16 by 3×3. */
const same = { padding: "same" } as const;
const [channels, filters] = [8, 16];

export const publicOps = {
  neg: unary((x) => x.neg()),
  abs: unary((x) => x.abs()),
  sign: unary((x) => x.sign(), 0.1), // what is within 1e-7 of 0, tfjs takes for 0
  floor: unary((x) => x.floor()),
  square: unary((x) => x.square()),
  reciprocal: unary((x) => x.reciprocal(), 0.1),
  sqrt: unary((x) => x.sqrt(), 0),
  rsqrt: unary((x) => x.rsqrt(), 0.1),
  exp: unary((x) => x.exp()),
  log: unary((x) => x.log(), 0.1),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  tanh: unary((x) => x.tanh()),
  erf: unary((x) => x.erf()),
  clip: unary((x) => x.clip({ low: -0.5, high: 0.5 })),
  finite: unary((x) => x.finite()),
  cast: { ...elements, inputs: (n) => [i32(n)], build: (x) => x!.cast("f32") },
  relu: unary((x) => x.relu()),
  leakyRelu: unary((x) => x.leakyRelu()),
  elu: unary((x) => x.elu()),
  selu: unary((x) => x.selu()),
  softplus: unary((x) => x.softplus()),
  sigmoid: unary((x) => x.sigmoid()),
  silu: unary((x) => x.silu()),
  gelu: unary((x) => x.gelu()),
  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b), 0.1),
  pow: binary((a, b) => a.pow(b), 0.1),
  minimum: binary((a, b) => a.minimum(b)),
  maximum: binary((a, b) => a.maximum(b)),
  prelu: binary((a, b) => a.prelu(b)),
  greater: binary((a, b) => a.greater(b)),
  greaterEqual: binary((a, b) => a.greaterEqual(b)),
  less: binary((a, b) => a.less(b)),
  lessEqual: binary((a, b) => a.lessEqual(b)),
  equal: binary((a, b) => a.equal(b)),
  notEqual: binary((a, b) => a.notEqual(b)),
  rem: binary((a, b) => a.rem(b.add(1)), 0, i32),
  and: binary((a, b) => a.and(b), 0, bool),
  or: binary((a, b) => a.or(b), 0, bool),
  not: { ...elements, inputs: (n) => [bool(n)], build: (a) => a!.not() },
  where: { ...elements, inputs: (n) => [bool(n), f32(n), f32(n)], build: (c, a, b) => a!.where(c!, b!) },

  full: { ...elements, inputs: (n) => [f32(n)], build: (x) => full(x!.type, 0.5) },
  iota: { ...elements, inputs: (n) => [f32(n)], build: (x) => iota(i32(...x!.shape)) },
  randomBits: {
    ...{ ...elements, inputs: (n) => [u32(2), f32(n)] },
    build: (key, x) => randomBits(key!, x!.shape),
  },
  shuffleIndex: {
    ...{ ...elements, inputs: (n) => [u32(n), u32(2)] },
    build: (x, key) => x!.shuffleIndex(key!, x!.shape[0] as number),
  },

  transpose: ofSquare((x) => x.transpose()),
  reshape: ofSquare((x) => x.reshape([x.shape[0]! ** 2])),
  broadcastTo: { ...square, inputs: (n) => [f32(n)], build: (x) => x!.broadcastTo([x!.shape[0]!, x!.shape[0]!]) },
  slice: ofSquare((x) => x.slice([1, 1])),
  flip: ofSquare((x) => x.flip(1)),
  pad: ofSquare((x) => x.pad([1, 1], [1, 1])),
  concat: { ...square, inputs: (n) => [f32(n, n), f32(n, n)], build: (a, b) => concat([a!, b!], 1) },
  reverseSequence: {
    ...{ ...sequences, inputs: (n) => [f32(28, n, 128), i32(n)] },
    build: (x, lengths) => reverseSequence(x!, lengths!),
  },
  gather: { ...rows, inputs: (n) => [f32(n, 64), i32(n)], build: (x, at) => x!.gather(at!) },
  scatterAdd: {
    ...{ ...rows, inputs: (n) => [f32(n, 64), i32(n)] },
    build: (x, at) => x!.scatterAdd(at!, 16),
  },
  oneHot: { ...rows, axis: "labels of 64", inputs: (n) => [i32(n)], build: (x) => x!.oneHot(64) },

  sum: unary((x) => x.sum()),
  max: unary((x) => x.max()),
  min: unary((x) => x.min()),
  argmax: ofRows((x) => x.argmax(-1)),
  argmin: ofRows((x) => x.argmin(-1)),
  maxSumExp: ofRows((x) => x.softmax()),
  softmaxCrossEntropy: {
    ...{ ...rows, inputs: (n) => [f32(n, 64), i32(n)] },
    build: (x, labels) => x!.softmaxCrossEntropy(labels!),
  },

  matmul: {
    ...{ ...square, sizes: geometric(16, 1024, 2), inputs: (n) => [f32(n, n), f32(n, n)] },
    build: (a, b) => a!.matmul(b!),
  },
  conv2d: {
    ...{ ...images, inputs: (n) => [f32(n, 28, 28, channels), f32(3, 3, channels, filters)] },
    build: (x, w) => x!.conv2d(w!, same),
  },
  conv2dInputGrad: {
    ...{ ...images, inputs: (n) => [f32(n, 28, 28, filters), f32(3, 3, channels, filters)] },
    build: (dy, w) => dy!.conv2dInputGrad(w!, [28, 28], same),
  },
  conv2dFilterGrad: {
    ...{ ...images, inputs: (n) => [f32(n, 28, 28, channels), f32(n, 28, 28, filters)] },
    build: (x, dy) => x!.conv2dFilterGrad(dy!, [3, 3], same),
  },
  maxPool2d: pooling((x) => x.maxPool2d(2)),
  maxPool2dGrad: pooling((x, dy) => vjp([x.maxPool2d(2)], [dy], [x])),
  // the gradient of the gradient, at x
  maxPool2dGather: pooling((x, dy) => vjp(vjp([x.maxPool2d(2)], [dy], [x]), [x], [dy])),
  avgPool2d: pooling((x) => x.avgPool2d(2)),
  avgPool2dGrad: pooling((x, dy) => vjp([x.avgPool2d(2)], [dy], [x])),
} satisfies Record<string, OpCase>;
