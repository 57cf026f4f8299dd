// Reductions over any axes. Mean and variance are compositions of sum (compositions/reduce.ts).
import type { Combine, Op } from "../graph/op.ts";
import { allocate } from "../shape/ndarray.ts";
import { type DType, numel } from "../shape/types.ts";
import { type AxesParams, eachReduced, keptShape, readReduced, reducedExtents, restoreAxes } from "./axes.ts";
import { requireDtype } from "./define.ts";

interface Reduction {
  readonly name: Combine;
  /** dtype of the result. Default: the input's. */
  readonly dtype?: DType;
  /** The reduction of at least one value, in float64. */
  readonly f: (values: readonly number[]) => number;
  readonly gradient: Op<AxesParams>["gradient"];
}

function reduction({ name, dtype, f, gradient }: Reduction): Op<AxesParams> {
  return {
    name,
    type([x], { axes }) {
      requireDtype(name, "input", x!, "f32", "i32", "u32");
      return [{ dtype: dtype ?? x!.dtype, shape: keptShape(name, x!, axes) }];
    },
    reference([x], { axes }, [type]) {
      const data = allocate(type!.dtype, numel(type!.shape));
      eachReduced(x!, axes, (values, out) => {
        data[out] = f(values);
      });
      return [{ ...type!, data }];
    },
    kernel: { kind: "reduce", combine: name, extents: reducedExtents, term: readReduced },
    gradient,
  };
}

/** dx = dout along every reduced axis. */
export const sum = reduction({
  name: "sum",
  f: (values) => values.reduce((a, b) => a + b),
  gradient: ([d], { inputs: [x], params: { axes } }) => [restoreAxes(d!, x!, axes).broadcastTo(x!.shape)],
});

const extreme =
  (arg: "argmax" | "argmin"): Op<AxesParams>["gradient"] =>
  ([d], { inputs: [x], params: { axes } }) => {
    // one-hot over the reduced axes, which stand last; moved back to where they were
    const kept = x!.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    const order = [...kept, ...axes];
    const sizes = axes.map((i) => x!.shape[i]!);
    const hot = x!
      [arg](axes)
      .oneHot(sizes.reduce((n, s) => n * s, 1))
      .reshape(order.map((i) => x!.shape[i]!))
      .transpose(x!.shape.map((_, i) => order.indexOf(i)));
    return [restoreAxes(d!, x!, axes).mul(hot)];
  };

/** The whole gradient goes to the first maximum in row-major order. */
export const max = reduction({
  name: "max",
  f: (values) => values.reduce((a, b) => Math.max(a, b)),
  gradient: extreme("argmax"),
});

/** The whole gradient goes to the first minimum in row-major order. */
export const min = reduction({
  name: "min",
  f: (values) => values.reduce((a, b) => Math.min(a, b)),
  gradient: extreme("argmin"),
});

const first = (better: (x: number, best: number) => boolean) => (values: readonly number[]) =>
  values.reduce((best, x, i) => (better(x, values[best]!) ? i : best), 0);

/** The row-major index, over the reduced axes, of the first maximum. */
export const argmax = reduction({ name: "argmax", dtype: "i32", f: first((x, best) => x > best), gradient: null });

/** The row-major index, over the reduced axes, of the first minimum. */
export const argmin = reduction({ name: "argmin", dtype: "i32", f: first((x, best) => x < best), gradient: null });
