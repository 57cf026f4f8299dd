// Products, reductions and softmax.
import { FormatError } from "../../shape/errors.ts";
import type { Tensor } from "../../tensor.ts";
import { axisOf, type Builder, type Operator, one } from "../operator.ts";

function gemm(n: Operator): Tensor {
  const a = n.attributes;
  const operand = (k: number, flag: string) => (a.flag(flag) ? n.get(k).transpose() : n.get(k));
  const scaled = (x: Tensor, factor: number) => (factor === 1 ? x : x.mul(factor));
  const y = scaled(operand(0, "transA").matmul(operand(1, "transB")), a.number("alpha", 1));
  const c = n.maybe(2);
  return c ? y.add(scaled(c, a.number("beta", 1))) : y;
}

/** A vector on the left is a row, on the right a column; its axis is dropped from the result. */
function matmul(n: Operator): Tensor {
  const [a, b] = [n.get(0), n.get(1)];
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

/** Of the first extreme, or by select_last_index of the last: the first along the reversed axis. */
const extreme =
  (f: (x: Tensor, axis: number, keep: boolean) => Tensor): Builder =>
  (n) => {
    const [x, a] = [n.get(0), n.attributes];
    const [axis, keep] = [axisOf(a.number("axis", 0), x.rank), a.flag("keepdims", true)];
    if (!a.flag("select_last_index")) return [f(x, axis, keep)];
    return [
      f(x.flip(axis), axis, keep)
        .neg()
        .add((x.shape[axis] ?? 0) - 1),
    ];
  };

/** Before opset 13, softmax is over everything from the axis on, which is 1. */
const softmaxLike =
  (f: (x: Tensor, axes: readonly number[]) => Tensor): Builder =>
  (n) => {
    const x = n.get(0);
    const axis = axisOf(n.attributes.number("axis", n.opset < 13 ? 1 : -1), x.rank);
    if (axis === x.rank) throw new FormatError(`axis ${axis} is out of range for rank ${x.rank}`);
    return [f(x, n.opset < 13 ? x.shape.map((_, d) => d).slice(axis) : [axis])];
  };

const square = (x: Tensor): Tensor => x.mul(x);

export const reductions: Readonly<Record<string, Builder>> = {
  MatMul: one(matmul),
  Gemm: one(gemm),

  ArgMax: extreme((x, axis, keep) => x.argmax(axis, keep)),
  ArgMin: extreme((x, axis, keep) => x.argmin(axis, keep)),
  ReduceL1: reduction((x, axes, keep) => x.abs().sum(axes, keep)),
  ReduceL2: reduction((x, axes, keep) => square(x).sum(axes, keep).sqrt()),
  ReduceMax: reduction((x, axes, keep) => x.max(axes, keep)),
  ReduceMean: reduction((x, axes, keep) => x.mean(axes, keep)),
  ReduceMin: reduction((x, axes, keep) => x.min(axes, keep)),
  ReduceSum: reduction((x, axes, keep) => x.sum(axes, keep)),
  ReduceSumSquare: reduction((x, axes, keep) => x.sum(axes, keep), square),
  Softmax: softmaxLike((x, axes) => x.softmax(axes)),
  LogSoftmax: softmaxLike((x, axes) => x.logSoftmax(axes)),
};
