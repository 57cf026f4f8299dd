// Schedule: chooses each group's tile and unrolling by what a lane then loads and computes, in two rounds: descents by a quick model
// (model.ts) from several starts give a short list, and each of that is built, and what it really does is counted.
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import { isAligned, quadKey } from "./body.ts";
import { boxCandidates, copiesInBox, fitsMemory } from "./boxes.ts";
import type { Block, Load } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { buildKernel, type Kernel, type Stored, type Walks } from "./kernel.ts";
import { largestDivisor, type Schedule } from "./lanes.ts";
import { busyLanes, type Costed, Model } from "./model.ts";
import type { PlaceOf } from "./region.ts";
import type { Target } from "./target.ts";

/** Candidates that are built and counted. */
const shortList = 4;

/** The group by promising schedules, the best by the model first. Those that the quick model finds more than `dearer` times as dear as the best are not
 *  built. One that shares its dispatch takes no boxes. */
export function rankKernels(
  group: Group,
  target: Target,
  placeOf: PlaceOf,
  stores: readonly Stored[],
  alone: boolean,
  dearer: number,
  walks?: Walks,
): Kernel[] {
  const extents = group.core ? (group.core.kernel as ReduceKernel).extents(group.core.ctx) : [];
  const ones: Schedule = { tile: group.domain.map(() => 1), unroll: extents.map(() => 1) };
  const build = (schedule: Schedule) => buildKernel(group, schedule, placeOf, stores, walks);
  const { block, elements } = build(ones);
  const model = new Model(group, extents, target, block);
  const found = new Map<string, Costed>();
  // what is done in no time is not worth the search
  const small = numel(group.domain) * numel(extents) < 1 << 12;
  for (const start of small ? [ones] : starts(group.domain, extents)) model.descend(start, found);
  const walking =
    walks?.walkCandidates(group, extents, elements, target, (s, target) => costed(build(s), target)) ?? [];
  const short = [...found.values()].sort((a, b) => a.cost - b.cost).slice(0, shortList);
  const least = Math.min(...[...short, ...walking].map(({ cost }) => cost));
  const plain = short.filter(({ cost }) => cost <= dearer * least).map(({ schedule }) => build(schedule));
  const boxes = alone ? boxCandidates(group, extents, target).map(build) : [];
  return [...walking, ...[...plain, ...boxes.filter((k) => fitsMemory(k, target))].map((k) => costed(k, target))]
    .sort((a, b) => a.cost - b.cost)
    .map(({ kernel }) => kernel);
}

/** Short dimensions and reductions (filter taps) are whole; of the others none is tiled, or one. */
function starts(domain: readonly number[], extents: readonly number[]): Schedule[] {
  const taps = (sizes: readonly number[]) => sizes.map((n) => (n <= 3 ? n : 1));
  const tiles = domain.map((n, d) => taps(domain).with(d, largestDivisor(n, 8)));
  return [taps(domain), ...tiles].map((tile) => ({ tile, unroll: taps(extents) }));
}

/** A built kernel, and its cost, counted statement by statement. */
function costed(kernel: Kernel, target: Target): { kernel: Kernel; cost: number } {
  const { block, lanes } = kernel;
  const { cost } = target;
  const accumulators = block.filter((s) => typeof s === "string" && /^var a\d+_0/.test(s)).length;
  let compile = 0;
  const statement = (s: string): number => {
    if (s.startsWith("var ")) return 0;
    if (accumulates.test(s)) return cost.fma;
    if (s.includes("= quadSwap")) return cost.exchange;
    return /^held|= acc/.test(s) ? cost.array : cost.statement;
  };
  const boxed = lanes.group ? numel(lanes.group) : 1;
  const price = (s: Load, load: number, looped: boolean): number => {
    const copies = lanes.group && looped ? copiesInBox(s.index, lanes.group) : boxed;
    return copies === boxed ? load : cost.shared + (load * copies) / boxed;
  };
  const count = (b: Block, times: number, looped: boolean): number => {
    const quads = new Set<string>();
    let sum = 0;
    const load = (s: Load, each: number) => {
      sum += times * price(s, each, looped);
      compile += cost.compile.load;
    };
    for (const s of b) {
      if (typeof s === "string" || ("kind" in s && s.kind === "store")) compile += cost.compile.statement;
      if (typeof s === "string") sum += times * statement(s);
      else if ("loop" in s) {
        const n = times * s.loop.times;
        const barriers = lanes.group ? 2 * cost.barrier : 0;
        sum += n * (cost.loop + s.carries * cost.carried + barriers) + count(s.body, n, true);
      } else if (s.kind === "store") sum += times * cost.store;
      else if (s.buffer.elements % 4 === 0 && isAligned(s.index)) {
        const key = `${s.buffer.name} ${quadKey(s.index)}`;
        if (!quads.has(key)) load(s, cost.loadVec4);
        quads.add(key);
      } else load(s, cost.loadScalar);
    }
    return sum;
  };
  const perLane = (count(block, 1, false) + cost.lane) * (1 + cost.spill * accumulators);
  return { kernel, cost: perLane * busyLanes(lanes.count, target) + compile };
}

/** Adds to an accumulator, or to the sum of an iteration (reduction.ts). */
const accumulates = /^(a\d+_|let s\d)/;
