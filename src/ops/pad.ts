// Padding: `low` and `high` elements of `value` before and after each dimension, and `interior` ones between its elements
// (dilation). Interior padding makes the set closed: the gradient of a strided slice is a pad, that of a pad a strided slice.
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType, strides } from "../shape/types.ts";
import { gatherReference, literalOf } from "./define.ts";

export interface PadParams {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

export const pad: Op<PadParams> = {
  name: "pad",
  type([x], { low, high, interior }) {
    for (const d of x!.shape.keys())
      for (const [what, list] of Object.entries({ low, high, interior }))
        if (!(Number.isInteger(list[d]) && list[d]! >= 0))
          throw new ShapeError(
            `pad: ${what} of dimension ${d} of ${printType(x!)} must be a count (${list[d]} vs ≥ 0); slice to crop`,
          );
    return [
      { dtype: x!.dtype, shape: x!.shape.map((n, d) => low[d]! + n + Math.max(n - 1, 0) * interior[d]! + high[d]!) },
    ];
  },
  reference([x], { low, interior, value }, [type]) {
    const s = strides(x!.shape);
    const from = (index: readonly number[]) => {
      let flat = 0;
      for (const [d, n] of x!.shape.entries()) {
        const i = (index[d]! - low[d]!) / (interior[d]! + 1);
        if (!Number.isInteger(i) || i < 0 || i >= n) return -1;
        flat += i * s[d]!;
      }
      return flat;
    };
    return [gatherReference(x!, type!, from, value)];
  },
  kernel: {
    kind: "map",
    cost: 1,
    element(at, lower, { inputs: [x], params: { low, interior, value } }) {
      const offset = at.map((i, d) => i.sub(low[d]!));
      const onGrid = offset.map((i, d) => lower.multiple(i, interior[d]! + 1)).filter((c) => c !== "true");
      return [
        lower.readOr(
          0,
          offset.map((i, d) => i.div(interior[d]! + 1)),
          literalOf(x!.dtype, value),
          onGrid.length ? onGrid.join(" && ") : undefined,
        ),
      ];
    },
  },
  gradient: ([d], { inputs: [x], params: { low, interior } }) => [
    d!.slice(
      low,
      x!.shape.map((n, i) => low[i]! + (n - 1) * (interior[i]! + 1) + 1),
      interior.map((n) => n + 1),
    ),
  ],
};
