// Walk: schedules for sums of products in which a lane goes along dimensions of its tile in loops. It holds a panel of the factor that is the same
// all along (some columns of it, a chunk of the reduction), and of the other factor loads what the chunk needs, a fourth of it, the rest coming
// from the other lanes of its quad. Next to nothing is carried round a loop, and a loop's code is short; both are dear on a CPU.
import { exchanged } from "../../shaders/quad.ts";
import { type Atom, flatten, Index, offsets } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import { numel, type Shape, strides, type TensorType } from "../shape/types.ts";
import type { Block, Loop, Statement } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { type Lanes, lanesIn, largestDivisor, quadLanes, quarter, type Schedule } from "./lanes.ts";
import { chain } from "./reduction.ts";
import { type Elements, type PlaceOf, Region } from "./region.ts";
import type { Step } from "./step.ts";
import type { Target } from "./target.ts";

/** Columns of the panel: the sums that a lane keeps in registers. */
const columns = [2, 3, 4, 5, 6];
/** Steps of the reduction in a chunk, at most: a loop's code stays in the nearest cache. */
const mostSteps = 72;
/** Sums of a lane, in an array. */
const mostSums = 1024;

/** Multiply-adds from which on a walk is worth its panel. */
const leastWork = 1 << 18;

/** What walks cost, since their loops are short, and the lanes that they keep a CPU busy with. */
const targetOf = (target: Target): Target => ({
  ...target,
  lanes: 64,
  cost: { ...target.cost, fma: 0.5, loadVec4: 17, loadScalar: 4.2, store: 10, loop: 34 },
});

/** What a factor of a term is made from: the coordinates that decide it (o<d>, r<d>), and which of the term's reads are its. */
interface Factor {
  readonly from: ReadonlySet<string>;
  readonly reads: ReadonlySet<number>;
}

/** The two factors of a core's terms: one that changes along a walk, and one that can be held. */
interface Roles {
  readonly factors: readonly Factor[];
  readonly walker: number;
  readonly panel: number;
}

/** The factors of a core's terms. */
function factorsOf({ kernel, ctx }: Step): Factor[] {
  const { extents, term } = kernel as ReduceKernel;
  const tokens = new Map<string, Factor>();
  let reads = 0;
  const made = (text: string): Factor => {
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
    readOr: (_, at, _otherwise, where = "") => token([...coordinates(at), ...made(where).from], [reads++]),
    inside: (i) => token(i.coordinates()),
    multiple: (i) => token(i.coordinates()),
    let: (expression) => expression,
    text: (i) => token(i.coordinates()),
    index: (expression, extent) => Index.atom(expression, 0, extent - 1, [...made(expression).from]),
  };
  const atoms = (letter: string, shape: Shape) => shape.map((n, d) => Index.atom(`${letter}${d}`, 0, n - 1));
  return term(atoms("o", coreShape(ctx)), atoms("r", extents(ctx)), lower, ctx).map(made);
}

const coreShape = ({ outputs }: Step["ctx"]): Shape => (outputs[0] as TensorType).shape;

/** How many elements of the core a tile has for each of the domain: windows that do not overlap (pooling). */
const windowOf = ({ core, domain }: Group): number[] => {
  const shape = coreShape((core as Step).ctx);
  return domain.map((n, d) => Math.max(1, Math.floor((shape[d] ?? 0) / n)));
};

/** Dimensions of the core that only one factor depends on. */
function dimensionsOf({ factors, walker }: Roles, rank: number): { along: number[]; across: number[] } {
  const only = (a: number) =>
    Array.from({ length: rank }, (_, d) => d).filter(
      (d) => factors[a]!.from.has(`o${d}`) && !factors[1 - a]!.from.has(`o${d}`),
    );
  return { along: only(walker), across: only(1 - walker) };
}

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
  const ofWalks = targetOf(target);
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
    let best: { schedule: Schedule; cost: number } | undefined;
    for (const d of across)
      for (const c of columns.filter((n) => (domain[d] as number) % n === 0)) {
        const tile = tileOf(group, along, d, c, ofWalks);
        const lanes = quadLanes(lanesIn(domain, tile));
        if ([...lanes.varying].some((e) => (factors[walker] as Factor).from.has(`o${e}`))) continue;
        for (const unroll of chunks) {
          const schedule: Schedule = { tile, unroll, walk: walker };
          const cost = costOf(group, schedule, c, extents, numel(lanes.counts), ofWalks);
          if (!best || cost < best.cost) best = { schedule, cost };
        }
      }
    return best ? [build(best.schedule, ofWalks)] : [];
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
      if (box.some((n) => n % 4 === 0) && 2 * size >= Math.min(mostSteps, numel(extents))) found.push([...box]);
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
  const row = cost.loop + masks + loads + columns * (steps * cost.fma + cost.array);
  const rows = (numel(tile) * numel(windowOf(group))) / columns;
  return chunks * (fill + rows * row) * Math.max(lanes, wanted);
}

/** The sums of a walk, in an array in the order of the tile: what its epilogue reads. */
class WalkSums implements Elements {
  readonly #tile: readonly number[];

