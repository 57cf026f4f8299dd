// Model: what a schedule should cost, before any kernel is built. The loads of an untiled lane are known symbolically; a candidate's are
// counted by evaluating those indices over its tile, so that overlapping patches, shared rows and whole vec4s count once.
import type { Atom, Index } from "../graph/affine.ts";
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import type { Block, Load } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { lanesIn, permutable, quadLanes, type Schedule } from "./lanes.ts";
import type { Target } from "./target.ts";

const keyOf = ({ tile, unroll }: Schedule) => `${tile};${unroll}`;

const none: ReadonlySet<number> = new Set();

const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 20, 24, 26, 28, 32];

/** Whether a tile or an unrolling of this size suits a dimension; a `ragged` one may overhang a little. */
const suits = (size: number, n: number, ragged: boolean): boolean =>
  n % size === 0 || (ragged && size % 2 === 0 && Math.ceil(n / size) * size <= 1.15 * n);

/** A number, at a position in the domain and the reduction. */
type Evaluate = (position: readonly number[]) => number;

/** A load, as a function of the lane's and the loops' atoms. */
interface Pattern {
  readonly place: Evaluate;
  /** What is divided in it: of a word of bytes the number of the byte, and by how many. */
  readonly divided: readonly { readonly arg: Evaluate; readonly by: number }[];
  /** Dimensions (o<d>: d; r<d>: rank + d) that it depends on. */
  readonly dims: readonly number[];
  readonly looped: boolean;
  readonly vec: boolean;
}

/** What a lane loads of a pattern: distinct elements, and distinct vec4s if every lane's and iteration's first is aligned. */
interface Counts {
  readonly aligned: boolean;
  readonly scalars: number;
  readonly vec4s: number;
  /** Distinct values that it makes of them: of a word of bytes four. */
  readonly values: number;
}

/** A schedule and what it should cost. */
export interface Costed {
  readonly schedule: Schedule;
  readonly cost: number;
}

export class Model {
  readonly #domain: readonly number[];
  readonly #extents: readonly number[];
  readonly #target: Target;
  readonly #patterns: readonly Pattern[];
  readonly #elements: number;
  readonly #ragged: boolean;
  readonly #whole: number | undefined;
  /** Other statements, for each load. */
  readonly #overhead: number;
  /** Statements outside loops, for each output. */
  readonly #epilogue: number;
  readonly #counts = new Map<string, Counts>();
  readonly #dimensions = new Map<string, number>();
  readonly #seen = new Set<string>();

  constructor(group: Group, extents: readonly number[], target: Target, block: Block) {
    this.#domain = group.domain;
    this.#extents = extents;
    this.#target = target;
    this.#whole = group.whole;
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
    this.#epilogue = block.filter((s) => typeof s === "string" || !("loop" in s)).length;
    this.#patterns = patterns;
    this.#elements = group.core ? block.filter((s) => typeof s === "string" && /^var a\d+_0/.test(s)).length : 0;
    this.#overhead = Math.max(0, statements - 2 * this.#elements) / Math.max(1, patterns.length);
  }

