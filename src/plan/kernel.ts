// Kernel: from a group of fused steps and a schedule to the statements of one lane.
//
// A lane owns a tile of the group's domain. It works on demand: each store asks for the values of its tile; a map asks its inputs at
// the indices it reads; a core (reduce) is asked for elements, which become accumulators of one loop nest over its extents, partly
// unrolled. Whatever is asked for twice is computed once, so overlapping windows, patches and rows are loaded once into named values.
import { flatten, Index, offsets, unflatten } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import { numel, sameShape, strides } from "../shape/types.ts";
import type { Place } from "./data.ts";
import { type Block, bounded, type Loop, nestTogether, type Statement, type Store } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { type Lanes, lanesOf, permuted, type Schedule } from "./lanes.ts";
import { Accumulators, reductionBlock } from "./reduction.ts";
import { type PlaceOf, Region } from "./region.ts";
import type { Ref } from "./step.ts";

export interface Kernel {
  readonly label: string;
  readonly lanes: Lanes;
  readonly block: Block;
  readonly schedule: Schedule;
  /** The elements of the core that it sums up one by one. */
  readonly elements: readonly (readonly Index[])[];
}

/** A ref that a group writes, and where. */
export interface Stored {
  readonly ref: Ref;
  readonly place: Place;
}

/** What builds kernels that walk (walk.ts). */
export type Walks = typeof import("./walk.ts");

export function buildKernel(
  group: Group,
  schedule: Schedule,
  placeOf: PlaceOf,
  stores: readonly Stored[],
  walks?: Walks,
): Kernel {
  const { unroll, walk, quads } = schedule;
  const rolled = schedule.rolled || walk !== undefined;
  const lanes = lanesOf(group.domain, schedule);
  const walked = walk === undefined ? null : (walks as Walks).walkBlock(group, schedule, walk, lanes, placeOf);
  const straight = { ...lanes, ...schedule, loops: [] };
  const { loops, origin, tile } = walked?.inside ?? (rolled ? roll(lanes.origin, schedule, group) : straight);
  const accumulators = new Accumulators(group.core, loops);
  const epilogue = new Region("e", group, lanes, placeOf, walked?.sums ?? accumulators);
  for (const { name, quarter } of loops) {
    epilogue.emitter.open(name, ...(quarter ? [quarter] : []));
    if (quarter) epilogue.emitter.statement(`let ${quarter} = ${bounded(`q0 ^ ${name}`, 4)};`);
  }
  for (const name of walked?.inside?.names ?? []) epilogue.emitter.declare(name, loops.length);
  const written: Store[] = [];
  for (const offset of offsets(tile)) {
    const at = origin.map((o, d) => {
      const i = offset[d] as number;
      return o.add(d === quads && !rolled ? permuted(i, tile[d] as number) : i);
    });
    const guard = allOf(...at.map((i, d) => epilogue.emitter.inside(i, group.domain[d] as number)));
    if (guard === "false") continue;
    for (const { ref, place } of stores)
      for (const from of elementsOf(ref, at, group)) {
        const value = toStorage(ref, epilogue.value(ref, from));
        const index = flatten(from, strides(ref.type.shape)).add(place.offset);
        epilogue.emitter.text(index); // names what the index needs
        written.push({ kind: "store", buffer: place.buffer, index, nameOf: epilogue.emitter.atom, value, guard });
      }
  }
  for (const store of written) epilogue.emitter.statement(store);
  const core = new Region("c", group, lanes, placeOf, null);
  const reduction =
    walked?.block(epilogue.emitter) ?? (group.core ? reductionBlock(group.core, accumulators, core, unroll) : []);
  const head = epilogue.emitter.scopes[0] as Statement[];
  const block: Block = walked?.inside
    ? [...head, ...reduction]
    : [...reduction, ...accumulators.arrays, ...head, ...nestTogether([epilogue.emitter], loops)];
  return { label: group.label, lanes, block, schedule, elements: accumulators.elements };
}

/** Loops over a tile, the first of the elements in their body, and how many these are. */
export interface Rolled {
  readonly loops: readonly Loop[];
  readonly origin: readonly Index[];
  readonly tile: readonly number[];
}

/** Loops over a tile, and what is left in their body: of the last dimension four elements in a row, or all, and a dimension that is owned whole. */
function roll(origin: readonly Index[], { tile, quads }: Schedule, { whole }: Group): Rolled {
  const loops: Loop[] = [];
  const loop = (times: number, quarter?: string): Index => {
    const name = `e${loops.length}`;
    loops.push({ name, times, ...(quarter && { quarter }) });
    return Index.atom(quarter ?? name, 0, times - 1);
  };
  const left: number[] = [];
  const starts = origin.map((o, d) => {
    const permutes = d === quads;
    const size = (tile[d] as number) / (permutes ? 4 : 1);
    const four = size % 4 === 0 ? 4 : size;
    left[d] = d === whole ? size : d < tile.length - 1 ? 1 : four;
    const start = permutes ? o.add(loop(4, "y0").mul(size)) : o;
    const times = size / left[d];
    return times === 1 ? start : start.add(loop(times).mul(left[d]));
  });
  return { loops, origin: starts, tile: left };
}

/** What of a ref belongs to an element of the domain: the element of the same flat index, or a whole row; the sum along a dimension belongs to
 *  the first in it. */
function elementsOf(ref: Ref, at: readonly Index[], { domain, whole }: Group): (readonly Index[])[] {
  const { shape } = ref.type;
  if (sameShape(domain, shape)) return [at];
  if (whole !== undefined && ref.step.along === whole) return at[whole]?.key === "0" ? [at.toSpliced(whole, 1)] : [];
  if (numel(shape) === numel(domain)) return [unflatten(flatten(at, strides(domain)), shape)];
  return offsets(shape.slice(domain.length)).map((inner) => [...at, ...inner.map((i) => Index.of(i))]);
}

/** Bools are stored as u32. */
function toStorage(ref: Ref, value: string): string {
  return ref.type.dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}
