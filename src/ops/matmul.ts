// Matrix multiplication: y[…, m, n] = Σₖ a[…, m, k]·b[…, k, n], batch dimensions broadcast. Transposed operands are views, which the
// planner folds into the loads: NN, NT and TN all come from here, with no copy.
import type { Op } from "../graph/op.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate, eachIndex } from "../shape/ndarray.ts";
import { numel, printType, strides } from "../shape/types.ts";
import { broadcastIndex, requireDtype } from "./define.ts";

export const matmul: Op<Record<string, never>> = {
  name: "matmul",
  type([a, b]) {
    requireDtype("matmul", "a", a!, "f32");
    requireDtype("matmul", "b", b!, "f32");
    if (a!.shape.length < 2 || b!.shape.length < 2)
      throw new ShapeError(
        `matmul: operands need rank ≥ 2, got ${printType(a!)} and ${printType(b!)}; reshape a vector to [1,n] or [n,1], or use outer`,
      );
    const [m, k] = a!.shape.slice(-2);
    const [k2, n] = b!.shape.slice(-2);
    if (k !== k2)
      throw new ShapeError(
        `matmul: inner sizes differ, ${printType(a!)} and ${printType(b!)} (${k} vs ${k2}); transpose one or check the layer sizes`,
      );
    return [
      { dtype: "f32", shape: [...broadcastShapes("matmul", a!.shape.slice(0, -2), b!.shape.slice(0, -2)), m!, n!] },
    ];
  },
  reference([a, b], _params, [type]) {
    const { shape } = type!;
    const data = allocate("f32", numel(shape));
    const [k] = a!.shape.slice(-1);
    const batch = (x: readonly number[], index: readonly number[]) => {
      const s = strides(x);
      const skip = shape.length - x.length;
      return x.slice(0, -2).reduce((sum, size, d) => sum + (size === 1 ? 0 : s[d]! * index[d + skip]!), 0);
    };
    const n = b!.shape.at(-1)!;
    eachIndex(shape, (index, flat) => {
      const row = batch(a!.shape, index) + index.at(-2)! * k!;
      const column = batch(b!.shape, index) + index.at(-1)!;
      let sum = 0;
      for (let i = 0; i < k!; i++) sum += a!.data[row + i]! * b!.data[column + i * n]!;
      data[flat] = sum;
    });
    return [{ dtype: "f32", shape, data }];
  },
  kernel: {
    kind: "reduce",
    combine: "sum",
    extents: ({ inputs: [a] }) => [a!.shape.at(-1)!],
    term(at, [k], lower, { inputs: [a, b] }) {
      const batch = at.slice(0, -2);
      const batchOf = (shape: readonly number[]) =>
        shape.length === 2 ? [] : broadcastIndex(batch, shape.slice(0, -2));
      return [
        lower.read(0, [...batchOf(a!.shape), at.at(-2)!, k!]),
        lower.read(1, [...batchOf(b!.shape), k!, at.at(-1)!]),
      ];
    },
  },
  gradient: ([d], { inputs: [a, b] }) => [d!.matmul(b!.transpose()), a!.transpose().matmul(d!)],
};