  #pattern({ index, buffer }: Load): Pattern {
    const all = new Set(index.coordinates().map((name) => this.#dimension({ name })));
    const dims = [...all].sort((a, b) => a - b);
    const looped = dims.some((d) => d >= this.#domain.length);
    const divided = index.terms.flatMap(({ atom: { of } }) =>
      of?.op === "div" ? [{ arg: this.#evaluate(of.arg), by: of.by }] : [],
    );
    return { place: this.#evaluate(index), divided, dims, looped, vec: buffer.elements % 4 === 0 };
  }

  #evaluate(index: Index): Evaluate {
    const limit = [...this.#domain, ...this.#extents];
    const terms = index.terms.map(({ atom: { of, from, name }, coef }): Evaluate => {
      if (of) {
        const arg = this.#evaluate(of.arg);
        const quotient: Evaluate = (at) => Math.floor(arg(at) / of.by);
        return (at) => coef * (of.op === "div" ? quotient(at) : arg(at) - of.by * quotient(at));
      }
      // what is read from a tensor (a batch's rows of a data set) differs wherever it can
      const dims = (from ?? [name]).map((n) => this.#dimension({ name: n }));
      return (at) => {
        let n = 0;
        for (const d of dims) n = n * (limit[d] as number) + (at[d] as number);
        return coef * n;
      };
    });
    return (at) => {
      let sum = index.constant;
      for (const term of terms) sum += term(at);
      return sum;
    };
  }

  /** o<d> is a dimension of the domain, r<d> of the reduction. */
  #dimension({ name }: Pick<Atom, "name">): number {
    let d = this.#dimensions.get(name);
    if (d === undefined) {
      d = Number(name.slice(1)) + (name.startsWith("r") ? this.#domain.length : 0);
      this.#dimensions.set(name, d);
    }
    return d;
  }

  /** From `start`, changes a dimension at a time to what costs least, or trades two, until nothing helps; records where changes
   *  end, and where trades do. */
  descend(start: Schedule, found: Map<string, Costed>): void {
    let best = this.#cheapest([
      ...start.tile.map((n, d) => (d === this.#whole ? (this.#domain[d] as number) : n)),
      ...start.unroll,
    ]);
    for (;;) {
      const key = keyOf(best.schedule);
      if (this.#seen.has(key)) return; // another descent went on from here
      this.#seen.add(key);
      const { cost } = best;
      const box = [...best.schedule.tile, ...best.schedule.unroll];
      const take = (boxes: readonly (readonly number[])[]) => {
        for (const other of boxes) {
          const candidate = this.#cheapest(other);
          if (candidate.cost < 0.99 * best.cost) best = candidate;
        }
      };
      take(this.#changes(box));
      if (best.cost < cost) continue;
      found.set(key, best);
      take(this.#trades(box));
      if (best.cost === cost) return;
    }
  }

  /** Every change of one dimension. */
  #changes(box: readonly number[]): number[][] {
    return box.flatMap((size, d) => sizes.filter((s) => s !== size && this.#suits(s, d)).map((s) => box.with(d, s)));
  }

  /** Twice of one dimension for half of another: what the limits of a lane's work keep single changes from. */
  #trades(box: readonly number[]): number[][] {
    return box.flatMap((more, i) =>
      box.flatMap((less, j) => {
        const [twice, half] = [2 * more, less / 2];
        return i !== j && this.#suits(twice, i) && Number.isInteger(half) && this.#suits(half, j)
          ? [box.with(i, twice).with(j, half)]
          : [];
      }),
    );
  }

  /** Tiles, and the unrolling of sums, may be ragged. */
  #suits(size: number, d: number): boolean {
    const rank = this.#domain.length;
    if (d === this.#whole) return false;
    return d < rank
      ? suits(size, this.#domain[d] as number, true)
      : suits(size, this.#extents[d - rank] as number, this.#ragged);
  }

  /** The cheapest schedule of a tile and an unrolling, and its modelled time for the whole group, in the target's units. */
  #cheapest(box: readonly number[]): Costed {
    const rank = this.#domain.length;
    const schedule = { tile: box.slice(0, rank), unroll: box.slice(rank) };
    const plain = this.#cost(schedule);
    if (!this.#target.quads || plain.cost === Number.POSITIVE_INFINITY) return plain;
    return permutable(this.#domain, schedule)
      .filter((d) => d !== this.#whole)
      .map((quads) => this.#cost({ ...schedule, quads }))
      .reduce((best, c) => (c.cost < best.cost ? c : best), plain);
  }

  #cost(schedule: Schedule): Costed {
    const { tile, unroll, quads } = schedule;
    const { cost, maxAccumulators, maxBody } = this.#target;
    const outputs = numel(tile);
    const accumulators = this.#elements * outputs;
    const body = accumulators * numel(unroll);
    if (accumulators > maxAccumulators || body > maxBody || outputs > maxAccumulators)
      return { schedule, cost: Number.POSITIVE_INFINITY };
    const box = [...tile, ...unroll];
    const iterations = this.#extents.reduce((n, size, d) => n * Math.ceil(size / (unroll[d] as number)), 1);
    const least = lanesIn(this.#domain, tile);
    const { counts, varying } = quads === undefined ? { counts: least, varying: none } : quadLanes(least);
    const quarters = quads === undefined ? box : box.with(quads, (tile[quads] as number) / 4);
    // time inside the loop and outside it; loads there, and those that loops over the tile leave of them
    let [inner, outer, loadsInside, loadsOutside, loadsRolled] = [0, 0, 0, 0, 0];
    this.#patterns.forEach((p, i) => {
      const shared = quads !== undefined && p.dims.includes(quads) && !p.dims.some((d) => varying.has(d));
      const { time, loads } = this.#loads(p, i, shared ? quarters : box, shared);
      if (p.looped) {
        inner += time;
        loadsInside += loads;
      } else {
        outer += time;
        loadsOutside += loads;
        loadsRolled += Math.min(loads, 4);
      }
    });
    const looped = inner + body * cost.fma + (iterations > 1 ? accumulators * cost.carried + cost.loop : 0);
    const perLane = iterations * looped + outer + outputs * cost.store + cost.lane;
    const lanes = busyLanes(numel(counts), this.#target);
    const compile = (outputs: number, loads: number) =>
      (body + outputs * this.#epilogue) * cost.compile.statement + (loadsInside + loads) * cost.compile.load;
    const straight = compile(outputs, loadsOutside);
    const left = this.#whole === undefined ? 4 : 4 * (tile[this.#whole] as number);
    const rolled = compile(Math.min(outputs, left), loadsRolled) + accumulators * cost.array * lanes;
    return {
      schedule: rolled < straight ? { ...schedule, rolled: true } : schedule,
      cost: perLane * lanes * (1 + cost.spill * accumulators) + Math.min(straight, rolled),
    };
  }

  /** Of a pattern's loads over the box: their cost, and how many there are. Of `shared` ones three times as many come from other lanes. */
  #loads(p: Pattern, id: number, box: readonly number[], shared: boolean): { time: number; loads: number } {
    const key = `${id}:${p.dims.map((d) => box[d]).join(",")}`;
    let counts = this.#counts.get(key);
    if (!counts) this.#counts.set(key, (counts = this.#count(p, box)));
    const { loadVec4, loadScalar, statement, exchange } = this.#target.cost;
    const each = counts.scalars * loadScalar;
    const whole = counts.aligned ? counts.vec4s * loadVec4 : Number.POSITIVE_INFINITY;
    const loads = whole <= each ? counts.vec4s : counts.scalars;
    const others = shared ? 3 * counts.values * exchange : 0;
    return { time: Math.min(whole, each) + counts.values * this.#overhead * statement + others, loads };
  }

  #count({ place, divided, dims, vec }: Pattern, box: readonly number[]): Counts {
    const limit = [...this.#domain, ...this.#extents];
    const start = box.map((b, d) => b * Math.floor((limit[d] as number) / b / 2));
    const origin = place(start);
    const stepOver = (d: number) => start.with(d, (start[d] as number) - (box[d] as number));
    const aligned =
      vec && origin % 4 === 0 && dims.every((d) => box[d] === limit[d] || (place(stepOver(d)) - origin) % 4 === 0);
    const sizes = dims.map((d) => box[d] as number);
    const places = new Float64Array(numel(sizes));
    const values = divided.length > 0 ? new Float64Array(places.length) : null;
    const at = [...start];
    for (let n = 0; n < places.length; n++) {
      let rest = n;
      dims.forEach((d, i) => {
        at[d] = (start[d] as number) + (rest % (sizes[i] as number));
        rest = Math.floor(rest / (sizes[i] as number));
      });
      places[n] = place(at);
      if (values) values[n] = divided.reduce((v, { arg, by }) => v * by + (arg(at) % by), places[n] as number);
    }
    const scalars = distinct(places);
    const vec4s = distinct(places.map((place) => Math.floor(place / 4)));
    return { aligned, scalars, vec4s, values: values ? distinct(values) : scalars };
  }
}

/** How many different numbers there are. */
const distinct = (numbers: Float64Array): number =>
  numbers.sort().reduce((n, x, i) => (x === numbers[i - 1] ? n : n + 1), 0);

/** Lanes that a device is busy with: whole workgroups, and no fewer than keep it busy. */
export const busyLanes = (lanes: number, { workgroupSize, lanes: wanted }: Target) =>
  Math.max(Math.ceil(lanes / workgroupSize) * workgroupSize, wanted);
