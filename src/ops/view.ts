// Views: elements moved, never changed. None of them runs on its own if whoever reads it can look through it.
import { Index, unflatten } from "../graph/affine.ts";
import { ShapeError } from "../shape/errors.ts";
import { numel, printType, strides } from "../shape/types.ts";
import { broadcastIndex, flatIndex, gatherReference, view } from "./define.ts";

export const reshape = view<{ shape: readonly number[] }>({
  name: "reshape",
  type([x], { shape }) {
    if (numel(shape) !== numel(x!.shape))
      throw new ShapeError(
        `reshape: ${printType(x!)} does not fit [${shape}] (${numel(x!.shape)} vs ${numel(shape)} elements); the product of the sizes must stay`,
      );
    return [{ dtype: x!.dtype, shape: [...shape] }];
  },
  source: (at, { inputs: [x], outputs: [y] }) => ({ at: unflatten(flatIndex(at, y!.shape, Index.of(0)), x!.shape) }),
  reference: ([x], _p, [type]) => [{ ...x!, shape: type!.shape }],
  gradient: ([d], { inputs: [x] }) => [d!.reshape(x!.shape)],
});

export const transpose = view<{ permutation: readonly number[] }>({
  name: "transpose",
  type([x], { permutation: p }) {
    if (p.length !== x!.shape.length || [...p].sort((a, b) => a - b).some((d, i) => d !== i))
      throw new ShapeError(
        `transpose: [${p}] is no permutation of the axes of ${printType(x!)}; name each of 0 … ${x!.shape.length - 1} once`,
      );
    return [{ dtype: x!.dtype, shape: p.map((d) => x!.shape[d]!) }];
  },
  source: (at, { params: { permutation: p } }) => ({ at: p.map((_, d) => at[p.indexOf(d)]!) }),
  reference([x], { permutation: p }, [type]) {
    const s = strides(x!.shape);
    return [gatherReference(x!, type!, (index) => index.reduce((sum, i, d) => sum + i * s[p[d]!]!, 0))];
  },
  gradient: ([d], { params: { permutation: p } }) => [d!.transpose(p.map((_, i) => p.indexOf(i)))],
});

export const broadcastTo = view<{ shape: readonly number[] }>({
  name: "broadcastTo",
  type([x], { shape }) {
    const skip = shape.length - x!.shape.length;
    if (skip < 0 || x!.shape.some((n, d) => n !== 1 && n !== shape[d + skip]))
      throw new ShapeError(`broadcastTo: ${printType(x!)} does not broadcast to [${shape}]; sizes must be equal or 1`);
    return [{ dtype: x!.dtype, shape: [...shape] }];
  },
  source: (at, { inputs: [x] }) => ({ at: broadcastIndex(at, x!.shape) }),
  reference([x], _p, [type]) {
    const s = strides(x!.shape);
    const skip = type!.shape.length - x!.shape.length;
    return [
      gatherReference(x!, type!, (index) =>
        s.reduce((sum, step, d) => sum + (x!.shape[d] === 1 ? 0 : step * index[d + skip]!), 0),
      ),
    ];
  },
  gradient: ([d]) => [d!], // the engine un-broadcasts
});

export interface SliceParams {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

/** Element start + i·step of each dimension, below end. */
export const slice = view<SliceParams>({
  name: "slice",
  type([x], { starts, ends, steps }) {
    for (const [d, n] of x!.shape.entries()) {
      const [start, end, step] = [starts[d]!, ends[d]!, steps[d]!];
      if (!(start >= 0 && start < end && end <= n && step >= 1 && [start, end, step].every(Number.isInteger)))
        throw new ShapeError(
          `slice: ${start} … ${end} by ${step} is no part of dimension ${d} of ${printType(x!)} (size ${n}); give 0 ≤ start < end ≤ ${n} and a step ≥ 1`,
        );
    }
    return [{ dtype: x!.dtype, shape: x!.shape.map((_, d) => Math.ceil((ends[d]! - starts[d]!) / steps[d]!)) }];
  },
  source: (at, { params: { starts, steps } }) => ({ at: at.map((i, d) => i.mul(steps[d]!).add(starts[d]!)) }),
  reference([x], { starts, steps }, [type]) {
    const s = strides(x!.shape);
    return [
      gatherReference(x!, type!, (index) => s.reduce((sum, n, d) => sum + n * (starts[d]! + index[d]! * steps[d]!), 0)),
    ];
  },
  gradient: ([d], { inputs: [x], params: { starts, steps } }) => [
    d!.pad(
      starts,
      starts.map((start, i) => x!.shape[i]! - start - (d!.shape[i]! - 1) * steps[i]! - 1),
      0,
      steps.map((step) => step - 1),
    ),
  ],
});

/** Reverses the axes. */
export const flip = view<{ axes: readonly number[] }>({
  name: "flip",
  type: ([x]) => [x!],
  source: (at, { inputs: [x], params: { axes } }) => ({
    at: at.map((i, d) => (axes.includes(d) ? i.mul(-1).add(x!.shape[d]! - 1) : i)),
  }),
  reference([x], { axes }, [type]) {
    const s = strides(x!.shape);
    const from = (i: number, d: number) => (axes.includes(d) ? x!.shape[d]! - 1 - i : i);
    return [gatherReference(x!, type!, (index) => s.reduce((sum, n, d) => sum + n * from(index[d]!, d), 0))];
  },
  gradient: ([d], { params: { axes } }) => [d!.flip(axes)],
});
