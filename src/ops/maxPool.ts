// Max pooling. The forward pass also gives `code`, the position (row-major, within the window) of the maximum; given the code, the
// gradient is linear, and its transpose is a gather:
//
//   maxPool2d        y[o] = max over taps x[cell(o, t)],  code[o] = the first t that has it; padding acts as −∞
//   maxPool2dGrad    dx[h] = Σ over the windows o that cover h: dy[o] where cell(o, code[o]) = h
//   maxPool2dGather  y[o] = x[cell(o, code[o])]
//
// The gradient is read where it is needed (one code a window), never scattered.
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate, eachIndex } from "../shape/ndarray.ts";
import { numel, printType, sameShape, type TensorType } from "../shape/types.ts";
import { literal, requireDtype } from "./define.ts";
import {
  cell,
  cellOf,
  covers,
  eachTap,
  type PoolGradParams,
  type PoolParams,
  pooledShape,
  unpooledShape,
} from "./pool.ts";

function requireCode(op: string, code: TensorType, shape: readonly number[]): void {
  requireDtype(op, "the code", code, "i32");
  if (!sameShape(code.shape, shape))
    throw new ShapeError(
      `${op}: code must have the shape of the pooled tensor, got ${printType(code)} ([${code.shape}] vs [${shape}]); take it from maxPool2d`,
    );
}

/** x [N,H,W,C] → y [N,Ho,Wo,C] and its code. A NaN in the window wins. */
export const maxPool2d: Op<PoolParams> = {
  name: "maxPool2d",
  type([x], p) {
    const shape = pooledShape("maxPool2d", x!, p);
    return [
      { dtype: "f32", shape },
      { dtype: "i32", shape },
    ];
  },
  reference([x], p, types) {
    const [y, code] = types.map((t) => ({ ...t, data: allocate(t.dtype, numel(t.shape)) }));
    eachIndex(y!.shape, (index, out) => {
      let best = Number.NEGATIVE_INFINITY;
      let at = -1;
      eachTap(p, (position, i, j) => {
        const from = cellOf(index, i, j, x!.shape, p);
        if (from < 0) return;
        const v = x!.data[from]!;
        if (at < 0 || v > best || Number.isNaN(v)) [best, at] = [v, position];
      });
      y!.data[out] = best;
      code!.data[out] = at;
    });
    return [y!, code!];
  },
  kernel: {
    kind: "map",
    cost: 4,
    element([n, ho, wo, c], lower, { params: p }) {
      const lowest = literal(Number.NEGATIVE_INFINITY);
      const taps = eachTap(p, (position, i, j) => ({
        position,
        v: lower.let(lower.readOr(0, [n!, cell(0, ho!, i, p), cell(1, wo!, j, p), c!], lowest)),
      }));
      let best = taps[0]!.v;
      let code = "0";
      for (const { position, v } of taps.slice(1)) {
        const wins = lower.let(`((${v} > ${best}) | (${v} != ${v}))`);
        best = lower.let(`select(${best}, ${v}, ${wins})`);
        code = lower.let(`select(${code}, ${position}, ${wins})`);
      }
      return [best, code];
    },
  },
  gradient: ([d], { inputs: [x], outputs: [, code], params, apply }) =>
    d ? apply(maxPool2dGrad, [d, code!], { ...params, size: [x!.shape[1]!, x!.shape[2]!] }) : [null],
};

/** (dy [N,Ho,Wo,C], code) → dx [N,H,W,C] */
export const maxPool2dGrad: Op<PoolGradParams> = {
  name: "maxPool2dGrad",
  type([dy, code], p) {
    requireDtype("maxPool2dGrad", "dy", dy!, "f32");
    requireCode("maxPool2dGrad", code!, dy!.shape);
    return [{ dtype: "f32", shape: unpooledShape("maxPool2dGrad", dy!, p) }];
  },
  reference([dy, code], p, [type]) {
    const data = allocate("f32", numel(type!.shape));
    eachIndex(dy!.shape, (index, flat) => {
      const t = code!.data[flat]!;
      const to = cellOf(index, Math.floor(t / p.kernel[1]), t % p.kernel[1], type!.shape, p);
      if (to >= 0) data[to]! += dy!.data[flat]!;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 2,
    element(at, lower, { params: p }) {
      const terms = covers(at, lower, p).map((o) => {
        const code = lower.readOr(1, o.at, "-1", o.inside);
        const dy = lower.readOr(0, o.at, "0.0f", o.inside);
        return `select(0.0f, ${dy}, ${code} == ${lower.text(o.position)})`;
      });
      return [`(${terms.join(" + ")})`];
    },
  },
  gradient: ([d], { inputs: [, code], params, apply }) => [apply(maxPool2dGather, [d!, code!], params)[0]!, null],
};

/** (x [N,H,W,C], code) → y [N,Ho,Wo,C] */
export const maxPool2dGather: Op<PoolParams> = {
  name: "maxPool2dGather",
  type([x, code], p) {
    const shape = pooledShape("maxPool2dGather", x!, p);
    requireCode("maxPool2dGather", code!, shape);
    return [{ dtype: "f32", shape }];
  },
  reference([x, code], p, [type]) {
    const data = allocate("f32", numel(type!.shape));
    eachIndex(type!.shape, (index, flat) => {
      const t = code!.data[flat]!;
      const from = cellOf(index, Math.floor(t / p.kernel[1]), t % p.kernel[1], x!.shape, p);
      data[flat] = from < 0 ? 0 : x!.data[from]!;
    });
    return [{ ...type!, data }];
  },
  kernel: {
    kind: "map",
    cost: 2,
    element([n, ho, wo, c], lower, { params: p }) {
      const code = lower.index(lower.read(1, [n!, ho!, wo!, c!]), p.kernel[0] * p.kernel[1]);
      return [
        lower.readOr(
          0,
          [n!, cell(0, ho!, code.div(p.kernel[1]), p), cell(1, wo!, code.mod(p.kernel[1]), p), c!],
          "0.0f",
        ),
      ];
    },
  },
  gradient: ([d], { inputs: [x, code], params, apply }) => [
    apply(maxPool2dGrad, [d!, code!], { ...params, size: [x!.shape[1]!, x!.shape[2]!] })[0]!,
    null,
  ],
};
