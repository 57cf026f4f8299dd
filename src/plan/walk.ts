// Walk: schedules for sums of products in which a lane goes along a dimension of its tile in a loop. It holds a panel of the factor that is the
// same all along (some columns of it, a chunk of the reduction), and of the other factor loads what the chunk needs, a fourth of it, the rest
// coming from the other lanes of its quad. Next to nothing is carried round a loop, and a loop's code is short; both are dear on a CPU.
import { flatten, Index, offsets } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import { InternalError } from "../shape/errors.ts";
import { numel, sameShape, strides, type TensorType } from "../shape/types.ts";
import type { Block, Loop, Statement } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { type Lanes, lanesIn, largestDivisor, quadLanes, quarter, type Schedule } from "./lanes.ts";
import { busyLanes } from "./model.ts";
import { chain } from "./reduction.ts";
import { type PlaceOf, Region } from "./region.ts";
import type { Step } from "./step.ts";
import type { Target } from "./target.ts";

/** Columns of the panel: the sums that a lane keeps in registers. */
const columns = [4, 5, 6];
/** Steps of the reduction in a chunk, at most: a loop's code stays in the nearest cache. */
const mostSteps = 72;
/** Sums of a lane, in an array. */
const mostSums = 1024;
/** Steps of a walk that are worth a panel. */
const leastWalk = 16;

/** What a factor of a term is made from: the coordinates that decide it (o<d>, r<d>), and which of the term's reads are its. */
interface Factor {
  readonly from: ReadonlySet<string>;
  readonly reads: ReadonlySet<number>;
}

/** The factors of a core's terms. */
function factorsOf(step: Step, rank: number, extents: readonly number[]): Factor[] {
  const tokens = new Map<string, Factor>();
  let reads = 0;
  const fromText = (text: string): Factor => {
    const parts = (text.match(/\bt\d+_/g) ?? []).map((t) => tokens.get(t) as Factor);
    return { from: new Set(parts.flatMap((p) => [...p.from])), reads: new Set(parts.flatMap((p) => [...p.reads])) };
  };
  const token = (from: Iterable<string>, own: Iterable<number> = []): string => {
    const name = `t${tokens.size}_`;
    tokens.set(name, { from: new Set(from), reads: new Set(own) });
    return name;
  };
  const coordinates = (at: readonly Index[]) => at.flatMap((i) => i.coordinates());
  const lower: Lower = {
    read: (_, at) => token(coordinates(at), [reads++]),
    readOr: (_, at, _otherwise, where = "") => token([...coordinates(at), ...fromText(where).from], [reads++]),
    inside: (i) => token(i.coordinates()),
    multiple: (i) => token(i.coordinates()),
    let: (expression) => expression,
    text: (i) => token(i.coordinates()),
    index: (expression, extent) => Index.atom(expression, 0, extent - 1, [...fromText(expression).from]),
  };
  // two of each: an atom of one would be a constant
  const atoms = (letter: string, n: number) => Array.from({ length: n }, (_, d) => Index.atom(`${letter}${d}`, 0, 1));
  const kernel = step.kernel as ReduceKernel;
  return kernel.term(atoms("o", rank), atoms("r", extents.length), lower, step.ctx).map(fromText);
}

/** Which factor changes along the dimension `walk`, and which does not; null if both do or neither. */
function roles(factors: readonly Factor[], walk: number): { walker: number; panel: number } | null {
  const changing = factors.flatMap(({ from }, i) => (from.has(`o${walk}`) ? [i] : []));
  if (factors.length !== 2 || changing.length !== 1) return null;
  const [walker] = changing as [number];
  return { walker, panel: 1 - walker };
}

/** The best walk in each dimension that allows one, as the target's costs have it. */
export function walkCandidates(group: Group, extents: readonly number[], target: Target): Schedule[] {
  const { domain, whole, core } = group;
  if (!target.near || !target.quads || !core || whole !== undefined) return [];
  const [type] = core.ctx.outputs as [TensorType];
  if ((core.kernel as ReduceKernel).combine !== "sum" || type.dtype !== "f32" || !sameShape(type.shape, domain))
    return [];
  if (numel(domain) * numel(extents) < target.near.leastWork) return [];
  const factors = factorsOf(core, domain.length, extents);
  const chunks = chunksOf(extents);
  return domain.flatMap((_, walk) => {
    const role = roles(factors, walk);
    if (!role) return [];
    const [walker, panel] = [factors[role.walker] as Factor, factors[role.panel] as Factor];
    const across = domain.flatMap((_, d) => (panel.from.has(`o${d}`) && !walker.from.has(`o${d}`) ? [d] : []));
    let best: { schedule: Schedule; cost: number } | undefined;
    for (const d of across)
      for (const c of columns.filter((n) => (domain[d] as number) % n === 0))
        for (const unroll of chunks) {
          const steps = walkSteps(domain, walk, d, c, target);
          const schedule = { tile: domain.map((_, e) => (e === walk ? steps : e === d ? c : 1)), unroll, walk };
          const lanes = quadLanes(lanesIn(domain, schedule.tile));
          if (steps < leastWalk || [...lanes.varying].some((e) => walker.from.has(`o${e}`))) continue;
          const cost = costOf(schedule, c, extents, numel(lanes.counts), target);
          if (!best || cost < best.cost) best = { schedule, cost };
        }
    return best ? [best.schedule] : [];
  });
}

