// Tensor: one output of a node of a graph, with a static type. Its methods make new nodes; nothing is computed until a
// Device runs a compiled function. Types are checked when the method is called.
import * as linear from "./compositions/linear.ts";
import * as norm from "./compositions/norm.ts";
import type { BatchNormOptions, BatchStatistics, NormOptions } from "./compositions/norm.ts";
import * as reduce from "./compositions/reduce.ts";
import type { Axes } from "./compositions/reduce.ts";
import * as softmax from "./compositions/softmax.ts";
import type { CrossEntropyOptions } from "./compositions/softmax.ts";
import * as windows from "./compositions/window.ts";
import type {
  AvgPoolOptions,
  Conv1dOptions,
  ConvOptions,
  ConvTransposeOptions,
  PoolOptions,
} from "./compositions/window.ts";
import { Node } from "./graph/node.ts";
import type { AnyOp, Params } from "./graph/op.ts";
import type { AvgGradParams } from "./ops/avgPool.ts";
import { ops } from "./ops/index.ts";
import type { PoolGradParams, PoolParams } from "./ops/pool.ts";
import { normaliseAxes } from "./shape/broadcast.ts";
import { type DType, type Shape, sameShape, sameType, type TensorType } from "./shape/types.ts";
import type { Pair } from "./shape/window.ts";

/** A tensor, or a number that becomes a constant of the other operand's dtype. */
export type TensorLike = Tensor | number;

/** Applies an op: checks types, makes the node, returns its outputs. */
export function apply(op: AnyOp, inputs: readonly Tensor[], params: Params = {}): Tensor[] {
  const types = op.type(
    inputs.map((t) => t.type),
    params,
  );
  const node = new Node(op, inputs, params, types);
  return types.map((_, k) => new Tensor(node, k));
}

/** Every output of a node. */
export function outputsOf(node: Node): Tensor[] {
  return node.types.map((_, k) => new Tensor(node, k));
}

const one = (op: AnyOp, inputs: readonly Tensor[], params?: Params): Tensor => apply(op, inputs, params)[0] as Tensor;

/** A tensor of one repeated value. */
export const full = (type: TensorType, value: number): Tensor => one(ops.full, [], { type, value });

/** A tensor of known values, row-major. */
export const constant = (type: TensorType, data: readonly number[]): Tensor => one(ops.constant, [], { type, data });

export const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;

export class Tensor {
  readonly node: Node;
  /** Which output of the node. */
  readonly output: number;

  constructor(node: Node, output: number) {
    this.node = node;
    this.output = output;
  }

  get type(): TensorType {
    return this.node.types[this.output] as TensorType;
  }
  get shape(): Shape {
    return this.type.shape;
  }
  get dtype(): DType {
    return this.type.dtype;
  }
  get rank(): number {
    return this.shape.length;
  }

