// Operators that make, move, pick and join elements, and those that compute with shapes.
import * as recurrence from "../../compositions/recurrence.ts";
import { FormatError, UnsupportedError } from "../../shape/errors.ts";
import { numel } from "../../shape/types.ts";
import { concat, constant, full, iota, type Tensor } from "../../tensor.ts";
import type { Attributes } from "../attributes.ts";
import { axisOf, type Builder, type Operator, one } from "../operator.ts";

function reshape(n: Operator): Tensor {
  const [x, wanted] = [n.get(0), n.values(1) ?? n.attributes.numbers("shape")];
  const shape = wanted.map((m, d) => (m === 0 && !n.attributes.flag("allowzero") ? (x.shape[d] ?? 0) : m));
  const known = shape.reduce((a, b) => (b === -1 ? a : a * b), 1);
  return x.reshape(shape.map((m) => (m === -1 ? numel(x.shape) / known : m)));
}

function flatten(x: Tensor, a: Attributes): Tensor {
  const axis = axisOf(a.number("axis", 1), x.rank);
  return x.reshape([numel(x.shape.slice(0, axis)), numel(x.shape.slice(axis))]);
}

function unsqueeze(n: Operator): Tensor {
  const axes = n.values(1) ?? n.attributes.numbers("axes");
  return n.get(0).unsqueeze(axes);
}

function squeeze(n: Operator): Tensor {
  const axes = n.values(1) ?? (n.attributes.has("axes") ? n.attributes.numbers("axes") : undefined);
  return n.get(0).squeeze(axes);
}

/** Sizes stretch both ways: a 1 of the shape stays what x has. */
function expand(n: Operator): Tensor {
  const [x, wanted] = [n.get(0), n.values(1) ?? []];
  const rank = Math.max(x.rank, wanted.length);
  const own = (d: number) => x.shape[d - rank + x.rank] ?? 1;
  const size = (d: number) => wanted[d - rank + wanted.length] ?? 1;
  return x.broadcastTo(Array.from({ length: rank }, (_, d) => (size(d) === 1 ? own(d) : size(d))));
}

function tile(n: Operator): Tensor {
  const [x, repeats] = [n.get(0), n.values(1) ?? []];
  const beside = x.unsqueeze(x.shape.map((_, d) => 2 * d)); // [1, a, 1, b, …]
  const spread = beside.broadcastTo(beside.shape.map((size, d) => (d % 2 ? size : (repeats[d / 2] ?? 1))));
  return spread.reshape(x.shape.map((size, d) => size * (repeats[d] ?? 1)));
}

/** Starts and ends are cut to the axis; a negative step walks backwards, down to but not including the end. */
function slice(n: Operator): Tensor {
  const [x, a] = [n.get(0), n.attributes];
  const starts = n.values(1) ?? a.numbers("starts");
  const ends = n.values(2) ?? a.numbers("ends");
  const axes =
    n.values(3) ??
    a.numbers(
      "axes",
      starts.map((_, i) => i),
    );
  const steps = n.values(4) ?? starts.map(() => 1);
  const part = { starts: x.shape.map(() => 0), ends: [...x.shape], steps: x.shape.map(() => 1) };
  const backwards: number[] = [];
  for (const [i, given] of axes.entries()) {
    const d = axisOf(given, x.rank);
    const [size, step] = [x.shape[d] as number, steps[i] as number];
    const cut = (at: number, least: number, most: number) => Math.min(Math.max(at < 0 ? at + size : at, least), most);
    if (step > 0) {
      part.starts[d] = cut(starts[i] as number, 0, size);
      part.ends[d] = cut(ends[i] as number, 0, size);
    } else {
      backwards.push(d); // of the reversed axis: from size − 1 − start to size − 1 − end
      part.starts[d] = size - 1 - cut(starts[i] as number, 0, size - 1);
      part.ends[d] = size - 1 - cut(ends[i] as number, -1, size - 1);
    }
    part.steps[d] = Math.abs(step);
  }
  const sizes = x.shape.map((_, d) => Math.max(Math.ceil((part.ends[d]! - part.starts[d]!) / part.steps[d]!), 0));
  if (sizes.includes(0)) return full({ dtype: x.dtype, shape: sizes }, 0);
  return (backwards.length > 0 ? x.flip(backwards) : x).slice(part.starts, part.ends, part.steps);
}

/** Negative counts cut. */
function pad(n: Operator): Tensor {
  const [x, a] = [n.get(0), n.attributes];
  const mode = a.text("mode", "constant");
  if (mode !== "constant") throw new UnsupportedError(`padding by ${mode}`);
  const counts = n.values(1) ?? a.numbers("pads");
  const value = n.values(2)?.[0] ?? a.number("value", 0);
  const axes = (n.values(3) ?? x.shape.map((_, d) => d)).map((axis) => axisOf(axis, x.rank));
  const side = (from: number) =>
    x.shape.map((_, d) => (axes.includes(d) ? counts[from + axes.indexOf(d)] : 0) as number);
  const [low, high] = [side(0), side(axes.length)];
  const whole = x.slice(
    low.map((count) => Math.max(-count, 0)),
    x.shape.map((size, d) => size - Math.max(-(high[d] as number), 0)),
  );
  const added = (list: readonly number[]) => list.map((count) => Math.max(count, 0));
  return whole.pad(added(low), added(high), value);
}

