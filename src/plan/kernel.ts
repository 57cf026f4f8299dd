// Kernel: from a group of fused steps and a schedule to the statements of one lane.
//
// A lane owns a tile of the group's domain. It works on demand: each store asks for the values of its tile; a map asks its inputs at
// the indices it reads; a core (reduce) is asked for elements, which become accumulators of one loop nest over its extents, partly
// unrolled. Whatever is asked for twice is computed once, so overlapping windows, patches and rows are loaded once into named values.
import { flatten, Index, offsets, unflatten } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import { numel, sameShape, strides } from "../shape/types.ts";
import type { Place } from "./data.ts";
import type { Block, Statement, Store } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { Accumulators, reductionBlock } from "./reduction.ts";
import { type PlaceOf, Region } from "./region.ts";
import type { Ref } from "./step.ts";

/** How a group's work is cut up: the tile of the domain that a lane owns, and how many steps of each reduction loop are unrolled. */
export interface Schedule {
  readonly tile: readonly number[];
  readonly unroll: readonly number[];
}

export interface Kernel {
  readonly label: string;
  readonly lanes: number;
  readonly block: Block;
  readonly schedule: Schedule;
}

/** A ref that a group writes, and where. */
export interface Stored {
  readonly ref: Ref;
  readonly place: Place;
}

export function buildKernel(group: Group, schedule: Schedule, placeOf: PlaceOf, stores: readonly Stored[]): Kernel {
  const { tile, unroll } = schedule;
  const counts = group.domain.map((n, d) => Math.ceil(n / (tile[d] as number)));
  const header: Statement[] = [];
  const origin = laneOrigin(counts, tile, header);

  const core = new Region("c", group, placeOf, null);
  const accumulators = new Accumulators(group.core);
  const epilogue = new Region("e", group, placeOf, accumulators);
  const written: Store[] = [];
  for (const offset of offsets(tile)) {
    const at = origin.map((o, d) => o.add(offset[d] as number));
    const guard = allOf(...at.map((i, d) => epilogue.emitter.inside(i, group.domain[d] as number)));
    if (guard === "false") continue;
    for (const { ref, place } of stores)
      for (const from of elementsOf(ref, at, group.domain)) {
        const value = toStorage(ref, epilogue.value(ref, from));
        const index = flatten(from, strides(ref.type.shape)).add(place.offset);
        epilogue.emitter.text(index); // names what the index needs
        written.push({ kind: "store", buffer: place.buffer, index, nameOf: epilogue.emitter.atom, value, guard });
      }
  }
  const reduction = group.core ? reductionBlock(group.core, accumulators, core, unroll) : [];
  const block: Block = [...header, ...reduction, ...(epilogue.emitter.scopes[0] as Statement[]), ...written];
  return { label: group.label, lanes: numel(counts), block, schedule };
}

/** What of a ref belongs to an element of the domain: the element of the same flat index, or a whole row. */
function elementsOf(ref: Ref, at: readonly Index[], domain: readonly number[]): (readonly Index[])[] {
  const { shape } = ref.type;
  if (sameShape(domain, shape)) return [at];
  if (numel(shape) === numel(domain)) return [unflatten(flatten(at, strides(domain)), shape)];
  return offsets(shape.slice(domain.length)).map((inner) => [...at, ...inner.map((i) => Index.of(i))]);
}

/** Decodes `lane` into the first index of its tile, last dimension fastest. */
function laneOrigin(counts: readonly number[], tile: readonly number[], header: Statement[]): Index[] {
  const origin = new Array<Index>(counts.length);
  let rest = "lane";
  const outer = counts.findIndex((n) => n > 1);
  for (let d = counts.length - 1; d >= 0; d--) {
    const n = counts[d] as number;
    origin[d] = Index.atom(`o${d}`, 0, n - 1).mul(tile[d] as number);
    if (n === 1) continue;
    header.push(`let o${d} = i32(${d === outer ? rest : `(${rest}) % ${n}u`});`);
    rest = rest === "lane" ? `lane / ${n}u` : `(${rest}) / ${n}u`;
  }
  return origin;
}

/** Bools are stored as u32. */
function toStorage(ref: Ref, value: string): string {
  return ref.type.dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}
