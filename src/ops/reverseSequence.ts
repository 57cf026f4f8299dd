// Reverses each sequence of a batch within its own length; what lies behind stays. Its own inverse, and so its own gradient.
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate } from "../shape/ndarray.ts";
import { numel, printType } from "../shape/types.ts";
import { requireDtype } from "./define.ts";

/** (x [T,B,…], lengths i32[B]) → y[t,b,…] = x[length_b − 1 − t, b, …] where t < length_b, else x[t,b,…]. Lengths are in 0 … T. */
export const reverseSequence: Op<Record<string, never>> = {
  name: "reverseSequence",
  type([x, lengths]) {
    requireDtype("reverseSequence", "lengths", lengths!, "i32");
    if (x!.shape.length < 2 || lengths!.shape.length !== 1 || lengths!.shape[0] !== x!.shape[1])
      throw new ShapeError(
        `reverseSequence: x must be [T, B, …] with lengths [B], got ${printType(x!)} and ${printType(lengths!)} (${lengths!.shape} vs ${x!.shape[1]}); give one length a sequence`,
      );
    return [x!];
  },
  reference([x, lengths], _params, [type]) {
    const [T, B] = type!.shape as [number, number];
    const size = numel(type!.shape.slice(2));
    const data = allocate(type!.dtype, numel(type!.shape));
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++) {
        const length = lengths!.data[b]!;
        const from = (t < length ? length - 1 - t : t) * B + b;
        for (let k = 0; k < size; k++) data[(t * B + b) * size + k] = x!.data[from * size + k]!;
      }
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 2,
    element([t, b, ...rest], lower, { inputs: [x] }) {
      const length = lower.let(lower.read(1, [b!]));
      const now = lower.text(t!);
      const from = lower.index(`select(${now}, ${length} - 1 - (${now}), ${now} < ${length})`, x!.shape[0]!);
      return [lower.read(0, [from, b!, ...rest])];
    },
  },
  gradient: ([d], { inputs: [, lengths], apply }) => [apply(reverseSequence, [d!, lengths!], {})[0]!, null],
};
