// Arrays cut into blocks of rows, and joined again.
import { allocate, type NdArray } from "../shape/ndarray.ts";
import { numel, type Shape } from "../shape/types.ts";

/** Rows of an array in chunks of n, the last one filled up with zeros. */
export function* chunks(a: NdArray, n: number): Generator<{ readonly chunk: NdArray; readonly count: number }> {
  const total = a.shape[0] ?? 0;
  const size = numel(a.shape.slice(1));
  for (let start = 0; start < total; start += n) {
    const count = Math.min(n, total - start);
    const data = allocate(a.dtype, n * size);
    data.set(a.data.subarray(start * size, (start + count) * size));
    yield { chunk: { dtype: a.dtype, shape: [n, ...a.shape.slice(1)], data }, count };
  }
}

/** Joins row blocks along the first axis. */
export function joinRows(parts: readonly NdArray[], shape: Shape): NdArray {
  const dtype = parts[0]?.dtype ?? "f32";
  const data = allocate(dtype, numel(shape));
  let offset = 0;
  for (const part of parts) {
    data.set(part.data, offset);
    offset += part.data.length;
  }
  return { dtype, shape, data };
}
