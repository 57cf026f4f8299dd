// Elementwise operators, products, reductions and views.
import { concat, type Tensor } from "../../../tensor.ts";
import type { Attributes } from "../attributes.ts";
import { CaseError, Unsupported } from "../case.ts";
import { axisOf, type Builder, type Operator } from "./common.ts";

const unary =
  (f: (x: Tensor, a: Attributes) => Tensor): Builder =>
  (n) => [f(n.get(0), n.attributes)];
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): Builder =>
  (n) => [f(n.get(0), n.get(1))];
/** Of one or more tensors. */
const variadic =
  (f: (a: Tensor, b: Tensor) => Tensor): Builder =>
  (n) => [n.from(0).reduce(f)];

const seluAlpha = 1.6732631921768188;
const seluGamma = 1.0507010221481323;

function selu(x: Tensor, a: Attributes): Tensor {
  const [alpha, gamma] = [a.number("alpha", seluAlpha), a.number("gamma", seluGamma)];
  return alpha === seluAlpha && gamma === seluGamma ? x.selu() : x.elu(alpha).mul(gamma);
}

function gelu(x: Tensor, a: Attributes): Tensor {
  const approximate = a.text("approximate", "none");
  if (approximate !== "none" && approximate !== "tanh") throw new Unsupported(`approximate ${approximate}`);
  return x.gelu(approximate);
}

/** min(max(x, low), high), the bounds being arguments or (in old opsets) attributes. */
function clip(n: Operator): Tensor {
  const bound = (k: number, name: string) =>
    n.values(k)?.[0] ?? (n.attributes.has(name) ? n.attributes.number(name) : undefined);
  const [low, high, x] = [bound(1, "min"), bound(2, "max"), n.get(0)];
  if (x.dtype === "f32" && (low === undefined || high === undefined || low <= high))
    return x.clip({ ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) });
  const raised = low === undefined ? x : x.maximum(low);
  return high === undefined ? raised : raised.minimum(high);
}

/** The base decides the dtype of the result. An integer power may come out a little short of the integer, which a cast would drop. */
function pow(base: Tensor, exponent: Tensor): Tensor {
  const y = base.cast("f32").pow(exponent.cast("f32"));
  return base.dtype === "f32" ? y : y.add(y.sign().mul(1e-3)).cast(base.dtype);
}

function gemm(n: Operator): Tensor {
  const a = n.attributes;
  const operand = (k: number, flag: string) => (a.flag(flag) ? n.get(k).transpose() : n.get(k));
  const scaled = (x: Tensor, factor: number) => (factor === 1 ? x : x.mul(factor));
  const y = scaled(operand(0, "transA").matmul(operand(1, "transB")), a.number("alpha", 1));
  const c = n.maybe(2);
  return c ? y.add(scaled(c, a.number("beta", 1))) : y;
}

/** A vector on the left is a row, on the right a column; its axis is dropped from the result. */
function matmul(a: Tensor, b: Tensor): Tensor {
  const y = (a.rank === 1 ? a.unsqueeze(0) : a).matmul(b.rank === 1 ? b.unsqueeze(1) : b);
  const gone = [...(a.rank === 1 ? [y.rank - 2] : []), ...(b.rank === 1 ? [y.rank - 1] : [])];
  return y.reshape(y.shape.filter((_, d) => !gone.includes(d)));
}

/** Axes are an argument, in old opsets an attribute; none means all, or with noop_with_empty_axes nothing is done. */
const reduction =
  (f: (x: Tensor, axes: readonly number[] | undefined, keep: boolean) => Tensor, before = (x: Tensor) => x): Builder =>
  (n) => {
    const a = n.attributes;
    const axes = n.values(1) ?? a.numbers("axes", []);
    const x = n.get(0);
    if (axes.length === 0 && a.flag("noop_with_empty_axes")) return [before(x)];
    const y = f(
      before(x.dtype === "bool" ? x.cast("i32") : x),
      axes.length > 0 ? axes : undefined,
      a.flag("keepdims", true),
    );
    return [y.cast(x.dtype)];
  };

function reshape(n: Operator): Tensor {
  const [x, wanted] = [n.get(0), n.values(1) ?? n.attributes.numbers("shape")];
  const size = x.shape.reduce((a, b) => a * b, 1);
  const shape = wanted.map((m, d) => (m === 0 && !n.attributes.flag("allowzero") ? (x.shape[d] ?? 0) : m));
  const known = shape.reduce((a, b) => (b === -1 ? a : a * b), 1);
  return x.reshape(shape.map((m) => (m === -1 ? size / known : m)));
}

