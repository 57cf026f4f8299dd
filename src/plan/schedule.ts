// Schedule: chooses each group's tile and unrolling by what a lane then loads and computes, in two rounds. First a quick model: the loads of
// an untiled lane are known symbolically (built once); a candidate's are counted by evaluating those indices over its tile, so that
// overlapping patches, shared rows and whole vec4s count once. Descents from several starts, one dimension at a time, give a short list.
// Then each of the list is built, and what it really does is counted.
import { type Atom, type Index, offsets } from "../graph/affine.ts";
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import { isAligned, quadKey } from "./body.ts";
import { boxCandidates, copiesInBox, fitsMemory } from "./boxes.ts";
import type { Block, Load } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { buildKernel, type Kernel, type Stored } from "./kernel.ts";
import { lanesIn, largestDivisor, quadDimensions, type Schedule } from "./lanes.ts";
import type { PlaceOf } from "./region.ts";
import type { Target } from "./target.ts";

/** Candidates that are built and counted. */
const shortList = 5;

/** Promising schedules, the best by the model first: what an autotuner tries. A group that shares its dispatch takes no boxes. */
export function rankSchedules(
  group: Group,
  target: Target,
  placeOf: PlaceOf,
  stores: readonly Stored[],
  alone: boolean,
): Schedule[] {
  const extents = group.core ? (group.core.kernel as ReduceKernel).extents(group.core.ctx) : [];
  const ones: Schedule = { tile: group.domain.map(() => 1), unroll: extents.map(() => 1) };
  const build = (schedule: Schedule) => buildKernel(group, schedule, placeOf, stores);
  const model = new Model(group, extents, target, build(ones).block);
  const found = new Map<string, { schedule: Schedule; cost: number }>();
  // what is done in no time is not worth the search
  const small = numel(group.domain) * numel(extents) < 1 << 12;
  for (const start of small ? [ones] : starts(group.domain, extents)) model.descend(start, found);
  if (small) return [...found.values()].map(({ schedule }) => schedule);
  const plain = [...found.values()].sort((a, b) => a.cost - b.cost).slice(0, shortList);
  const quads = target.quads ? plain.map(({ schedule }) => ({ ...schedule, quads: true })) : [];
  const boxes = alone ? boxCandidates(group, extents, target).filter((s) => fitsMemory(build(s), target)) : [];
  return [...plain.map(({ schedule }) => schedule), ...quads, ...boxes]
    .map((schedule) => ({ schedule, cost: countedCost(build(schedule), target) }))
    .sort((a, b) => a.cost - b.cost)
    .map(({ schedule }) => schedule);
}

/** Nothing tiled, or the last dimension wide, or the one before; short dimensions (filter taps) whole or not; short reductions unrolled, long
 *  ones in pairs, or neither. */
function starts(domain: readonly number[], extents: readonly number[]): Schedule[] {
  const ones = domain.map(() => 1);
  const wide = (d: number, most: number) =>
    ones.map((n, i) => (i === d ? largestDivisor(domain[d] as number, most) : n));
  const rank = domain.length;
  const tiles = [
    ones,
    ...(rank > 0 ? [wide(rank - 1, 16), wide(rank - 1, 4)] : []),
    ...(rank > 1 ? [wide(rank - 2, 8)] : []),
  ];
  const taps = (sizes: readonly number[]) => sizes.map((n) => (n <= 3 ? n : 1));
  const whole = tiles.map((tile) => taps(domain).map((n, d) => Math.max(n, tile[d] as number)));
  const unrolls = [
    extents.map(() => 1),
    taps(extents),
    extents.map((n, d) => (n > 3 && d >= extents.length - 2 ? 2 : 1)),
  ];
  const all = [...tiles, ...whole].flatMap((tile) => unrolls.map((unroll) => ({ tile, unroll })));
  return [...new Map(all.map((s) => [keyOf(s), s])).values()];
}

const keyOf = ({ tile, unroll }: Schedule) => `${tile};${unroll}`;

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 26, 28, 32];

/** Every change of one dimension. Tiles, and the unrolling of sums, may overhang a little (`ragged`). */
function vary(now: readonly number[], limit: readonly number[], ragged: boolean): number[][] {
  return now.flatMap((size, d) => {
    const n = limit[d] as number;
    const fits = (s: number) => n % s === 0 || (ragged && s % 2 === 0 && Math.ceil(n / s) * s <= 1.15 * n);
    return sizes
      .filter((s) => s !== size && s <= n + 1 && fits(s))
      .map((s) => now.map((old, i) => (i === d ? s : old)));
  });
}

