// Tensor: one output of a node of a graph, with a static type. Its methods make new nodes; nothing is computed until a
// Device runs a compiled function. Types are checked when the method is called.
import type { Axes } from "./compositions/reduce.ts";
import * as reduce from "./compositions/reduce.ts";
import type { CrossEntropyOptions } from "./compositions/softmax.ts";
import * as softmax from "./compositions/softmax.ts";
import * as views from "./compositions/view.ts";
import type { AvgPoolOptions, ConvOptions, PoolOptions } from "./compositions/window.ts";
import * as windows from "./compositions/window.ts";
import { Node } from "./graph/node.ts";
import type { AnyOp, Params } from "./graph/op.ts";
import * as ops from "./ops/index.ts";
import { normaliseAxes, normaliseAxis } from "./shape/broadcast.ts";
import { ShapeError, ValueError } from "./shape/errors.ts";
import { type DType, printType, type Shape, sameShape, sameType, type TensorType } from "./shape/types.ts";
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

const largestFloat = 3.4028234663852886e38;

const one = (op: AnyOp, inputs: readonly Tensor[], params?: Params): Tensor => apply(op, inputs, params)[0] as Tensor;

/** A tensor of one repeated value. */
export const full = (type: TensorType, value: number): Tensor => one(ops.full, [], { type, value });

/** A tensor of known values, row-major. */
export const constant = (type: TensorType, data: readonly number[]): Tensor => one(ops.constant, [], { type, data });

/** The index along the axis. */
export const iota = (type: TensorType, axis = 0): Tensor =>
  one(ops.iota, [], { type, axis: normaliseAxis("iota", axis, type.shape.length) });

/** More are joined in stages: every device binds 8 buffers at once, these and the result. */
const concatWidth = 7;

/** Joins tensors along an axis that they have. */
export function concat(list: readonly Tensor[], axis: number): Tensor {
  const [first] = list;
  if (!first) throw new ShapeError("concat: no tensors (0 vs ≥ 1); give at least one");
  if (list.length === 1) return first;
  if (list.length <= concatWidth) return one(ops.concat, list, { axis: normaliseAxis("concat", axis, first.rank) });
  const parts = Math.ceil(list.length / concatWidth);
  return concat(
    Array.from({ length: parts }, (_, i) => concat(list.slice(i * concatWidth, (i + 1) * concatWidth), axis)),
    axis,
  );
}

/** Joins tensors of one shape along a new axis. */
export const stack = (list: readonly Tensor[], axis: number): Tensor =>
  concat(
    list.map((t) => t.unsqueeze(axis)),
    axis,
  );

/** Random u32, a pure function of the key (u32[2]) and the element's index. */
export const randomBits = (key: Tensor, shape: Shape): Tensor => one(ops.randomBits, [key], { shape: [...shape] });

/** u32 → the multiple of 2⁻²⁴ in [0, 1) that its upper 24 bits count: exact in f32. */
const toUnit = (bits: Tensor): Tensor =>
  bits
    .div(2 ** 8)
    .cast("f32")
    .mul(2 ** -24);

/** Uniform in [0, 1), the same on every device. */
export const uniform = (key: Tensor, shape: Shape): Tensor => toUnit(randomBits(key, shape));

/** Normal with mean 0 and variance 1 (Box and Muller 1958). */
export function normal(key: Tensor, shape: Shape): Tensor {
  const [u, v] = apply(ops.randomBits, [key], { shape: [...shape] }).map(toUnit) as [Tensor, Tensor];
  // 1 − u is in (0, 1]; an inexact logarithm of 1 may come out positive
  const radius = u.neg().add(1).log().mul(-2).maximum(0).sqrt();
  return radius.mul(v.mul(2 * Math.PI).cos());
}

/** What `maxSumExp` gives. */
export interface MaxSumExp {
  /** max x */
  readonly m: Tensor;
  /** Σ exp(x − m) */
  readonly s: Tensor;
}

export const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;

/** One output of a node of a graph, with a static type. Methods make new nodes and check types at once; nothing is computed before a
 *  compiled program runs. Operands broadcast as in NumPy. */
export class Tensor {
  /** What makes it.
   *  @internal */
  readonly node: Node;
  /** Which output of the node. */
  readonly output: number;

  constructor(node: Node, output: number) {
    this.node = node;
    this.output = output;
  }

  /** dtype and shape. */
  get type(): TensorType {
    return this.node.types[this.output] as TensorType;
  }
  /** Its sizes, outermost first. */
  get shape(): Shape {
    return this.type.shape;
  }
  /** What its elements are. */
  get dtype(): DType {
    return this.type.dtype;
  }
  /** How many axes it has. */
  get rank(): number {
    return this.shape.length;
  }