  #like(x: TensorLike): Tensor {
    return typeof x === "number" ? full({ dtype: this.dtype, shape: [] }, x) : x;
  }
  zerosLike(): Tensor {
    return full(this.type, 0);
  }

  // ---- elementwise ----
  neg(): Tensor {
    return one(ops.neg, [this]);
  }
  exp(): Tensor {
    return one(ops.exp, [this]);
  }
  relu(): Tensor {
    return one(ops.relu, [this]);
  }
  add(b: TensorLike): Tensor {
    return one(ops.add, [this, this.#like(b)]);
  }
  mul(b: TensorLike): Tensor {
    return one(ops.mul, [this, this.#like(b)]);
  }
  greater(b: TensorLike): Tensor {
    return one(ops.greater, [this, this.#like(b)]);
  }
  /** This where `condition` holds, else `otherwise`. */
  where(condition: Tensor, otherwise: TensorLike): Tensor {
    return one(ops.where, [condition, this, this.#like(otherwise)]);
  }

  // ---- reductions: over all axes unless some are given ----
  sum(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.sum, axes, keepDims);
  }
  max(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.max, axes, keepDims);
  }
  min(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.min, axes, keepDims);
  }
  /** i32: the row-major index, over the reduced axes, of the first maximum. */
  argmax(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.argmax, axes, keepDims);
  }
  argmin(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.argmin, axes, keepDims);
  }
  mean(axes?: Axes, keepDims = false): Tensor {
    return reduce.mean(this, axes, keepDims);
  }
  /** Divides by the count less `correction`: 0 for the biased variance, 1 for the unbiased. */
  variance(axes?: Axes, keepDims = false, correction = 0): Tensor {
    return reduce.variance(this, axes, keepDims, correction);
  }
  #reduce(op: AnyOp, axes: Axes, keepDims: boolean): Tensor {
    const list = normaliseAxes(op.name, axes, this.rank);
    return this.#restore(one(op, [this], { axes: list }), list, keepDims);
  }
  #restore(y: Tensor, axes: readonly number[], keepDims: boolean): Tensor {
    return keepDims ? y.reshape(this.shape.map((n, d) => (axes.includes(d) ? 1 : n))) : y;
  }

  // ---- softmax ----
  softmax(axes: Axes = -1): Tensor {
    return softmax.softmax(this, axes);
  }
  logSoftmax(axes: Axes = -1): Tensor {
    return softmax.logSoftmax(this, axes);
  }
  logSumExp(axes: Axes = -1, keepDims = false): Tensor {
    return softmax.logSumExp(this, axes, keepDims);
  }
  /** The loss of logits […, C] against labels (i32, u32 […]) or probabilities (f32 […, C]). */
  softmaxCrossEntropy(target: Tensor, options: CrossEntropyOptions = {}): Tensor {
    return softmax.softmaxCrossEntropy(this, target, options);
  }
  /** −log softmax(this)[label] of each row. */
  labelCrossEntropy(label: Tensor): Tensor {
    const { m, s } = this.maxSumExp(-1);
    return one(ops.softmaxCrossEntropy, [this, m, s, label]);
  }
  /** m = max x and s = Σ exp(x − m): for functions that only change the shift m for range (ops/softmax.ts). */
  maxSumExp(axes?: Axes, keepDims = false): { m: Tensor; s: Tensor } {
    const list = normaliseAxes("maxSumExp", axes, this.rank);
    const [m, s] = apply(ops.maxSumExp, [this], { axes: list }).map((t) => this.#restore(t, list, keepDims));
    return { m: m!, s: s! };
  }

  // ---- views ----
  reshape(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : one(ops.reshape, [this], { shape: [...shape] });
  }
  /** Permutes the axes; without an argument swaps the last two. */
  transpose(permutation?: readonly number[]): Tensor {
    const r = this.rank;
    return one(ops.transpose, [this], {
      permutation: permutation ?? this.shape.map((_, d) => (d < r - 2 ? d : 2 * r - 3 - d)),
    });
  }
  broadcastTo(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : one(ops.broadcastTo, [this], { shape: [...shape] });
  }

  // ---- linear algebra ----
  /** […, m, k] · […, k, n] → […, m, n] */
  matmul(b: Tensor): Tensor {
    return one(ops.matmul, [this, b]);
  }
  /** [m], [n] → [m, n] */
  outer(b: Tensor): Tensor {
    return linear.outer(this, b);
  }
  /** [n], [n] → [] */
  dot(b: Tensor): Tensor {
    return linear.dot(this, b);
  }

  // ---- convolution: images NHWC, filters HWIO [kh, kw, C/groups, K] ----
  conv2d(w: Tensor, options: ConvOptions = {}): Tensor {
    const params = windows.convParams(
      "conv2d",
      windows.imageSize("conv2d", this),
      windows.kernelSize("conv2d", w),
      options,
    );
    return one(ops.conv2d, [this, w], params);
  }
  /** The gradient of conv2d's image of this [H, W], from that of its output. */
  conv2dInputGrad(w: Tensor, size: Pair, options: ConvOptions = {}): Tensor {
    const params = windows.convParams("conv2dInputGrad", size, windows.kernelSize("conv2dInputGrad", w), options);
    return one(ops.conv2dInputGrad, [this, w], { ...params, size });
  }
  /** The gradient of conv2d's filter of this [kh, kw], from the image and the gradient of the output. */
  conv2dFilterGrad(dy: Tensor, kernel: Pair, options: ConvOptions = {}): Tensor {
    const size = windows.imageSize("conv2dFilterGrad", this);
    return one(ops.conv2dFilterGrad, [this, dy], windows.convParams("conv2dFilterGrad", size, kernel, options));
  }
  /** [N, L, C], filter [k, C/groups, K] → [N, Lo, K] */
  conv1d(w: Tensor, options: Conv1dOptions = {}): Tensor {
    return windows.conv1d(this, w, options);
  }
  /** [N, H, W, K], filter [kh, kw, C/groups, K] → [N, Ho, Wo, C] */
  convTranspose2d(w: Tensor, options: ConvTransposeOptions = {}): Tensor {
    return windows.convTranspose2d(this, w, options);
  }

  // ---- pooling: images NHWC ----
  maxPool2d(kernel: number | Pair, options: PoolOptions = {}): Tensor {
    const { op, inputs, params } = this.node;
    const [x, bias] = inputs;
    if (x && sameType(x.type, this.type)) {
      // max f(x) = f(max x) for a non-decreasing f, and a bias per channel is one: pool first, then less is left to do
      if (op.monotone && inputs.length === 1) return one(op, [x.maxPool2d(kernel, options)], params);
      if (op === ops.add && bias?.shape.every((n, d) => n === 1 || d === bias.rank - 1))
        return x.maxPool2d(kernel, options).add(bias);
    }
    return one(
      ops.maxPool2d,
      [this],
      windows.poolParams("maxPool2d", windows.imageSize("maxPool2d", this), kernel, options),
    );
  }
  maxPool2dGrad(code: Tensor, params: PoolGradParams): Tensor {
    return one(ops.maxPool2dGrad, [this, code], params);
  }
  maxPool2dGather(code: Tensor, params: PoolParams): Tensor {
    return one(ops.maxPool2dGather, [this, code], params);
  }
  avgPool2d(kernel: number | Pair, options: AvgPoolOptions = {}): Tensor {
    const { countIncludePad = true } = options;
    const params = windows.poolParams("avgPool2d", windows.imageSize("avgPool2d", this), kernel, options);
    return one(ops.avgPool2d, [this], { ...params, countIncludePad });
  }
  avgPool2dGrad(params: AvgGradParams): Tensor {
    return one(ops.avgPool2dGrad, [this], params);
  }
  /** [N, …, C] → [N, C] */
  globalAveragePool(): Tensor {
    return this.mean(windows.spatialAxes("globalAveragePool", this));
  }
  globalMaxPool(): Tensor {
    return this.max(windows.spatialAxes("globalMaxPool", this));
  }

  // ---- normalisation ----
  layerNorm(axes: Axes = -1, options: NormOptions = {}): Tensor {
    return norm.layerNorm(this, axes, options);
  }
  rmsNorm(axes: Axes = -1, options: Omit<NormOptions, "shift"> = {}): Tensor {
    return norm.rmsNorm(this, axes, options);
  }
  groupNorm(groups: number, options: NormOptions = {}): Tensor {
    return norm.groupNorm(this, groups, options);
  }
  instanceNorm(options: NormOptions = {}): Tensor {
    return norm.instanceNorm(this, options);
  }
  batchNorm(running: BatchStatistics, options: BatchNormOptions): { y: Tensor; running: BatchStatistics } {
    return norm.batchNorm(this, running, options);
  }
  /** Drops where `random`, uniform in [0, 1) and of this shape, is < p, and scales the rest by 1/(1 − p). */
  dropout(p: number, random: Tensor): Tensor {
    return norm.dropout(this, p, random);
  }
}