/** How far a lane walks: as far as its sums allow, unless there would be too few lanes; always to the end of the dimension, or a whole part of it. */
function walkSteps(
  domain: readonly number[],
  walk: number,
  across: number,
  columns: number,
  { lanes }: Target,
): number {
  const n = domain[walk] as number;
  const others = numel(domain) / n / (domain[across] as number);
  const panels = ((domain[across] as number) / columns) * others;
  const parts = Math.max(Math.ceil((n * columns) / mostSums), Math.ceil(lanes / panels));
  return largestDivisor(n, Math.floor(n / parts));
}

/** Boxes of the reduction that make chunks: a multiple of four in one dimension, which quads share out. */
function chunksOf(extents: readonly number[]): number[][] {
  const found: number[][] = [];
  const grow = (d: number, box: readonly number[], size: number) => {
    if (d < 0) {
      if (box.some((n) => n % 4 === 0) && 2 * size >= Math.min(mostSteps, numel(extents))) found.push([...box]);
      return;
    }
    const n = extents[d] as number;
    const most = Math.floor(mostSteps / size);
    const sizes = new Set([1, Math.min(n, most), 4 * Math.min(Math.ceil(n / 4), Math.floor(most / 4))]);
    for (let k = 1; k <= most; k++) if (n % k === 0) sizes.add(k);
    for (const k of sizes) if (k >= 1 && Math.ceil(n / k) * k <= 1.25 * n) grow(d - 1, [k, ...box], size * k);
  };
  grow(extents.length - 1, [], 1);
  return found;
}

function costOf(
  { tile, unroll, walk }: Schedule,
  columns: number,
  extents: readonly number[],
  lanes: number,
  target: Target,
): number {
  const near = target.near as NonNullable<Target["near"]>;
  const steps = numel(unroll);
  const chunks = numel(extents.map((n, d) => Math.ceil(n / (unroll[d] as number))));
  const masked = extents.some((n, d) => n % (unroll[d] as number) !== 0) ? 2 * steps * target.cost.statement : 0;
  const fill = steps * columns * (near.load + target.cost.array);
  const row =
    near.loop + masked + (steps / 4) * (near.load + 3 * target.cost.exchange) + columns * (steps * near.fma + near.sum);
  return chunks * (fill + (tile[walk as number] as number) * row) * busyLanes(lanes, target);
}

/** The sums of a walk, in an array in the order of the tile: what its epilogue reads. */
class WalkSums {
  readonly #origin: readonly Index[];
  readonly #tile: readonly number[];

  constructor({ origin }: Lanes, tile: readonly number[]) {
    this.#origin = origin;
    this.#tile = tile;
  }

