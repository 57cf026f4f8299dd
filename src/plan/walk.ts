// Walk: schedules for sums of products in which a lane goes along dimensions of its tile in loops. It holds a panel of the factor that is the same
// all along (some columns of it, a chunk of the reduction), and of the other factor loads what the chunk needs, a fourth of it, the rest coming
// from the other lanes of its quad. Next to nothing is carried round a loop, which is dear on a CPU, and most of a loop is multiply-adds in registers.
import { Index } from "../graph/affine.ts";
import type { ReduceKernel } from "../graph/op.ts";
import { numel, type TensorType } from "../shape/types.ts";
import { dimensionsOf, type Factor, factorsOf, windowOf } from "./factors.ts";
import type { Group } from "./fuse.ts";
import { lanesIn, largestDivisor, quadLanes, type Schedule } from "./lanes.ts";
import type { Target } from "./target.ts";

export { walkBlock } from "./walkBlock.ts";

/** Columns of the panel: the sums that a lane keeps in registers. */
const columns = [2, 3, 4, 5, 6, 8];
/** Steps of the reduction in a chunk. */
const [leastSteps, mostSteps] = [48, 128];
/** Bytes of code: of a multiply-add, of a load that a quad shares, of a sum that an array keeps; and the nearest cache for code, less what an epilogue
 *  takes. Code that does not fit takes half as long again (SwiftShader on x86: 26 against 16 ms). */
const code = { fma: 16, load: 630, sum: 450, most: 30_000, beyond: 1.5 };
/** Elements of a lane's arrays, its panel and its sums: with a few variables they are the 8 kB that WGSL lets a function have. */
const mostElements = 2032;

/** Multiply-adds from which on a walk is worth its panel. */
const leastWork = 1 << 18;

/** What walks with so many columns cost, and the lanes that they keep a CPU busy with. A term of a sum waits for the one before it, three or four
 *  cycles. */
const targetOf = (target: Target, columns: number): Target => ({
  ...target,
  lanes: 64,
  cost: { ...target.cost, fma: Math.max(0.5, 1.3 / columns), loadVec4: 17, loadScalar: 4.2, store: 10, loop: 34 },
});

/** The best walk with each factor as the panel, built, and what it costs. `asked` are the elements of the core that a tile of one element is made
 *  of. None pays without quads, nor on a GPU, whose lanes have registers for their sums. */
export function walkCandidates<T>(
  group: Group,
  extents: readonly number[],
  asked: readonly (readonly Index[])[],
  target: Target,
  build: (schedule: Schedule, target: Target) => T,
): T[] {
  const { domain, core } = group;
  if (!core || !target.quads || !target.software) return [];
  const [type] = core.ctx.outputs as [TensorType];
  if ((core.kernel as ReduceKernel).combine !== "sum" || type.dtype !== "f32") return [];
  if (numel(type.shape) * numel(extents) < leastWork || !inWindows(group, asked)) return [];
  const factors = factorsOf(core);
  if (factors.length !== 2) return [];
  const chunks = chunksOf(extents);
  return [0, 1].flatMap((walker) => {
    const roles = { factors, walker, panel: 1 - walker };
    const { along, across } = dimensionsOf(roles, domain.length);
    if (group.whole !== undefined && !along.includes(group.whole)) return [];
    let best: { schedule: Schedule; cost: number; target: Target } | undefined;
    for (const d of across)
      for (const c of columns.filter((n) => (domain[d] as number) % n === 0)) {
        const ofWalks = targetOf(target, c);
        for (const unroll of chunks) {
          const mostSums = mostElements - c * numel(unroll);
          const tile = tileOf(group, along, d, c, mostSums, ofWalks);
          const lanes = quadLanes(lanesIn(domain, tile));
          const shared = ![...lanes.varying].some((e) => (factors[walker] as Factor).from.has(`o${e}`));
          const sums = numel(tile) * numel(windowOf(group));
          if (!shared || numel(lanes.counts) < 4 || sums > mostSums || sums === c) continue; // or there is nowhere to go
          const schedule: Schedule = { tile, unroll, walk: walker };
          const cost = costOf(group, schedule, c, extents, numel(lanes.counts), ofWalks);
          if (!best || cost < best.cost) best = { schedule, cost, target: ofWalks };
        }
      }
    return best ? [build(best.schedule, best.target)] : [];
  });
}

