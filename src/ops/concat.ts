// Joins tensors along an axis.
import type { Index } from "../graph/affine.ts";
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate, eachIndex } from "../shape/ndarray.ts";
import { numel, printType, strides, type TensorType } from "../shape/types.ts";
import { commonDtype, literalOf } from "./define.ts";

export const concat: Op<{ axis: number }> = {
  name: "concat",
  type(inputs, { axis }) {
    const [first] = inputs;
    for (const x of inputs)
      if (x.shape.length !== first!.shape.length || x.shape.some((n, d) => d !== axis && n !== first!.shape[d]))
        throw new ShapeError(
          `concat: ${inputs.map(printType).join(", ")} differ in more than axis ${axis} ([${first!.shape}] vs [${x.shape}]); make the other sizes equal`,
        );
    const size = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [{ dtype: commonDtype("concat", ...inputs), shape: first!.shape.map((n, d) => (d === axis ? size : n)) }];
  },
  reference(inputs, { axis }, [type]) {
    const data = allocate(type!.dtype, numel(type!.shape));
    const s = strides(type!.shape);
    const starts = offsets(inputs, axis);
    inputs.forEach((x, k) => {
      eachIndex(x.shape, (index, flat) => {
        data[starts[k]! * s[axis]! + index.reduce((sum, i, d) => sum + i * s[d]!, 0)] = x.data[flat]!;
      });
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 2,
    element: (at, lower, { inputs, outputs: [y], params: { axis } }) => {
      const starts = offsets(inputs, axis);
      // the part that holds the index gives the value, the others pass on what the rest gives
      const part = (k: number, rest: string) => lower.readOr(k, shift(at, axis, starts[k]!), rest);
      return [inputs.reduceRight((rest, _, k) => part(k, rest), literalOf(y!.dtype, 0))];
    },
  },
  gradient: ([d], { inputs, params: { axis } }) =>
    d!.split(
      inputs.map((x) => x.shape[axis]!),
      axis,
    ),
};

/** Where each input starts along the axis. */
function offsets(inputs: readonly Pick<TensorType, "shape">[], axis: number): number[] {
  let end = 0;
  return inputs.map((x) => (end += x.shape[axis]!) - x.shape[axis]!);
}

const shift = (at: readonly Index[], axis: number, by: number): Index[] =>
  at.map((i, d) => (d === axis ? i.sub(by) : i));
