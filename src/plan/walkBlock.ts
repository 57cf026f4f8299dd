// The loops of a walk (walk.ts): they fill the panel and make the sums.
import { received } from "../../shaders/quad.ts";
import { type Atom, flatten, Index, offsets } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import { numel, strides } from "../shape/types.ts";
import { type Block, bounded, type Emitter, type Loop, nestTogether, type Statement } from "./emit.ts";
import { dimensionsOf, type Factor, factorsOf, windowOf } from "./factors.ts";
import type { Group } from "./fuse.ts";
import type { Rolled } from "./kernel.ts";
import { type Lanes, quarter, type Schedule } from "./lanes.ts";
import { chain } from "./reduction.ts";
import { type Elements, type PlaceOf, Region } from "./region.ts";
import type { Step } from "./step.ts";

/** The sums of a walk, in an array of what is summed up at once, place by place: what its epilogue reads. */
class WalkSums implements Elements {
  readonly #tile: readonly number[];
  readonly #panel: readonly number[];

  /** `panel` is a tile without what is walked along. */
  constructor(tile: readonly number[], panel: readonly number[]) {
    this.#tile = tile;
    this.#panel = panel;
  }

  get places(): number {
    return numel(this.#tile) / numel(this.#panel);
  }

  /** Of the sums at a place of the walk. */
  all(at: readonly Index[], nameOf: (atom: Atom) => string): string {
    const walked = this.#tile.map((n, d) => n / (this.#panel[d] as number));
    return `acc[${flatten(this.#own(at, walked), strides(walked)).text(nameOf)}]`;
  }

  element(_: number, at: readonly Index[], nameOf: (atom: Atom) => string): string {
    const own = flatten(this.#own(at, this.#panel), strides(this.#panel));
    return `${this.all(at, nameOf)}[${own.text(nameOf)}]`;
  }

  /** Tiles begin at multiples of their sizes. */
  #own(at: readonly Index[], extents: readonly number[]): Index[] {
    return at.map((i, d) => i.mod(extents[d] as number));
  }
}

/** The sums of a walk of one chunk, which have names in the body of its loops. */
class NamedSums implements Elements {
  readonly #panel: readonly number[];
  readonly #last: number;

  /** `panel` is a tile without what is walked along; `last` the number of the sums' last terms. */
  constructor(panel: readonly number[], last: number) {
    this.#panel = panel;
    this.#last = last;
  }

  get names(): string[] {
    return Array.from({ length: numel(this.#panel) }, (_, j) => `s${j}_${this.#last}`);
  }

  /** Which one it is may show at run time alone: lanes that overhang the domain leave remainders in the indices of another shape. */
  element(_: number, at: readonly Index[], nameOf: (atom: Atom) => string): string {
    const own = at.map((i, d) => i.mod(this.#panel[d] as number));
    const which = flatten(own, strides(this.#panel));
    if (which.terms.length === 0) return this.names[which.constant] as string;
    return this.names.reduce((value, name, j) => `select(${value}, ${name}, ${which.text(nameOf)} == ${j})`);
  }
}

/** The loops of a lane's walk, and what is made of its sums in them or, where these lie in an array, behind them. */
export interface Walked {
  readonly sums: Elements;
  /** Where sums are used in the loops: these, the first of their elements, and how many there are. */
  readonly inside?: Rolled & { readonly names: readonly string[] };
  /** All statements, given those of an epilogue inside. */
  block(epilogue: Emitter): Block;
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

/** The loops that make the sums of a lane's tile. */
export function walkBlock(
  group: Group,
  { tile, unroll }: Schedule,
  walker: number,
  lanes: Lanes,
  placeOf: PlaceOf,
): Walked {
  const core = group.core as Step;
  const kernel = core.kernel as ReduceKernel;
  const extents = kernel.extents(core.ctx);
  const roles = { factors: factorsOf(core), walker, panel: 1 - walker };
  const window = windowOf(group);
  const origin = lanes.origin.map((o, d) => o.mul(window[d] as number));
  const elements = tile.map((n, d) => n * (window[d] as number));
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
    if (quarter) emitter.statement(`let ${quarter} = ${bounded(`q0 ^ ${name}`, 4)};`);
    return Index.atom(name, 0, times - 1);
  };

  const across = elements.map((n, d) => (along.includes(d) ? 1 : n));
  const held = offsets(across);
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
    const x = path.emitter.let(received(value, s));
    for (const j of held.keys()) path.emitter.statement(chain("f32", j, k, [`held[${k * held.length + j}]`, x]));
  }
  const last = steps.length - 1;
  // an element of the core is one of the domain, and none needs a whole row
  const alone = window.every((n) => n === 1) && group.whole === undefined && chunks.length === 0;
  const named = new NamedSums(across, last);
  const array = new WalkSums(elements, across);
  if (!alone) {
    const all = array.all(here, path.emitter.atom);
    if (chunks.length > 0) path.emitter.statement(`let before = ${all};`);
    const sums = named.names.map((sum, j) => (chunks.length > 0 ? `before[${j}] + ${sum}` : sum));
    path.emitter.statement(`${all} = array<f32, ${sums.length}>(${sums.join(", ")});`);
  }

  const nest = (depth: number, epilogue: Emitter): Block => {
    const own = [panel, path].flatMap(({ emitter }) => emitter.scopes[depth] as Statement[]);
    const [loop] = chunks.slice(depth);
    if (loop) return [...own, { loop, carries: 0, body: nest(depth + 1, epilogue) }];
    return [
      ...own,
      ...nestTogether([panel.emitter], fills),
      ...nestTogether([path.emitter, ...(alone ? [epilogue] : [])], walk),
    ];
  };
  return {
    sums: alone ? named : array,
    ...(alone && { inside: { loops: walk, origin: at, tile: across, names: named.names } }),
    block: (epilogue) => [
      `var held = array<f32, ${steps.length * held.length}>();`,
      ...(alone ? [] : [`var acc = array<array<f32, ${held.length}>, ${array.places}>();`]),
      ...nest(0, epilogue),
    ],
  };
}