/** Whether each element of the domain is made of those of its window. */
function inWindows(group: Group, asked: readonly (readonly Index[])[]): boolean {
  const window = windowOf(group);
  return asked.every(
    (at) =>
      at.length === group.domain.length &&
      at.every((i, d) => {
        const n = window[d] as number;
        const own = i.sub(Index.atom(`o${d}`, 0, (group.domain[d] as number) - 1).mul(n));
        return own.terms.length === 0 && own.constant >= 0 && own.constant < n;
      }),
  );
}

/** A walk as long as a lane's sums allow, unless there would be too few lanes; always to the end of a dimension, or by a whole part of it. */
function tileOf(
  group: Group,
  along: readonly number[],
  across: number,
  columns: number,
  mostSums: number,
  { lanes: wanted }: Target,
): number[] {
  const { domain, whole } = group;
  const window = numel(windowOf(group));
  const tile = domain.map((n, d) => (d === across ? columns : along.includes(d) ? n : 1));
  for (const d of along) {
    const excess = Math.max((numel(tile) * window) / mostSums, wanted / numel(lanesIn(domain, tile)));
    const n = domain[d] as number;
    if (excess > 1 && d !== whole) tile[d] = largestDivisor(n, Math.max(1, Math.floor(n / excess)));
  }
  return tile;
}

/** Boxes of the reduction that make chunks: a multiple of four in one dimension, which quads share out. */
function chunksOf(extents: readonly number[]): number[][] {
  const found: number[][] = [];
  const grow = (d: number, box: readonly number[], size: number) => {
    if (d < 0) {
      if (box.some((n) => n % 4 === 0) && size >= Math.min(leastSteps, numel(extents) / 2)) found.push([...box]);
      return;
    }
    const n = extents[d] as number;
    const most = Math.floor(mostSteps / size);
    const sizes = new Set([1, 4 * Math.min(Math.ceil(n / 4), Math.floor(most / 4))]);
    for (let k = 2; k <= most; k++) if (n % k === 0) sizes.add(k);
    for (const k of sizes) if (k >= 1 && Math.ceil(n / k) * k <= 1.25 * n) grow(d - 1, [k, ...box], size * k);
  };
  grow(extents.length - 1, [], 1);
  return found;
}

function costOf(
  group: Group,
  { tile, unroll }: Schedule,
  columns: number,
  extents: readonly number[],
  lanes: number,
  { cost, lanes: wanted }: Target,
): number {
  const steps = numel(unroll);
  const chunks = numel(extents.map((n, d) => Math.ceil(n / (unroll[d] as number))));
  const ragged = extents.some((n, d) => n % (unroll[d] as number) !== 0);
  const masks = ragged ? 2 * steps * cost.statement : 0;
  const fill = steps * columns * (cost.loadScalar + cost.array);
  const loads = (steps / 4) * (cost.loadScalar + 3 * cost.exchange);
  const bytes = columns * (steps * code.fma + (chunks > 1 ? code.sum : 0)) + (steps / 4) * code.load;
  const body = masks + loads + columns * (steps * cost.fma + (chunks > 1 ? cost.array : 0));
  const row = cost.loop + body * (bytes > code.most ? code.beyond : 1);
  const rows = (numel(tile) * numel(windowOf(group))) / columns;
  const compile = columns * steps * cost.compile.statement + (steps / 4) * cost.compile.load;
  return chunks * (fill + rows * row) * Math.max(lanes, wanted) + compile;
}
