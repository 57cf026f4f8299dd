// Softmax and its kin, numerically stable: everything is made of m = max x and s = Σ exp(x − m), one pass over the logits.
// softmax = exp(x − m)/s, log-softmax = (x − m) − log s, log-sum-exp = m + log s: compositions (compositions/softmax.ts).
// The online pass over m and s is that of Milakov and Gimelshein, https://arxiv.org/abs/1805.02867.
import type { Op } from "../graph/op.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import { allocate } from "../shape/ndarray.ts";
import { numel, printType, sameShape } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { type AxesParams, eachReduced, keptShape, readReduced, reducedExtents, restoreAxes } from "./axes.ts";
import { requireDtype } from "./define.ts";

/** Outputs m = max x and s = Σ exp(x − m) over the axes. m is a shift for range only: what is made of (m, s) must not change
 *  when (m, s) becomes (m + c, s·e⁻ᶜ). Then m may be held constant in the gradient: dx = ds·exp(x − m), exact, at every order. */
export const maxSumExp: Op<AxesParams> = {
  name: "maxSumExp",
  type([x], { axes }) {
    requireDtype("maxSumExp", "input", x!, "f32");
    const shape = keptShape("maxSumExp", x!, axes);
    return [
      { dtype: "f32", shape },
      { dtype: "f32", shape },
    ];
  },
  reference([x], { axes }, types) {
    const [m, s] = types.map((t) => ({ ...t, data: allocate(t.dtype, numel(t.shape)) }));
    eachReduced(x!, axes, (values, out) => {
      const max = values.reduce((a, b) => Math.max(a, b));
      m!.data[out] = max;
      s!.data[out] = values.reduce((sum, v) => sum + Math.exp(v - max), 0);
    });
    return [m!, s!];
  },
  kernel: { kind: "reduce", combine: "maxSumExp", extents: reducedExtents, term: readReduced },
  gradient: ([, ds], { inputs: [x], outputs: [m], params: { axes } }) => [
    ds && restoreAxes(ds, x!, axes).mul(x!.sub(restoreAxes(m!, x!, axes)).exp()),
  ],
};

/** (logits f32[…, C], m f32[…], s f32[…] of maxSumExp over the last axis, label i32[…]) → loss f32[…]:
 *
 *    loss = −log softmax(logits)[label] = (m − logits[label]) + log s
 *    dlogits = dloss·(exp(logits − m)/s − onehot(label))
 *
 *  dlogits takes m and s as functions of the logits, so that none is left for them and the backward pass is one expression.
 *  A label out of range is an error of the CPU reference; a GPU reads the nearest. */
export const softmaxCrossEntropy: Op<Record<string, never>> = {
  name: "softmaxCrossEntropy",
  type([x, m, s, label]) {
    const op = "softmaxCrossEntropy";
    requireDtype(op, "logits", x!, "f32");
    requireDtype(op, "label", label!, "i32", "u32", "u8");
    if (x!.shape.length === 0)
      throw new ShapeError(`${op}: logits must have a class axis, got ${printType(x!)}; add one`);
    const shape = x!.shape.slice(0, -1);
    for (const t of [m!, s!, label!])
      if (!sameShape(t.shape, shape))
        throw new ShapeError(
          `${op}: label must have the shape of the logits but for the last axis, got ${printType(x!)} and ${printType(t)} ([${t.shape}] vs [${shape}]); one label a row`,
        );
    return [{ dtype: "f32", shape }];
  },
  reference([x, m, s, label], _params, [type]) {
    const classes = x!.shape.at(-1)!;
    const data = allocate("f32", numel(type!.shape)).map((_, row) => {
      const c = label!.data[row]!;
      if (!(c >= 0 && c < classes))
        throw new ValueError(
          `softmaxCrossEntropy: label ${c} of row ${row} is no class (${c} vs 0 … ${classes - 1}); check the labels, or give ignoreIndex`,
        );
      return m!.data[row]! - x!.data[row * classes + c]! + Math.log(s!.data[row]!);
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 8,
    element(at, lower, { inputs: [x] }) {
      const label = lower.index(lower.read(3, at), x!.shape.at(-1)!);
      return [`((${lower.read(1, at)} - ${lower.read(0, [...at, label])}) + log(${lower.read(2, at)}))`];
    },
  },
  gradient: ([d], { inputs: [x, m, s, label] }) => {
    const column = (t: Tensor) => restoreAxes(t, x!, [x!.rank - 1]);
    const p = x!.sub(column(m!)).exp().div(column(s!));
    return [column(d!).mul(p.sub(label!.oneHot(x!.shape.at(-1)!))), null, null, null];
  },
};
