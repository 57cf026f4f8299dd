// Views made of reshape and slice.
import { normaliseAxes, normaliseAxis } from "../shape/broadcast.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

export function split(x: Tensor, sizes: number | readonly number[], axis: number): Tensor[] {
  const d = normaliseAxis("split", axis, x.rank);
  const n = x.shape[d]!;
  const list = typeof sizes === "number" ? Array.from({ length: sizes }, () => n / sizes) : sizes;
  const total = list.reduce((sum, size) => sum + size, 0);
  if (total !== n || list.some((size) => !(Number.isInteger(size) && size > 0)))
    throw new ShapeError(
      `split: axis ${axis} of ${printType(x.type)} has no parts [${list}] (size ${n} vs ${total}); give positive sizes that add up`,
    );
  let end = 0;
  return list.map((size) => {
    end += size;
    const starts = x.shape.map((_, e) => (e === d ? end - size : 0));
    const ends = x.shape.map((m, e) => (e === d ? end : m));
    return x.slice(starts, ends);
  });
}

export function squeeze(x: Tensor, axes: number | readonly number[] | undefined): Tensor {
  const list = normaliseAxes("squeeze", axes ?? x.shape.flatMap((n, d) => (n === 1 ? [d] : [])), x.rank);
  for (const d of list)
    if (x.shape[d] !== 1)
      throw new ShapeError(
        `squeeze: axis ${d} of ${printType(x.type)} does not go (size ${x.shape[d]} vs 1); leave it out`,
      );
  return x.reshape(x.shape.filter((_, d) => !list.includes(d)));
}

export function unsqueeze(x: Tensor, axes: number | readonly number[]): Tensor {
  const rank = x.rank + (typeof axes === "number" ? 1 : axes.length);
  const list = normaliseAxes("unsqueeze", axes, rank);
  let old = 0;
  return x.reshape(Array.from({ length: rank }, (_, d) => (list.includes(d) ? 1 : x.shape[old++]!)));
}