  element(_: number, at: readonly Index[]): string {
    const own = at.map((i, d) => i.sub(this.#origin[d] as Index));
    if (!own.every((i, d) => i.min >= 0 && i.max < (this.#tile[d] as number)))
      throw new InternalError(`walk: [${own.map((i) => i.key)}] is not of a tile of [${this.#tile}]`);
    return this.at(own);
  }

  at(own: readonly Index[]): string {
    return `acc[${flatten(own, strides(this.#tile)).text(({ name }) => name)}]`;
  }
}

/** Of a term's reads those that a factor needs; the others are zeros that nothing uses. */
function only(lower: Lower, { reads }: Factor): Lower {
  let count = 0;
  const wanted = () => reads.has(count++);
  return {
    ...lower,
    read: (k, at) => (wanted() ? lower.read(k, at) : "0.0f"),
    readOr: (k, at, otherwise, where) => (wanted() ? lower.readOr(k, at, otherwise, where) : "0.0f"),
  };
}

/** The loops that make the sums of a lane's tile, and where these are then. */
export function walkBlock(
  group: Group,
  { tile, unroll }: Schedule,
  walk: number,
  lanes: Lanes,
  placeOf: PlaceOf,
): { block: Block; sums: WalkSums } {
  const core = group.core as Step;
  const kernel = core.kernel as ReduceKernel;
  const extents = kernel.extents(core.ctx);
  const factors = factorsOf(core, group.domain.length, extents);
  const role = roles(factors, walk);
  const shared = unroll.findLastIndex((n) => n % 4 === 0);
  if (!role || shared < 0) throw new InternalError(`${group.label}: no walk along ${walk} in chunks of ${unroll}`);
  const sums = new WalkSums(lanes, tile);
  const panel = new Region("h", group, lanes, placeOf, null);
  const path = new Region("w", group, lanes, placeOf, null);
  /** A factor of the term at `r`; a chunk that overhangs its extent adds nothing there. */
  const factor = (region: Region, which: number, at: readonly Index[], r: readonly Index[]): string => {
    const { emitter } = region;
    const lower = only(region.lower(core), factors[which] as Factor);
    const value = kernel.term(at, r, lower, core.ctx)[which] as string;
    const inside = allOf(...r.map((i, d) => emitter.inside(i, extents[d] as number)));
    return inside === "true" ? value : emitter.let(`select(0.0f, ${value}, ${inside})`);
  };

  const chunks: Loop[] = [];
  const starts = extents.map((n, d) => {
    const times = Math.ceil(n / (unroll[d] as number));
    if (times === 1) return Index.of(0);
    const name = `r${d}`;
    chunks.push({ name, times });
    for (const { emitter } of [panel, path]) emitter.open(name);
    return Index.atom(name, 0, times - 1).mul(unroll[d] as number);
  });

  const held = offsets(tile.with(walk, 1));
  const places = strides([...unroll, held.length]);
  const fills: Loop[] = [];
  const fillLoop = (times: number, quarter?: string): Index => {
    if (times === 1) return Index.of(0);
    const name = `e${fills.length}`;
    fills.push({ name, times, ...(quarter && { quarter }) });
    panel.emitter.open(name, ...(quarter ? [quarter] : []));
    if (quarter) panel.emitter.statement(`let ${quarter} = q0 ^ ${name};`);
    return Index.atom(name, 0, times - 1);
  };
  const inChunk = unroll.map((n, d) => {
    if (d !== shared) {
      const i = fillLoop(n);
      return { place: i, step: i };
    }
    const four = fillLoop(n / 4).mul(4);
    return { place: four.add(fillLoop(4, "y0")), step: four.add(Index.atom("y0", 0, 3)) };
  });
  const from = starts.map((s, d) => s.add((inChunk[d] as { step: Index }).step));
  for (const [j, offset] of held.entries()) {
    const at = lanes.origin.map((o, d) => o.add(offset[d] as number));
    const place = flatten([...inChunk.map((c) => c.place), Index.of(j)], places);
    panel.emitter.statement(`held[${panel.emitter.text(place)}] = ${factor(panel, role.panel, at, from)};`);
  }

  const along: Loop = { name: "e0", times: tile[walk] as number };
  path.emitter.open(along.name);
  const here = Index.atom(along.name, 0, along.times - 1);
  const steps = offsets(unroll);
  const walker = (step: readonly number[]): string => {
    const at = lanes.origin.map((o, d) => (d === walk ? o.add(here) : o));
    const r = starts.map((s, d) => {
      const i = step[d] as number;
      return s.add(d === shared ? quarter(i % 4).add(i - (i % 4)) : i);
    });
    return factor(path, role.walker, at, r);
  };
  // all loads come first: among branches, which they are made of, sums do not stay in registers
  for (const step of steps) if ((step[shared] as number) % 4 === 0) walker(step);
  for (const [k, step] of steps.entries()) {
    const x = walker(step);
    for (const j of held.keys()) path.emitter.statement(chain("f32", j, k, [x, `held[${k * held.length + j}]`]));
  }
  for (const [j, offset] of held.entries()) {
    const sum = sums.at(offset.map((i, d) => (d === walk ? here : Index.of(i))));
    const before = chunks.length > 0 ? `${sum} + ` : "";
    path.emitter.statement(`${sum} = ${before}s${j}_${steps.length - 1};`);
  }

  const nest = (depth: number): Block => {
    const own = [panel, path].flatMap(({ emitter }) => emitter.scopes[depth] as Statement[]);
    const [loop] = chunks.slice(depth);
    const inner: Block = loop
      ? [{ loop, carries: 0, body: nest(depth + 1) }]
      : [...panel.emitter.nest(fills), ...path.emitter.nest([along])];
    return [...own, ...inner];
  };
  const arrays = [`var held = array<f32, ${steps.length * held.length}>();`, `var acc = array<f32, ${numel(tile)}>();`];
  return { block: [...arrays, ...nest(0)], sums };
}
