// Products, convolutions, pooling and reductions.
import type { Node } from "../../graph/node.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import type { Pair, Sides } from "../../shape/window.ts";
import { outputsOf, type Tensor } from "../../tensor.ts";
import { type AttributeValues, type Emitter, identity, type Order, outputOf } from "../emitter.ts";
import { codeOf } from "../tensors.ts";
import type { Emit } from "./emit.ts";

/** NHWC as NCHW, and filters HWIO as OIHW (of a transposed convolution IOHW: its input has the channels K). */
export const channelsFirst: Order = [0, 3, 1, 2];
const filter: Order = [3, 2, 0, 1];

interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Sides;
  readonly dilation: Pair;
}

const windowOf = ({ kernel, stride, padding: [[top, bottom], [left, right]] }: Window): AttributeValues => ({
  kernel_shape: kernel,
  strides: stride,
  pads: [top, left, bottom, right],
});

/** The name, in NCHW, of a convolution. */
export function convolution(e: Emitter, node: Node, bias: readonly string[] = []): string {
  const [x, w] = node.inputs as readonly [Tensor, Tensor];
  const { dilation: dilations, groups: group } = node.params as Window & { groups: number };
  const operands = [e.get(x, channelsFirst), e.get(w, filter), ...bias];
  return e.node("Conv", operands, { ...windowOf(node.params), dilations, group });
}

const convTranspose: Emit = (e, node) => {
  const [x, w] = node.inputs as readonly [Tensor, Tensor];
  const {
    kernel,
    stride,
    padding,
    dilation,
    groups: group,
    size,
  } = node.params as Window & { groups: number; size: Pair };
  // what the stride leaves open: more cells at the end, or fewer
  const extra = ([0, 1] as const).map((d) => {
    const natural = (x.shape[d + 1]! - 1) * stride[d] + dilation[d] * (kernel[d] - 1) + 1;
    return size[d] - natural + padding[d][0] + padding[d][1];
  });
  const pads = [padding[0][0], padding[1][0], ...extra.map((n, d) => padding[d as 0 | 1][1] + Math.max(-n, 0))];
  const name = e.node("ConvTranspose", [e.get(x, channelsFirst), e.get(w, filter)], {
    ...{ kernel_shape: kernel, strides: stride, pads, dilations: dilation, group },
    output_padding: extra.map((n) => Math.max(n, 0)),
  });
  e.set(outputOf(node), name, channelsFirst);
};

/** The name, in NCHW, of a max pooling. */
export const maxPooling = (e: Emitter, { params }: Node, x: string): string =>
  e.node("MaxPool", [x], { ...windowOf(params), ceil_mode: Number(params.ceilMode) });

const avgPool: Emit = (e, node) => {
  const { ceilMode, countIncludePad } = node.params as { ceilMode: boolean; countIncludePad: boolean };
  const name = e.node("AveragePool", [e.get(node.inputs[0]!, channelsFirst)], {
    ...windowOf(node.params),
    ...{ ceil_mode: Number(ceilMode), count_include_pad: Number(countIncludePad) },
  });
  e.set(outputOf(node), name, channelsFirst);
};

/** Matrices that are held transposed go into a Gemm as they are. */
const matmul: Emit = (e, node) => {
  const y = outputOf(node);
  const operands = node.inputs;
  const turned = operands.map((t) => t.rank === 2 && String(e.orderOf(t)) === "1,0");
  if (y.rank !== 2 || !turned.includes(true)) {
    e.set(
      y,
      e.node(
        "MatMul",
        operands.map((t) => e.get(t)),
      ),
    );
    return;
  }
  const names = operands.map((t, k) => e.get(t, turned[k] ? [1, 0] : [0, 1]));
  e.set(y, e.node("Gemm", names, { transA: Number(turned[0]), transB: Number(turned[1]) }));
};

/** A reduction over axes of a value in the order that it has; the axes go, or are kept as 1. */
export function reduce(e: Emitter, opType: string, x: Tensor, axes: readonly number[], y: Tensor, keep = false): void {
  if (axes.length === 0) {
    e.setPermuted(y, x, identity(x.rank)); // which ONNX takes for all axes
    return;
  }
  const order = e.orderOf(x);
  const places = axes.map((d) => order.indexOf(d));
  const name = e.node(opType, [e.get(x, order), e.ints(places)], { keepdims: Number(keep) });
  const left = x.shape.map((_, d) => d).filter((d) => !axes.includes(d));
  const rest = order.filter((d) => left.includes(d)).map((d) => left.indexOf(d));
  e.set(y, name, keep ? order : rest);
}

const reduction =
  (opType: string): Emit =>
  (e, node) =>
    reduce(e, opType, node.inputs[0]!, node.params.axes, outputOf(node));

/** int64 of one axis; here i32. */
const extreme =
  (opType: string): Emit =>
  (e, node) => {
    const [axis, ...more] = node.params.axes as readonly number[];
    if (axis === undefined || more.length > 0)
      throw new UnsupportedError(
        `toOnnx: ${node.op.name} of several axes has no counterpart in ONNX; reshape them to one`,
      );
    const index = e.node(opType, [e.get(node.inputs[0]!)], { axis, keepdims: 0 });
    e.set(outputOf(node), e.node("Cast", [index], { to: codeOf("i32") }));
  };

/** m = max x and s = Σ exp(x − m), by their definition. */
const maxSumExp: Emit = (e, node) => {
  const axes = e.ints(node.params.axes);
  const x = e.get(node.inputs[0]!);
  const reduced = (opType: string, of: string, keepdims: number) => e.node(opType, [of, axes], { keepdims });
  const [m, s] = outputsOf(node) as [Tensor, Tensor];
  const exps = e.node("Exp", [e.node("Sub", [x, reduced("ReduceMax", x, 1)])]);
  e.set(m, reduced("ReduceMax", x, 0));
  e.set(s, reduced("ReduceSum", exps, 0));
};

export const reductions: Readonly<Record<string, Emit>> = {
  argmax: extreme("ArgMax"),
  argmin: extreme("ArgMin"),
  avgPool2d: avgPool,
  conv2d: (e, node) => e.set(outputOf(node), convolution(e, node), channelsFirst),
  conv2dInputGrad: convTranspose,
  matmul,
  max: reduction("ReduceMax"),
  maxPool2d: (e, node) =>
    e.set(outputOf(node), maxPooling(e, node, e.get(node.inputs[0]!, channelsFirst)), channelsFirst),
  maxSumExp,
  min: reduction("ReduceMin"),
  sum: reduction("ReduceSum"),
};