/** Indices may count from the end. */
function gather(n: Operator): Tensor {
  const [x, indices] = [n.get(0), n.get(1)];
  const axis = axisOf(n.attributes.number("axis", 0), x.rank);
  const negative = !n.knows(1) || n.values(1)?.some((i) => i < 0);
  const wrapped =
    negative && indices.dtype === "i32" ? indices.add(x.shape[axis] ?? 0).where(indices.less(0), indices) : indices;
  return x.gather(wrapped, axis);
}

function split(n: Operator): Tensor[] {
  const [x, a] = [n.get(0), n.attributes];
  const axis = axisOf(a.number("axis", 0), x.rank);
  const sizes = n.values(1) ?? (a.has("split") ? a.numbers("split") : undefined);
  if (sizes) return x.split(sizes, axis);
  const [size, count] = [x.shape[axis] as number, n.outputs.length];
  const each = Math.ceil(size / count);
  return x.split(
    n.outputs.map((_, i) => Math.min(each, size - i * each)),
    axis,
  );
}

/** The shape from `start` on to `end`: known, as all shapes are. */
function shape(n: Operator): Tensor {
  const [x, a] = [n.get(0), n.attributes];
  const sizes = x.shape.slice(a.number("start", 0), a.has("end") ? a.number("end") : undefined);
  if (sizes.length === 0) throw new UnsupportedError("the shape of a scalar, which has no elements");
  return constant({ dtype: "i32", shape: [sizes.length] }, sizes);
}

function constantOfShape(n: Operator): Tensor {
  const filling = n.attributes.has("value") ? n.attributes.array("value") : undefined;
  return full({ dtype: filling?.dtype ?? "f32", shape: n.values(0) ?? [] }, filling?.data[0] ?? 0);
}

function constantOf(n: Operator): Tensor {
  const a = n.attributes;
  if (a.has("value")) {
    const { dtype, shape, data } = a.array("value");
    return constant({ dtype, shape }, [...data]);
  }
  for (const [name, dtype] of [
    ["value_float", "f32"],
    ["value_int", "i32"],
  ] as const)
    if (a.has(name)) return full({ dtype, shape: [] }, a.number(name));
  for (const [name, dtype] of [
    ["value_floats", "f32"],
    ["value_ints", "i32"],
  ] as const)
    if (a.has(name)) return constant({ dtype, shape: [a.numbers(name).length] }, a.numbers(name));
  throw new UnsupportedError("a constant that is no tensor of numbers");
}

function range(n: Operator): Tensor {
  const [start = 0, limit = 0, delta = 1] = [0, 1, 2].map((k) => n.values(k)?.[0]);
  const count = Math.max(Math.ceil((limit - start) / delta), 0);
  if (!Number.isSafeInteger(count)) throw new FormatError(`a range from ${start} to ${limit} by ${delta}`);
  return iota({ dtype: n.get(0).dtype, shape: [count] })
    .mul(delta)
    .add(start);
}

/** Values are [off, on]; indices may count from the end. */
function oneHot(n: Operator): Tensor {
  const [indices, depth, values] = [n.get(0).cast("i32"), n.values(1)?.[0] ?? 0, n.get(2)];
  const hot = indices.add(depth).where(indices.less(0), indices).oneHot(depth);
  const axis = axisOf(n.attributes.number("axis", -1), hot.rank);
  const order = hot.shape.map((_, d) => (d === axis ? hot.rank - 1 : d < axis ? d : d - 1));
  const [off, on] = values.split(2, 0) as [Tensor, Tensor];
  return on.where(hot.transpose(order).greater(0), off);
}

function reverseSequence(n: Operator): Tensor {
  const a = n.attributes;
  const timeFirst = a.number("time_axis", 0) === 0 && a.number("batch_axis", 1) === 1;
  const [x, lengths] = [n.get(0), n.get(1).cast("i32")];
  if (timeFirst) return recurrence.reverseSequence(x, lengths);
  const swapped = (t: Tensor) => t.transpose(t.shape.map((_, d) => (d < 2 ? 1 - d : d)));
  return swapped(recurrence.reverseSequence(swapped(x), lengths));
}

export const views: Readonly<Record<string, Builder>> = {
  Concat: one((n) => concat(n.filled(0), n.attributes.number("axis", 1))),
  Constant: one(constantOf),
  ConstantOfShape: one(constantOfShape),
  Expand: one(expand),
  Flatten: one((n) => flatten(n.get(0), n.attributes)),
  Gather: one(gather),
  OneHot: one(oneHot),
  Pad: one(pad),
  Range: one(range),
  Reshape: one(reshape),
  ReverseSequence: one(reverseSequence),
  Shape: one(shape),
  Size: one((n) => full({ dtype: "i32", shape: [] }, numel(n.get(0).shape))),
  Slice: one(slice),
  Split: split,
  Squeeze: one(squeeze),
  Tile: one(tile),
  Transpose: one((n) =>
    n.get(0).transpose(
      n.attributes.numbers(
        "perm",
        n
          .get(0)
          .shape.map((_, d) => d)
          .reverse(),
      ),
    ),
  ),
  Unsqueeze: one(unsqueeze),
};