  constructor(tile: readonly number[]) {
    this.#tile = tile;
  }

  /** Tiles begin at multiples of their sizes. */
  element(_: number, at: readonly Index[], nameOf: (atom: Atom) => string): string {
    const own = at.map((i, d) => i.mod(this.#tile[d] as number));
    return `acc[${flatten(own, strides(this.#tile)).text(nameOf)}]`;
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
  walker: number,
  lanes: Lanes,
  placeOf: PlaceOf,
): { block: Block; sums: WalkSums } {
  const core = group.core as Step;
  const kernel = core.kernel as ReduceKernel;
  const extents = kernel.extents(core.ctx);
  const roles = { factors: factorsOf(core), walker, panel: 1 - walker };
  const window = windowOf(group);
  const origin = lanes.origin.map((o, d) => o.mul(window[d] as number));
  const elements = tile.map((n, d) => n * (window[d] as number));
  const sums = new WalkSums(elements);
  const { along } = dimensionsOf(roles, elements.length);
  const shared = unroll.findLastIndex((n) => n % 4 === 0);
  const panel = new Region("h", group, lanes, placeOf, null);
  const path = new Region("w", group, lanes, placeOf, null);
  /** A factor of the term at `r`; a chunk that overhangs its extent adds nothing there. */
  const factor = (region: Region, which: number, at: readonly Index[], r: readonly Index[]): string => {
    const { emitter } = region;
    const lower = only(region.lower(core), roles.factors[which] as Factor);
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
  /** A loop of e0, e1 …; its variable. */
  const open = ({ emitter }: Region, loops: Loop[], times: number, quarter?: string): Index => {
    if (times === 1) return Index.of(0);
    const name = `e${loops.length}`;
    loops.push({ name, times, ...(quarter && { quarter }) });
    emitter.open(name, ...(quarter ? [quarter] : []));
    if (quarter) emitter.statement(`let ${quarter} = q0 ^ ${name};`);
    return Index.atom(name, 0, times - 1);
  };

  const held = offsets(elements.map((n, d) => (along.includes(d) ? 1 : n)));
  const places = strides([...unroll, held.length]);
  const fills: Loop[] = [];
  const inChunk = unroll.map((n, d) => {
    if (d !== shared) {
      const step = open(panel, fills, n);
      return { place: step, step };
    }
    const four = open(panel, fills, n / 4).mul(4);
    return { place: four.add(open(panel, fills, 4, "y0")), step: four.add(Index.atom("y0", 0, 3)) };
  });
  const from = starts.map((s, d) => s.add((inChunk[d] as { step: Index }).step));
  for (const [j, offset] of held.entries()) {
    const at = origin.map((o, d) => o.add(offset[d] as number));
    const place = flatten([...inChunk.map((c) => c.place), Index.of(j)], places);
    panel.emitter.statement(`held[${panel.emitter.text(place)}] = ${factor(panel, roles.panel, at, from)};`);
  }

  const walk: Loop[] = [];
  const here = elements.map((n, d) => (along.includes(d) ? open(path, walk, n) : Index.of(0)));
  const steps = offsets(unroll);
  const at = origin.map((o, d) => o.add(here[d] as Index));
  /** By the first of four steps: the value of this lane's own one. */
  const own = new Map<string, string>();
  // all loads come first: among branches, which they are made of, sums do not stay in registers
  for (const step of steps)
    if ((step[shared] as number) % 4 === 0) {
      const r = starts.map((s, d) => s.add(step[d] as number).add(d === shared ? quarter(0) : 0));
      own.set(`${step}`, factor(path, walker, at, r));
    }
  for (const [k, step] of steps.entries()) {
    const s = (step[shared] as number) % 4;
    const value = own.get(`${step.with(shared, (step[shared] as number) - s)}`) as string;
    const x = s === 0 ? value : path.emitter.let(exchanged(value, s));
    for (const j of held.keys()) path.emitter.statement(chain("f32", j, k, [x, `held[${k * held.length + j}]`]));
  }
  for (const [j, offset] of held.entries()) {
    const place = offset.map((i, d) => (here[d] as Index).add(i));
    const sum = sums.element(0, place, path.emitter.atom);
    const before = chunks.length > 0 ? `${sum} + ` : "";
    path.emitter.statement(`${sum} = ${before}s${j}_${steps.length - 1};`);
  }

  const nest = (depth: number): Block => {
    const own = [panel, path].flatMap(({ emitter }) => emitter.scopes[depth] as Statement[]);
    const [loop] = chunks.slice(depth);
    const inner: Block = loop
      ? [{ loop, carries: 0, body: nest(depth + 1) }]
      : [...panel.emitter.nest(fills), ...path.emitter.nest(walk)];
    return [...own, ...inner];
  };
  const arrays = [
    `var held = array<f32, ${steps.length * held.length}>();`,
    `var acc = array<f32, ${numel(elements)}>();`,
  ];
  return { block: [...arrays, ...nest(0)], sums };
}
