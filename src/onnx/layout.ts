// From the layouts of the cases to those of the library and back, in the graph: gradients come out in the layout of the case too.
import type { Tensor } from "../tensor.ts";

/** [N, C, …] → [N, …, C] */
export const channelsLast = (x: Tensor): Tensor =>
  x.transpose(x.shape.map((_, d) => (d === 0 ? 0 : d === x.rank - 1 ? 1 : d + 1)));

/** [N, …, C] → [N, C, …] */
export const channelsFirst = (x: Tensor): Tensor =>
  x.transpose(x.shape.map((_, d) => (d === 0 ? 0 : d === 1 ? x.rank - 1 : d - 1)));

/** Filters [O, I, k…] → [k…, I, O] */
export const filter = (w: Tensor): Tensor => w.transpose([...w.shape.map((_, d) => d).slice(2), 1, 0]);

/** y = x·Wᵀ + b, with W [out, in]. */
export function dense(x: Tensor, w: Tensor, b?: Tensor): Tensor {
  const y = x.matmul(w.transpose());
  return b ? y.add(b) : y;
}
