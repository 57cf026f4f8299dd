// Schedule: chooses each group's tile and unrolling by a model of what a lane then loads and computes. The loads of an untiled lane are
// known symbolically (built once); a candidate's are counted by evaluating those indices over its tile, so that overlapping patches,
// shared rows and whole vec4s count once. Steepest descent over the sizes of one dimension at a time.
import type { Atom, Index } from "../graph/affine.ts";
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import type { Place } from "./data.ts";
import type { Load } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { type Block, buildKernel, offsets, type PlaceOf, type Schedule } from "./kernel.ts";
import type { Ref } from "./step.ts";
import type { Target } from "./target.ts";

type Stores = readonly { ref: Ref; place: Place }[];

export function scheduleGroup(group: Group, target: Target, placeOf: PlaceOf, stores: Stores): Schedule {
  const extents = group.core ? (group.core.kernel as ReduceKernel).extents(group.core.ctx) : [];
  const ones: Schedule = { tile: group.domain.map(() => 1), unroll: extents.map(() => 1) };
  const model = new Model(group, extents, target, buildKernel(group, ones, placeOf, stores).block);
  let best = ones;
  let bestCost = model.cost(best);
  for (;;) {
    const candidates = [
      ...vary(best.tile, group.domain, true).map((tile) => ({ ...best, tile })),
      ...vary(best.unroll, extents, false).map((unroll) => ({ ...best, unroll })),
    ];
    let found = false;
    for (const c of candidates) {
      const cost = model.cost(c);
      if (cost < 0.99 * bestCost) {
        best = c;
        bestCost = cost;
        found = true;
      }
    }
    if (!found) return best;
  }
}

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 32];

/** Every change of one dimension. Tiles may overhang the domain (`ragged`); unrolling divides its extent. */
function vary(now: readonly number[], limit: readonly number[], ragged: boolean): number[][] {
  return now.flatMap((size, d) => {
    const n = limit[d] as number;
    return sizes
      .filter((s) => s !== size && s <= n && (n % s === 0 || (ragged && s % 4 === 0 && n > 2 * s)))
      .map((s) => now.map((old, i) => (i === d ? s : old)));
  });
}

/** A load, as a function of the lane's and the loops' atoms. */
interface Pattern {
  readonly index: Index;
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
  readonly #ops: number;
  readonly #memo = new Map<string, number>();

  constructor(group: Group, extents: readonly number[], target: Target, block: Block) {
    this.#domain = group.domain;
    this.#extents = extents;
    this.#target = target;
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
    this.#ops = Math.max(0, statements - 2 * this.#elements);
  }

  #pattern(s: Load): Pattern {
    const dims = new Set<number>();
    const visit = (i: Index) => {
      for (const { atom } of i.terms) {
        if (atom.of) visit(atom.of.arg);
        else if (/^o\d+$/.test(atom.name)) dims.add(Number(atom.name.slice(1)));
        else if (/^r\d+$/.test(atom.name)) dims.add(this.#domain.length + Number(atom.name.slice(1)));
      }
    };
    visit(s.index);
    const sorted = [...dims].sort((a, b) => a - b);
    return {
      index: s.index,
      dims: sorted,
      looped: sorted.some((d) => d >= this.#domain.length),
      vec: s.buffer.elements % 4 === 0,
    };
  }

  /** Modelled time of the whole group, in the target's units. */
  cost({ tile, unroll }: Schedule): number {
    const { cost, lanes: wanted, maxAccumulators, maxBody, workgroupSize } = this.#target;
    const outputs = numel(tile);
    const accumulators = this.#elements * outputs;
    const body = accumulators * numel(unroll);
    if (accumulators > maxAccumulators || body > maxBody || outputs > maxAccumulators) return Number.POSITIVE_INFINITY;
    const box = [...tile, ...unroll];
    const iterations = numel(this.#extents) / numel(unroll);
    let inner = 0;
    let outer = 0;
    for (const p of this.#patterns) {
      const c = this.#loads(p, box);
      if (p.looped) inner += c;
      else outer += c;
    }
    const multiplyAdd = cost.fma + cost.spill * Math.max(0, accumulators - 32);
    const looped = inner + body * multiplyAdd + (iterations > 1 ? accumulators * cost.carried + cost.loop : 0);
    const perLane = iterations * looped + outer + outputs * (this.#ops * cost.fma + cost.loadScalar) + cost.lane;
    const lanes = this.#domain.reduce((n, size, d) => n * Math.ceil(size / (tile[d] as number)), 1);
    return Math.max(Math.ceil(lanes / workgroupSize) * workgroupSize, wanted) * perLane;
  }

  /** Cost of a pattern's loads over the box: distinct vec4s if every lane's and iteration's start is aligned, else distinct scalars. */
  #loads(p: Pattern, box: readonly number[]): number {
    const key = `${this.#patterns.indexOf(p)}:${p.dims.map((d) => box[d]).join(",")}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const limit = [...this.#domain, ...this.#extents];
    const rank = this.#domain.length;
    const start = box.map((b, d) => b * Math.floor((limit[d] as number) / b / 2));
    const at = (shifted: readonly number[]) =>
      p.index.evaluate((atom: Atom) => {
        const d =
          atom.name[0] === "o"
            ? Number(atom.name.slice(1))
            : atom.name[0] === "r"
              ? rank + Number(atom.name.slice(1))
              : -1;
        return d >= 0 && !Number.isNaN(d) ? (shifted[d] as number) : 0;
      });
    const origin = at(start);
    const aligned =
      p.vec &&
      origin % 4 === 0 &&
      p.dims.every(
        (d) =>
          box[d] === limit[d] || (at(start.map((s, i) => (i === d ? s - (box[d] as number) : s))) - origin) % 4 === 0,
      );
    const scalars = new Set<number>();
    for (const o of offsets(p.dims.map((d) => box[d] as number))) {
      const shifted = [...start];
      p.dims.forEach((d, i) => {
        shifted[d] = (start[d] as number) + (o[i] as number);
      });
      scalars.add(at(shifted));
    }
    const { loadVec4, loadScalar } = this.#target.cost;
    const cost = aligned
      ? Math.min(new Set([...scalars].map((i) => Math.floor(i / 4))).size * loadVec4, scalars.size * loadScalar)
      : scalars.size * loadScalar;
    this.#memo.set(key, cost);
    return cost;
  }
}