  #like(op: string, x: TensorLike): Tensor {
    return typeof x === "number" ? full({ dtype: this.dtype, shape: [] }, this.#checked(op, x)) : x;
  }
  #divisor(op: string, b: TensorLike): Tensor {
    if (b === 0 && this.dtype !== "f32")
      throw new ValueError(`${op}: 0 divides no integer, got ${printType(this.type)} by 0 (0 vs ≠ 0); cast to f32`);
    return this.#like(op, b);
  }
  /** x, if it can be a constant of this dtype. */
  #checked(op: string, x: number): number {
    if (Number.isFinite(x) && (this.dtype === "f32" || Number.isInteger(x))) return x;
    const wanted = this.dtype === "f32" ? "number" : "integer, or cast to f32";
    throw new ValueError(`${op}: ${x} cannot be a constant of ${printType(this.type)}; give a finite ${wanted}`);
  }
  /** Zeros of this type. */
  zerosLike(): Tensor {
    return full(this.type, 0);
  }

  // ---- elementwise ----
  /** −x */
  neg(): Tensor {
    return one(ops.neg, [this]);
  }
  /** |x| */
  abs(): Tensor {
    return one(ops.abs, [this]);
  }
  /** −1, 0 or 1. */
  sign(): Tensor {
    return one(ops.sign, [this]);
  }
  /** The largest integer that is not above x. */
  floor(): Tensor {
    return one(ops.floor, [this]);
  }
  /** x² */
  square(): Tensor {
    return one(ops.square, [this]);
  }
  /** 1/x */
  reciprocal(): Tensor {
    return one(ops.reciprocal, [this]);
  }
  /** √x */
  sqrt(): Tensor {
    return one(ops.sqrt, [this]);
  }
  /** 1/√x */
  rsqrt(): Tensor {
    return one(ops.rsqrt, [this]);
  }
  /** eˣ */
  exp(): Tensor {
    return one(ops.exp, [this]);
  }
  /** The natural logarithm. */
  log(): Tensor {
    return one(ops.log, [this]);
  }
  /** sin x, of radians. */
  sin(): Tensor {
    return one(ops.sin, [this]);
  }
  /** cos x, of radians. */
  cos(): Tensor {
    return one(ops.cos, [this]);
  }
  /** The hyperbolic tangent. */
  tanh(): Tensor {
    return one(ops.tanh, [this]);
  }
  /** The error function, 2/√π·∫₀ˣ e^(−t²) dt. */
  erf(): Tensor {
    return one(ops.erf, [this]);
  }
  /** min(max(x, low), high); a bound left out is none. */
  clip({ low = -largestFloat, high = largestFloat }: { low?: number; high?: number }): Tensor {
    if (!(low <= high))
      throw new ValueError(`clip: the bounds are out of order (low ${low} vs high ${high}); swap them`);
    return one(ops.clip, [this], { low: Math.max(low, -largestFloat), high: Math.min(high, largestFloat) });
  }
  /** Whether an element is neither ±∞ nor NaN; bool. */
  finite(): Tensor {
    return one(ops.finite, [this]);
  }
  /** max(x, 0) */
  relu(): Tensor {
    return one(ops.relu, [this]);
  }
  /** x where x > 0, else alpha·x. */
  leakyRelu(alpha = 0.01): Tensor {
    return one(ops.leakyRelu, [this], { alpha });
  }
  /** leakyRelu with a slope that is a tensor. */
  prelu(alpha: Tensor): Tensor {
    return one(ops.prelu, [this, alpha]);
  }
  /** x where x > 0, else alpha·(eˣ − 1). Clevert et al., https://arxiv.org/abs/1511.07289 */
  elu(alpha = 1): Tensor {
    return one(ops.elu, [this], { alpha });
  }
  /** ELU with the scale and alpha that keep mean 0 and variance 1. Klambauer et al., https://arxiv.org/abs/1706.02515 */
  selu(): Tensor {
    return one(ops.selu, [this]);
  }
  /** log(1 + eˣ) */
  softplus(): Tensor {
    return one(ops.softplus, [this]);
  }
  /** 1/(1 + e⁻ˣ) */
  sigmoid(): Tensor {
    return one(ops.sigmoid, [this]);
  }
  /** x·sigmoid(x), also called swish. */
  silu(): Tensor {
    return one(ops.silu, [this]);
  }
  /** x·Φ(x); "tanh" is the usual approximation. */
  gelu(approximate: "none" | "tanh" = "none"): Tensor {
    return one(ops.gelu, [this], { approximate });
  }
  /** this + b */
  add(b: TensorLike): Tensor {
    return one(ops.add, [this, this.#like("add", b)]);
  }
  /** this − b */
  sub(b: TensorLike): Tensor {
    return one(ops.sub, [this, this.#like("sub", b)]);
  }
  /** The Hadamard product. */
  mul(b: TensorLike): Tensor {
    return one(ops.mul, [this, this.#like("mul", b)]);
  }
  /** this/b; of integers the quotient without its fraction. */
  div(b: TensorLike): Tensor {
    return one(ops.div, [this, this.#divisor("div", b)]);
  }
  /** The remainder of integers, of the sign of this. */
  rem(b: TensorLike): Tensor {
    return one(ops.rem, [this, this.#divisor("rem", b)]);
  }
  /** thisᵇ; a negative base needs an integer exponent. */
  pow(b: TensorLike): Tensor {
    if (b === 1) return this;
    if (b === 2) return this.square();
    return one(ops.pow, [this, this.#like("pow", b)]);
  }
  /** The smaller of the two, element by element. */
  minimum(b: TensorLike): Tensor {
    return one(ops.minimum, [this, this.#like("minimum", b)]);
  }
  /** The larger of the two, element by element. */
  maximum(b: TensorLike): Tensor {
    return one(ops.maximum, [this, this.#like("maximum", b)]);
  }
  /** this > b; bool. */
  greater(b: TensorLike): Tensor {
    return one(ops.greater, [this, this.#like("greater", b)]);
  }
  /** this ≥ b; bool. */
  greaterEqual(b: TensorLike): Tensor {
    return one(ops.greaterEqual, [this, this.#like("greaterEqual", b)]);
  }
  /** this < b; bool. */
  less(b: TensorLike): Tensor {
    return one(ops.less, [this, this.#like("less", b)]);
  }
  /** this ≤ b; bool. */
  lessEqual(b: TensorLike): Tensor {
    return one(ops.lessEqual, [this, this.#like("lessEqual", b)]);
  }
  /** this = b; bool. */
  equal(b: TensorLike): Tensor {
    return one(ops.equal, [this, this.#like("equal", b)]);
  }
  /** this ≠ b; bool. */
  notEqual(b: TensorLike): Tensor {
    return one(ops.notEqual, [this, this.#like("notEqual", b)]);
  }
  /** Both hold; of bools. */
  and(b: Tensor): Tensor {
    return one(ops.and, [this, b]);
  }
  /** One of them holds, or both; of bools. */
  or(b: Tensor): Tensor {
    return one(ops.or, [this, b]);
  }
  /** It does not hold; of a bool. */
  not(): Tensor {
    return one(ops.not, [this]);
  }
  /** This where `condition` holds, else `otherwise`. */
  where(condition: Tensor, otherwise: TensorLike): Tensor {
    return one(ops.where, [condition, this, this.#like("where", otherwise)]);
  }
  /** To another dtype: f32 to an integer drops the fraction and stays within the range, anything but 0 is true. */
  cast(dtype: DType): Tensor {
    return dtype === this.dtype ? this : one(ops.cast, [this], { dtype });
  }

  // ---- reductions: over all axes unless some are given ----
  /** The sum over the axes. */
  sum(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.sum, axes, keepDims);
  }
  /** The maximum over the axes. */
  max(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.max, axes, keepDims);
  }
  /** The minimum over the axes. */
  min(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.min, axes, keepDims);
  }
  /** i32: the row-major index, over the reduced axes, of the first maximum. */
  argmax(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.argmax, axes, keepDims);
  }
  /** i32: the row-major index, over the reduced axes, of the first minimum. */
  argmin(axes?: Axes, keepDims = false): Tensor {
    return this.#reduce(ops.argmin, axes, keepDims);
  }
  /** The mean over the axes. */
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
  /** exp(x)/Σ exp(x) over the axes; no intermediate overflows. */
  softmax(axes: Axes = -1): Tensor {
    return softmax.softmax(this, axes);
  }
  /** x − log Σ exp(x) over the axes. */
  logSoftmax(axes: Axes = -1): Tensor {
    return softmax.logSoftmax(this, axes);
  }
  /** log Σ exp(x) over the axes. */
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
  maxSumExp(axes?: Axes, keepDims = false): MaxSumExp {
    const list = normaliseAxes("maxSumExp", axes, this.rank);
    const [m, s] = apply(ops.maxSumExp, [this], { axes: list }).map((t) => this.#restore(t, list, keepDims));
    return { m: m!, s: s! };
  }

  // ---- views ----
  /** The same elements in row-major order, in another shape of as many. */
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
  /** Repeats axes of size 1, and puts new ones in front. */
  broadcastTo(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : one(ops.broadcastTo, [this], { shape: [...shape] });
  }
  /** Elements start + i·step below end, in each dimension. Negative starts and ends count from the end. */
  slice(starts: readonly number[], ends: readonly number[] = this.shape, steps?: readonly number[]): Tensor {
    const fromStart = (i: number, d: number): number => (i < 0 ? i + (this.shape[d] as number) : i);
    const part = { starts: starts.map(fromStart), ends: ends.map(fromStart), steps: steps ?? this.shape.map(() => 1) };
    this.#onePerAxis("slice", part);
    const whole = this.shape.every((n, d) => part.starts[d] === 0 && part.ends[d] === n && part.steps[d] === 1);
    return whole ? this : one(ops.slice, [this], part);
  }
  /** Puts `low` and `high` elements of `value` before and after each dimension, and `interior` ones between its elements. */
  pad(low: readonly number[], high: readonly number[], value = 0, interior?: readonly number[]): Tensor {
    const counts = { low: [...low], high: [...high], interior: [...(interior ?? low.map(() => 0))] };
    this.#onePerAxis("pad", counts);
    if (Object.values(counts).every((list) => list.every((n) => n === 0))) return this;
    return one(ops.pad, [this], { ...counts, value: this.#checked("pad", value) });
  }
  #onePerAxis(op: string, lists: Record<string, readonly number[]>): void {
    for (const [what, list] of Object.entries(lists))
      if (list.length !== this.rank)
        throw new ShapeError(
          `${op}: ${what} [${list}] of ${printType(this.type)} (${list.length} vs ${this.rank} numbers); give one for each dimension`,
        );
  }
  /** Reverses the axes. */
  flip(axes?: number | readonly number[]): Tensor {
    return one(ops.flip, [this], { axes: normaliseAxes("flip", axes, this.rank) });
  }
  /** The same value, from which no gradient flows back. */
  detach(): Tensor {
    return one(ops.detach, [this]);
  }
  /** Parts of the given sizes along the axis; a number asks for as many equal parts. */
  split(sizes: number | readonly number[], axis: number): Tensor[] {
    return views.split(this, sizes, axis);
  }
  /** Drops axes of size 1: all of them, or those given. */
  squeeze(axes?: number | readonly number[]): Tensor {
    return views.squeeze(this, axes);
  }
  /** Puts in axes of size 1, so that they stand at these places of the result. */
  unsqueeze(axes: number | readonly number[]): Tensor {
    return views.unsqueeze(this, axes);
  }

  // ---- indexing ----
  /** Rows of this, by index: out[a…, i…, b…] = this[a…, indices[i…], b…]. An index out of range is an error on the CPU, the
   *  nearest one on a GPU. */
  gather(indices: Tensor, axis = 0): Tensor {
    return one(ops.gather, [this, indices], { axis: normaliseAxis("gather", axis, this.rank) });
  }
  /** Adds this up by index into `size` rows: out[a…, v, b…] = Σᵢ [indices[i…] = v]·this[a…, i…, b…]. */
  scatterAdd(indices: Tensor, size: number, axis = 0): Tensor {
    return one(ops.scatterAdd, [indices, this], { axis: normaliseAxis("scatterAdd", axis, this.rank), size });
  }
  /** f32, with a last axis of `depth` that holds a 1 at this index and else 0. */
  oneHot(depth: number): Tensor {
    return one(ops.oneHot, [this], { depth });
  }

  // ---- random ----
  /** Of positions: where a pseudo-random permutation of 0 … n−1, chosen by the key (u32[2]), sends each (mod n). */
  shuffleIndex(key: Tensor, n: number): Tensor {
    return one(ops.shuffleIndex, [this, key], { n });
  }

  // ---- linear algebra ----
  /** […, m, k] · […, k, n] → […, m, n] */
  matmul(b: Tensor): Tensor {
    return one(ops.matmul, [this, b]);
  }

  // ---- convolution: images NHWC, filters HWIO [kh, kw, C/groups, K] ----
  /** [N, H, W, C], filter [kh, kw, C/groups, K] → [N, Ho, Wo, K]: the correlation of image and filter, as everywhere in deep learning. */
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

  // ---- pooling: images NHWC ----
  /** The maximum of each window: [N, H, W, C] → [N, Ho, Wo, C]. */
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
  /** The mean of each window: [N, H, W, C] → [N, Ho, Wo, C]. */
  avgPool2d(kernel: number | Pair, options: AvgPoolOptions = {}): Tensor {
    const { countIncludePad = true } = options;
    const params = windows.poolParams("avgPool2d", windows.imageSize("avgPool2d", this), kernel, options);
    return one(ops.avgPool2d, [this], { ...params, countIncludePad });
  }
  /** [N, …, C] → [N, C] */
  globalAveragePool(): Tensor {
    return this.mean(windows.spatialAxes("globalAveragePool", this));
  }
  /** [N, …, C] → [N, C] */
  globalMaxPool(): Tensor {
    return this.max(windows.spatialAxes("globalMaxPool", this));
  }
}
