// Sources, and ops that move, pick and join elements.
import type { Node } from "../../graph/node.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import { iota, type Tensor } from "../../tensor.ts";
import { type Emitter, identity, outputOf, type Size } from "../emitter.ts";
import { codeOf } from "../tensors.ts";
import type { Emit } from "./emit.ts";

const isOpen = (size: Size | undefined): boolean => typeof size === "object";

/** One open size of a reshape follows from the others. */
const reshape: Emit = (e, node) => {
  const y = outputOf(node);
  const sizes = e.sizes(y);
  const open = sizes.filter(isOpen).length;
  const shape = open > 1 ? e.shape(sizes) : e.ints(sizes.map((size) => (typeof size === "number" ? size : -1)));
  e.set(y, e.node("Reshape", [e.get(node.inputs[0]!), shape]));
};

const broadcastTo: Emit = (e, node) => {
  const y = outputOf(node);
  e.set(y, e.node("Expand", [e.get(node.inputs[0]!), e.shape(e.sizes(y))]));
};

interface Slice {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

/** Axes that are taken whole are left out, so that an open one need not be known. */
const slice: Emit = (e, node) => {
  const x = node.inputs[0]!;
  const { starts, ends, steps } = node.params as Slice;
  const sizes = e.sizes(x);
  const axes = identity(x.rank).filter((d) => starts[d] !== 0 || ends[d] !== x.shape[d] || steps[d] !== 1);
  if (axes.some((d) => isOpen(sizes[d])))
    throw new UnsupportedError(
      `toOnnx: slice takes a part of the batch; export the model for one batch, { batch: "fixed" }`,
    );
  const order = e.orderOf(x);
  const list = (values: readonly number[]) => e.ints(axes.map((d) => values[d]!));
  const places = e.ints(axes.map((d) => order.indexOf(d)));
  e.set(outputOf(node), e.node("Slice", [e.get(x, order), list(starts), list(ends), places, list(steps)]), order);
};

/** Before the first element, to a step of −1. */
const beforeAll = -(2 ** 31);

/** The name of a value whose axes, as the value is held, are reversed. */
export const reversed = (e: Emitter, name: string, axes: readonly number[]): string => {
  const each = (value: number) => e.ints(axes.map(() => value));
  return e.node("Slice", [name, each(-1), each(beforeAll), e.ints(axes), each(-1)]);
};

const flip: Emit = (e, node) => {
  const x = node.inputs[0]!;
  const order = e.orderOf(x);
  const axes = (node.params.axes as readonly number[]).map((d) => order.indexOf(d));
  e.set(outputOf(node), reversed(e, e.get(x, order), axes), order);
};

interface Pad {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

const pad: Emit = (e, node) => {
  const x = node.inputs[0]!;
  const { low, high, interior, value } = node.params as Pad;
  if (interior.some((n) => n > 0))
    throw new UnsupportedError("toOnnx: pad between elements has no counterpart in ONNX");
  const order = e.orderOf(x);
  const counts = e.ints([...order.map((d) => low[d]!), ...order.map((d) => high[d]!)]);
  e.set(outputOf(node), e.node("Pad", [e.get(x, order), counts, e.scalar(x.dtype, value)]), order);
};

const concat: Emit = (e, node) => {
  const [first] = node.inputs;
  const order = e.orderOf(node.inputs.find((t) => !e.known(t)) ?? first!);
  const axis = order.indexOf(node.params.axis as number);
  e.set(
    outputOf(node),
    e.node(
      "Concat",
      node.inputs.map((t) => e.get(t, order)),
      { axis },
    ),
    order,
  );
};

/** Indices of ONNX are int32 or int64. */
const indicesOf = (e: Emitter, t: Tensor): string =>
  t.dtype === "i32" ? e.get(t) : e.node("Cast", [e.get(t)], { to: codeOf("i32") });

const gather: Emit = (e, node) => {
  const [table, indices] = node.inputs as readonly [Tensor, Tensor];
  e.set(outputOf(node), e.node("Gather", [e.get(table), indicesOf(e, indices)], { axis: node.params.axis }));
};

/** ONNX wants an axis of indices. */
const oneHot: Emit = (e, node) => {
  const { depth } = node.params as { depth: number };
  const [indices] = node.inputs as readonly [Tensor];
  const front = e.ints([0]);
  const values = e.node(
    "Concat",
    [0, 1].map((v) => e.node("Unsqueeze", [e.scalar("f32", v), front])),
    { axis: 0 },
  );
  const given = indicesOf(e, indices);
  const list = indices.rank === 0 ? e.node("Unsqueeze", [given, front]) : given;
  const hot = e.node("OneHot", [list, e.scalar("i32", depth), values], { axis: -1 });
  e.set(outputOf(node), indices.rank === 0 ? e.node("Squeeze", [hot, front]) : hot);
};

const reverseSequence: Emit = (e, node) => {
  const [x, lengths] = node.inputs as readonly [Tensor, Tensor];
  const long = e.node("Cast", [e.get(lengths)], { to: 7 });
  e.set(outputOf(node), e.node("ReverseSequence", [e.get(x), long], { time_axis: 0, batch_axis: 1 }));
};

/** A source whose size is open: that of one batch with a 1 there, stretched. */
const stretched =
  (write: (e: Emitter, node: Node, sizes: readonly number[]) => string): Emit =>
  (e, node) => {
    const y = outputOf(node);
    const sizes = e.sizes(y);
    const closed = sizes.map((size) => (typeof size === "number" ? size : 1));
    e.set(y, e.node("Expand", [write(e, node, closed), e.shape(sizes)]));
  };

export const views: Readonly<Record<string, Emit>> = {
  broadcastTo,
  concat,
  flip,
  full: stretched((e, { params: { type, value } }) => e.scalar(type.dtype, value)),
  gather,
  iota: stretched((e, node, sizes) => {
    const { type, axis } = node.params;
    if (isOpen(e.sizes(outputOf(node))[axis]))
      throw new UnsupportedError(`toOnnx: iota counts the batch; export the model for one batch, { batch: "fixed" }`);
    return e.get(iota({ dtype: type.dtype, shape: sizes }, axis));
  }),
  oneHot,
  pad,
  reshape,
  reverseSequence,
  slice,
  transpose: (e, node) => e.setPermuted(outputOf(node), node.inputs[0]!, node.params.permutation),
};
