// Boxes: schedules in which a workgroup is a box of lanes that shares its loads through its memory, as GPUs like it best (tiles of 128, 64
// and 32 in CUTLASS's and everybody's matrix products).
import type { Index } from "../graph/affine.ts";
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import type { Block, Load } from "./emit.ts";
import type { Group } from "./fuse.ts";
import type { Kernel } from "./kernel.ts";
import { largestDivisor, type Schedule } from "./lanes.ts";
import { boxLoads } from "./share.ts";
import type { Target } from "./target.ts";

/** What a lane owns of the rows and of the columns, lanes of the workgroup, steps of the last reduction loop. */
const shapes = [
  { rows: 8, columns: 8, lanes: 256, unroll: 8 },
  { rows: 8, columns: 8, lanes: 64, unroll: 8 },
  { rows: 4, columns: 8, lanes: 128, unroll: 8 },
  { rows: 4, columns: 4, lanes: 256, unroll: 16 },
  { rows: 4, columns: 4, lanes: 64, unroll: 16 },
] as const;

/** Boxes for a sum of products. The last dimension of the domain is that of columns; rows are the others (of a convolution: the batch and the
 *  positions), filled from the last to the first. */
export function boxCandidates(group: Group, extents: readonly number[], target: Target): Schedule[] {
  const { domain, whole } = group;
  if (
    whole !== undefined ||
    target.workgroupMemory === 0 ||
    (group.core?.kernel as ReduceKernel | undefined)?.combine !== "sum"
  )
    return [];
  if (domain.length < 2 || numel(domain) * numel(extents) < target.leastBoxWork) return [];
  const last = extents.length - 1;
  return shapes.flatMap((shape): Schedule[] => {
    if (shape.lanes > target.maxWorkgroup || (extents[last] as number) < shape.unroll) return [];
    const tile = domain.map(() => 1);
    const box = domain.map(() => 1);
    const fill = (d: number, own: number, lanes: number) => {
      const n = domain[d] as number;
      tile[d] = n >= 4 * own ? own : largestDivisor(n, own);
      box[d] = powerBelow(Math.min(lanes, n / (tile[d] as number)));
    };
    fill(domain.length - 1, shape.columns, Math.sqrt(shape.lanes));
    for (let d = domain.length - 2, own: number = shape.rows; d >= 0; d--, own = 1)
      fill(d, own, shape.lanes / numel(box));
    const whole = numel(box) === shape.lanes && numel(tile) * 2 > shape.rows * shape.columns;
    return whole ? [{ tile, unroll: extents.map((_, d) => (d === last ? shape.unroll : 1)), group: box }] : [];
  });
}

/** The largest power of two that is no larger. */
const powerBelow = (n: number) => 2 ** Math.floor(Math.log2(Math.max(1, n)));

/** How many lanes of a box differ in this place: one family of loads is kept in so many copies. */
export const copiesInBox = (index: Index, group: readonly number[]): number =>
  numel(group.filter((n, d) => n > 1 && index.terms.some(({ atom }) => atom.name === `o${d}`)));

/** Whether what a kernel's boxes share fits. */
export function fitsMemory({ block, lanes }: Kernel, { workgroupMemory }: Target): boolean {
  const unitOf = (load: Load) => ({ key: load.name, load, index: load.index });
  const bytesOf = (b: Block): number =>
    b.reduce((bytes, s) => {
      if (typeof s === "string" || !("loop" in s)) return bytes;
      const shared = boxLoads(s.body, lanes, unitOf).map(({ units, copies }) => 4 * units.length * copies);
      return shared.reduce((a, c) => a + c, bytes + bytesOf(s.body));
    }, 0);
  return bytesOf(block) <= workgroupMemory;
}