function flatten(x: Tensor, a: Attributes): Tensor {
  const axis = axisOf(a.number("axis", 1), x.rank);
  const size = (list: readonly number[]) => list.reduce((m, n) => m * n, 1);
  return x.reshape([size(x.shape.slice(0, axis)), size(x.shape.slice(axis))]);
}

function unsqueeze(n: Operator): Tensor {
  const axes = n.values(1) ?? n.attributes.numbers("axes");
  return n.get(0).unsqueeze(axes);
}

function squeeze(n: Operator): Tensor {
  const axes = n.values(1) ?? (n.attributes.has("axes") ? n.attributes.numbers("axes") : undefined);
  return n.get(0).squeeze(axes);
}

/** Before opset 13, softmax is over everything from the axis on, which is 1. */
const softmaxLike =
  (f: (x: Tensor, axes: readonly number[]) => Tensor): Builder =>
  (n) => {
    const x = n.get(0);
    const axis = axisOf(n.attributes.number("axis", n.opset < 13 ? 1 : -1), x.rank);
    if (axis === x.rank) throw new CaseError(`axis ${axis} is out of range for rank ${x.rank}`);
    return [f(x, n.opset < 13 ? x.shape.map((_, d) => d).slice(axis) : [axis])];
  };

const one =
  (f: (n: Operator) => Tensor): Builder =>
  (n) => [f(n)];

export const elementwise: Readonly<Record<string, Builder>> = {
  Abs: unary((x) => x.abs()),
  Elu: unary((x, a) => x.elu(a.number("alpha", 1))),
  Erf: unary((x) => x.erf()),
  Exp: unary((x) => x.exp()),
  Gelu: unary(gelu),
  HardSigmoid: unary((x, a) => x.mul(a.number("alpha", 0.2)).add(a.number("beta", 0.5)).clip({ low: 0, high: 1 })),
  LeakyRelu: unary((x, a) => x.leakyRelu(a.number("alpha", 0.01))),
  Log: unary((x) => x.log()),
  Neg: unary((x) => x.neg()),
  Reciprocal: unary((x) => x.reciprocal()),
  Relu: unary((x) => (x.dtype === "f32" ? x.relu() : x.maximum(0))),
  Selu: unary(selu),
  Sigmoid: unary((x) => x.sigmoid()),
  Softplus: unary((x) => x.softplus()),
  Softsign: unary((x) => x.div(x.abs().add(1))),
  Sqrt: unary((x) => x.sqrt()),
  Swish: unary((x, a) => (a.number("alpha", 1) === 1 ? x.silu() : x.mul(x.mul(a.number("alpha")).sigmoid()))),
  Tanh: unary((x) => x.tanh()),
  Clip: one(clip),
  PRelu: binary((x, slope) => x.prelu(slope)),

  Add: binary((a, b) => a.add(b)),
  Sub: binary((a, b) => a.sub(b)),
  Mul: binary((a, b) => a.mul(b)),
  Div: binary((a, b) => a.div(b)),
  Pow: binary(pow),
  Max: variadic((a, b) => a.maximum(b)),
  Min: variadic((a, b) => a.minimum(b)),
  Sum: variadic((a, b) => a.add(b)),
  Mean: one((n) =>
    n
      .from(0)
      .reduce((a, b) => a.add(b))
      .div(n.count),
  ),
  MatMul: binary(matmul),
  Gemm: one(gemm),

  ReduceMax: reduction((x, axes, keep) => x.max(axes, keep)),
  ReduceMin: reduction((x, axes, keep) => x.min(axes, keep)),
  ReduceMean: reduction((x, axes, keep) => x.mean(axes, keep)),
  ReduceSum: reduction((x, axes, keep) => x.sum(axes, keep)),
  ReduceSumSquare: reduction(
    (x, axes, keep) => x.sum(axes, keep),
    (x) => x.mul(x),
  ),
  Softmax: softmaxLike((x, axes) => x.softmax(axes)),
  LogSoftmax: softmaxLike((x, axes) => x.logSoftmax(axes)),

  Concat: one((n) => concat(n.from(0), n.attributes.number("axis", 1))),
  Flatten: unary(flatten),
  Reshape: one(reshape),
  Squeeze: one(squeeze),
  Transpose: unary((x, a) => x.transpose(a.numbers("perm", x.shape.map((_, d) => d).reverse()))),
  Unsqueeze: one(unsqueeze),
};