/** A load, as a function of the lane's and the loops' atoms. */
interface Pattern {
  readonly index: Index;
  /** Nothing else decides its place. */
  readonly regular: boolean;
  /** Dimensions (o<d>: d; r<d>: rank + d) that it depends on. */
  readonly dims: readonly number[];
  readonly looped: boolean;
  readonly vec: boolean;
}

class Model {
  readonly #domain: readonly number[];
  readonly #extents: readonly number[];
  readonly #target: Target;
  readonly #patterns: readonly Pattern[];
  readonly #elements: number;
  readonly #ragged: boolean;
  /** Other statements, for each load. */
  readonly #overhead: number;
  readonly #memo = new Map<string, number>();
  readonly #seen = new Set<string>();

  constructor(group: Group, extents: readonly number[], target: Target, block: Block) {
    this.#domain = group.domain;
    this.#extents = extents;
    this.#target = target;
    this.#ragged = (group.core?.kernel as ReduceKernel | undefined)?.combine === "sum";
    const patterns: Pattern[] = [];
    let statements = 0;
    const visit = (b: Block) => {
      for (const s of b) {
        if (typeof s === "string") statements++;
        else if ("loop" in s) visit(s.body);
        else if (s.kind === "load") patterns.push(this.#pattern(s));
      }
    };
    visit(block);
    this.#patterns = patterns;
    this.#elements = group.core ? block.filter((s) => typeof s === "string" && /^var a\d+_0/.test(s)).length : 0;
    this.#overhead = Math.max(0, statements - 2 * this.#elements) / Math.max(1, patterns.length);
  }

  #pattern(s: Load): Pattern {
    const dims = new Set<number>();
    let regular = true;
    const visit = (i: Index) => {
      for (const { atom } of i.terms) {
        if (atom.of) visit(atom.of.arg);
        else {
          const d = this.#dimension(atom);
          if (d >= 0) dims.add(d);
          else regular = false;
        }
      }
    };
    visit(s.index);
    const sorted = [...dims].sort((a, b) => a - b);
    const looped = sorted.some((d) => d >= this.#domain.length);
    return { index: s.index, regular, dims: sorted, looped, vec: s.buffer.elements % 4 === 0 };
  }

  /** o<d> is a dimension of the domain, r<d> of the reduction; -1: neither. */
  #dimension({ name }: Atom): number {
    const match = /^([or])(\d+)$/.exec(name);
    return match ? Number(match[2]) + (match[1] === "r" ? this.#domain.length : 0) : -1;
  }

  /** From `start`, changes one dimension at a time to what costs least until nothing helps; records where it ends. */
  descend(start: Schedule, found: Map<string, { schedule: Schedule; cost: number }>): void {
    let best = start;
    let bestCost = this.cost(best);
    for (;;) {
      if (this.#seen.has(keyOf(best))) return; // another descent went on from here
      this.#seen.add(keyOf(best));
      const before = bestCost;
      const { tile, unroll } = best;
      const candidates = [
        ...vary(tile, this.#domain, true).map((t) => ({ tile: t, unroll })),
        ...vary(unroll, this.#extents, this.#ragged).map((u) => ({ tile, unroll: u })),
      ];
      for (const schedule of candidates) {
        const cost = this.cost(schedule);
        if (cost < 0.99 * bestCost) {
          best = schedule;
          bestCost = cost;
        }
      }
      if (bestCost === before) break;
    }
    found.set(keyOf(best), { schedule: best, cost: bestCost });
  }

  /** Modelled time of the whole group, in the target's units. */
  cost({ tile, unroll }: Schedule): number {
    const { cost, maxAccumulators, maxBody } = this.#target;
    const outputs = numel(tile);
    const accumulators = this.#elements * outputs;
    const body = accumulators * numel(unroll);
    if (accumulators > maxAccumulators || body > maxBody || outputs > maxAccumulators) return Number.POSITIVE_INFINITY;
    const box = [...tile, ...unroll];
    const iterations = this.#extents.reduce((n, size, d) => n * Math.ceil(size / (unroll[d] as number)), 1);
    let inner = 0;
    let outer = 0;
    const varying = this.#target.quads ? quadDimensions(lanesIn(this.#domain, tile)) : null;
    this.#patterns.forEach((p, i) => {
      const shared = varying !== null && p.regular && !p.dims.some((d) => varying.has(d));
      const c = this.#loads(p, i, box, shared);
      if (p.looped) inner += c;
      else outer += c;
    });
    const looped = inner + body * cost.fma + (iterations > 1 ? accumulators * cost.carried + cost.loop : 0);
    const perLane = iterations * looped + outer + outputs * cost.loadScalar + cost.lane;
    const lanes = this.#domain.reduce((n, size, d) => n * Math.ceil(size / (tile[d] as number)), 1);
    return perLane * busyLanes(lanes, this.#target) * (1 + cost.spill * accumulators);
  }

  /** Cost of a pattern's loads over the box: distinct vec4s if every lane's and iteration's start is aligned, else distinct scalars. */
  #loads(p: Pattern, id: number, box: readonly number[], shared: boolean): number {
    const key = `${shared}${id}:${p.dims.map((d) => box[d]).join(",")}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const limit = [...this.#domain, ...this.#extents];
    const start = box.map((b, d) => b * Math.floor((limit[d] as number) / b / 2));
    const at = (position: readonly number[]) =>
      p.index.evaluate((atom) => {
        const d = this.#dimension(atom);
        return d >= 0 ? (position[d] as number) : 0;
      });
    const origin = at(start);
    const step = (d: number) => at(start.map((s, i) => (i === d ? s - (box[d] as number) : s))) - origin;
    const aligned = p.vec && origin % 4 === 0 && p.dims.every((d) => box[d] === limit[d] || step(d) % 4 === 0);
    const scalars = new Set<number>();
    for (const o of offsets(p.dims.map((d) => box[d] as number))) {
      const position = [...start];
      p.dims.forEach((d, i) => {
        position[d] = (start[d] as number) + (o[i] as number);
      });
      scalars.add(at(position));
    }
    const { loadVec4, loadScalar, fma } = this.#target.cost;
    const price = (units: number, load: number) =>
      shared ? Math.min(units * load, quadPrice(units, load, this.#target)) : units * load;
    const vecs = new Set([...scalars].map((i) => Math.floor(i / 4))).size;
    const each = price(scalars.size, loadScalar);
    const loads = aligned ? Math.min(price(vecs, loadVec4), each) : each;
    const cost = loads + scalars.size * this.#overhead * fma;
    this.#memo.set(key, cost);
    return cost;
  }
}

/** Lanes that a device is busy with: whole workgroups, and no fewer than keep it busy. */
const busyLanes = (lanes: number, { workgroupSize, lanes: wanted }: Target) =>
  Math.max(Math.ceil(lanes / workgroupSize) * workgroupSize, wanted);

/** Of units that a quad loads together. */
const quadPrice = (units: number, load: number, { cost }: Target) =>
  Math.ceil(units / 4) * load + units * cost.broadcast;

/** Cost of a built kernel, counted statement by statement. */
function countedCost({ block, lanes, schedule }: Kernel, target: Target): number {
  const { cost } = target;
  const accumulators = block.filter((s) => typeof s === "string" && /^var a\d+_0/.test(s)).length;
  const boxed = lanes.group ? numel(lanes.group) : 1;
  const price = (s: Load, load: number, looped: boolean): number => {
    if (schedule.quads && lanes.uniformInQuad(s.index)) return load / 4 + cost.broadcast;
    const copies = lanes.group && looped ? copiesInBox(s.index, lanes.group) : boxed;
    return copies === boxed ? load : cost.shared + (load * copies) / boxed;
  };
  const count = (b: Block, times: number, looped: boolean): number => {
    const quads = new Set<string>();
    let sum = 0;
    for (const s of b) {
      if (typeof s === "string") sum += times * cost.fma;
      else if ("loop" in s) {
        const n = times * Number(/< (\d+)i/.exec(s.loop)?.[1]);
        const barriers = lanes.group ? 2 * cost.barrier : 0;
        sum += n * (cost.loop + accumulators * cost.carried + barriers) + count(s.body, n, true);
      } else if (s.kind === "store") sum += times * cost.loadScalar;
      else if (s.buffer.elements % 4 === 0 && isAligned(s.index)) {
        const key = `${s.buffer.name} ${quadKey(s.index)}`;
        if (!quads.has(key)) sum += times * price(s, cost.loadVec4, looped);
        quads.add(key);
      } else sum += times * price(s, cost.loadScalar, looped);
    }
    return sum;
  };
  return (count(block, 1, false) + cost.lane) * busyLanes(lanes.count, target) * (1 + cost.spill * accumulators);
}
