// Link: what the groups read and write, where that lies, and what must run before what; and what to move out of one that reads too much.
import type { ReduceKernel } from "../graph/op.ts";
import { numel } from "../shape/types.ts";
import type { Place } from "./data.ts";
import type { Block, Store } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { buildKernel, type Stored } from "./kernel.ts";
import type { Schedule } from "./lanes.ts";
import { Precedence } from "./order.ts";
import type { Places } from "./places.ts";
import type { PlaceOf } from "./region.ts";
import type { Ref, Step, Steps } from "./step.ts";
import { isView } from "./uses.ts";

export class Link {
  readonly precedence = new Precedence();
  /** Schedules chosen so far: groups of equal keys take equal ones. */
  readonly schedules = new Map<string, Schedule>();
  /** Which group stores each stored ref. */
  readonly stored: Map<Ref, Group>;
  readonly #groups: Group[];
  readonly #places: Places;
  readonly #loads = new Map<Group, ReadonlySet<Ref>>();

  constructor(groups: Group[], places: Places) {
    this.#groups = groups;
    this.#places = places;
    this.stored = storedBy(groups);
    for (const g of groups) {
      this.precedence.add(g);
      for (const ref of this.loadsOf(g)) this.#after(ref, g);
    }
  }

  /** The refs that a group loads. */
  loadsOf(g: Group): ReadonlySet<Ref> {
    let loads = this.#loads.get(g);
    if (!loads) this.#loads.set(g, (loads = loadsOf(g, this.stored)));
    return loads;
  }

  storesOf(g: Group): Stored[] {
    return [...g.stores].flatMap((ref) => this.#places.write(ref).map((place) => ({ ref, place })));
  }

  /** Where a ref is loaded from. */
  placeOf(ref: Ref): Place {
    return this.#places.source(ref) ?? (this.#places.write(ref)[0] as Place);
  }

  /** The same for a group: null for what it computes itself, and for what floats. */
  readerOf(g: Group): PlaceOf {
    return (ref) => {
      if (g.members.has(ref.step)) return null;
      return this.#places.source(ref) ?? (this.stored.has(ref) ? this.placeOf(ref) : null);
    };
  }

  /** Buffers that one kernel of these groups binds. */
  countBuffers(groups: readonly Group[]): number {
    const loaded = groups.flatMap((g) => [...this.loadsOf(g)].map((ref) => this.placeOf(ref).buffer));
    return new Set([...loaded, ...groups.flatMap((g) => this.storesOf(g).map((s) => s.place.buffer))]).size;
  }

  /** Carried values are written in place: every reader of the old value runs before its writer, which itself reads it only element for
   *  element. Where that cannot be, the new value is made in memory of its own and copied when all have read the old one. */
  settleCarry(steps: Steps): void {
    for (const { input, output, place } of this.#places.pairs) {
      const writer = this.stored.get(output) as Group;
      const readers = this.#groups.filter((g) => g !== writer && this.loadsOf(g).has(input));
      const over = { ref: output, place };
      const stores = [over, ...this.storesOf(writer).filter((s) => s.ref !== output)];
      const free = readers.every((g) => !this.precedence.reaches(writer, g));
      if (free && readsInPlace(writer, this.readerOf(writer), stores, over)) {
        for (const g of readers) this.precedence.add(g, writer);
        this.#places.writeTo(output, place);
        continue;
      }
      const ref = this.#places.copyOf(output, steps);
      const copy: Group = {
        core: null,
        members: new Set([ref.step]),
        stores: new Set([ref]),
        domain: ref.type.shape,
        label: "copy",
      };
      this.#groups.push(copy);
      this.stored.set(ref, copy);
      this.precedence.add(writer, copy);
      for (const g of readers) this.precedence.add(g, copy);
      this.#places.writeTo(ref, place);
    }
  }

  #after(ref: Ref, g: Group): void {
    const maker = this.stored.get(ref);
    if (maker) this.precedence.add(maker, g);
  }
}

/** Whether a group that writes `stores`, one of them over an input's old value, reads that value only at the element that it writes there. */
function readsInPlace(
  group: Group,
  placeOf: PlaceOf,
  stores: readonly Stored[],
  { ref, place: { buffer, offset: first } }: Stored,
): boolean {
  if (group.core?.kernel.kind === "custom") return false;
  const extents = group.core ? (group.core.kernel as ReduceKernel).extents(group.core.ctx) : [];
  const ones: Schedule = { tile: group.domain.map(() => 1), unroll: extents.map(() => 1) };
  const { block } = buildKernel(group, ones, placeOf, stores);
  const last = first + numel(ref.type.shape);
  const target = block
    .filter((s) => typeof s === "object" && "kind" in s && s.kind === "store" && s.buffer === buffer)
    .map((s) => (s as Store).index.key);
  const harmless = (b: Block): boolean =>
    b.every((s) => {
      if (typeof s === "string" || ("kind" in s && s.kind === "store")) return true;
      if ("loop" in s) return harmless(s.body);
      return s.buffer !== buffer || s.index.max < first || s.index.min >= last || target.includes(s.index.key);
    });
  return harmless(block);
}

/** What to move out of a group that binds too many buffers: of the maps that it computes on the fly the one that reads from the most
 *  places, else the last that joined it. */
export function stepToMove(group: Group, stored: ReadonlyMap<Ref, Group>): Step | undefined {
  const floating = new Map<Step, Set<Ref>>();
  const sourcesOf = (ref: Ref): Set<Ref> => {
    if (ref.step.kernel.kind === "source" || stored.has(ref)) return new Set([ref]);
    let sources = floating.get(ref.step);
    if (!sources) {
      sources = new Set(ref.step.inputs.flatMap((r) => [...sourcesOf(r)]));
      floating.set(ref.step, sources);
    }
    return sources;
  };
  for (const step of group.members) for (const r of step.inputs) if (!group.members.has(r.step)) sourcesOf(r);
  const [widest] = [...floating].sort(([, a], [, b]) => b.size - a.size);
  if (widest && widest[1].size > 1) return widest[0];
  return [...group.members].filter((s) => s !== group.core && !isView(s)).at(-1);
}

/** Which group stores each stored ref. */
function storedBy(groups: readonly Group[]): Map<Ref, Group> {
  return new Map(groups.flatMap((g) => [...g.stores].map((ref) => [ref, g] as const)));
}

/** The refs that the group loads: sources, and what others store. */
function loadsOf(group: Group, stored: ReadonlyMap<Ref, Group>): Set<Ref> {
  const loads = new Set<Ref>();
  const seen = new Set<Ref>();
  const visit = (ref: Ref) => {
    if (seen.has(ref) || group.members.has(ref.step)) return;
    seen.add(ref);
    if (ref.step.kernel.kind === "source" || stored.has(ref)) loads.add(ref);
    else for (const r of ref.step.inputs) visit(r);
  };
  for (const step of group.members) for (const r of step.inputs) visit(r);
  return loads;
}
