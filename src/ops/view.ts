// Views: elements moved, never changed. None of them runs on its own if whoever reads it can look through it.
import { unflatten } from "../graph/affine.ts";
import { Index } from "../graph/affine.ts";
import { ShapeError } from "../shape/errors.ts";
import { numel, printType, strides } from "../shape/types.ts";
import { broadcastIndex, flatIndex, gatherReference, view } from "./define.ts";

export const reshape = view<{ shape: readonly number[] }>({
  name: "reshape",
  type([x], { shape }) {
    if (numel(shape) !== numel(x!.shape))
      throw new ShapeError(`reshape: ${printType(x!)} does not fit [${shape}] (${numel(x!.shape)} vs ${numel(shape)} elements); the product of the sizes must stay`);
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
      throw new ShapeError(`transpose: [${p}] is no permutation of the axes of ${printType(x!)}; name each of 0 … ${x!.shape.length - 1} once`);
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
    return [gatherReference(x!, type!, (index) => s.reduce((sum, step, d) => sum + (x!.shape[d] === 1 ? 0 : step * index[d + skip]!), 0))];
  },
  gradient: ([d]) => [d!], // the engine un-broadcasts
});
