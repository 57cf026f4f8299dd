// Fuse: puts every step into a group (one kernel) or leaves it to be computed by whoever reads it.
//
// Steps are taken in order. A reduce opens a group as its core. A map joins the group of an input that it reads element for element, or
// in windows that do not overlap: it is computed where that input is made (epilogue). A map none of whose inputs is pending in a group
// floats: its readers compute it on the fly (prologue), unless it is dear and read more than once an element; then it opens a group too.
// A ref is stored only when somebody needs it from memory.
import { numel, sameShape } from "../shape/types.ts";
import { accessOf, readsPointwise, readsRows, readsWindows } from "./access.ts";
import type { Ref, Step, Steps } from "./step.ts";
import { countUses, isView, readersOf, shapeOf } from "./uses.ts";

export interface Group {
  /** The reduce or custom step that it is built round; null: maps alone. */
  readonly core: Step | null;
  readonly members: Set<Step>;
  /** What it writes to memory. */
  readonly stores: Set<Ref>;
  /** Index space that its lanes share out: that of what it stores. */
  domain: readonly number[];
  /** The dimension of it that a lane owns whole, to sum along it what it makes. */
  whole?: number;
  label: string;
}

/** Work (multiply-adds and loads) above which a map that is read repeatedly is stored rather than computed again. */
const dearMap = 6;
/** Work that may be done over and over for less than a dispatch costs. */
const dearAgain = 1 << 14;
/** How many buffers a kernel may bind, and what tells them apart. */
interface Buffers {
  readonly max: number;
  readonly of: (ref: Ref) => unknown;
}

/** Longest row that a lane owns whole, and most terms (of the core, a row) that it then computes. */
const longestRow = 32;
const dearRow = 8192;

/** A shape of rows: the dimensions of `rows`, then a few more. */
export const isRow = (shape: readonly number[], rows: readonly number[]): boolean =>
  rows.every((n, d) => shape[d] === n) && numel(shape) / numel(rows) <= longestRow;

/** `apart`: ids of maps that join no group and open their own. */
export function fuse(
  steps: Steps,
  outputs: readonly Ref[],
  buffers: Buffers,
  apart: ReadonlySet<number> = new Set(),
): Group[] {
  return new Fusion(steps, outputs, buffers, apart).groups;
}

class Fusion {
  readonly groups: Group[] = [];
  readonly #steps: Steps;
  readonly #home = new Map<Step, Group>();
  readonly #uses: ReadonlyMap<Step, number>;
  readonly #work = new Map<Step, number>();
  readonly #readers: ReadonlyMap<Ref, ReadonlySet<Step>>;

  readonly #buffers: Buffers;
  readonly #outputs: ReadonlySet<Ref>;
  readonly #apart: ReadonlySet<number>;

  constructor(steps: Steps, outputs: readonly Ref[], buffers: Buffers, apart: ReadonlySet<number>) {
    this.#steps = steps;
    this.#apart = apart;
    this.#buffers = buffers;
    this.#outputs = new Set(outputs);
    this.#uses = countUses(steps, outputs);
    this.#readers = readersOf(steps);
    for (const step of steps.list) this.#place(step);
    for (const ref of outputs) this.#storeOutput(ref);
    this.groups.splice(0, this.groups.length, ...this.groups.filter((g) => g.stores.size > 0));
    for (const g of this.groups) g.label = labelOf(g);
  }

  #place(step: Step): void {
    const { kernel } = step;
    if (kernel.kind === "source") return;
    if (kernel.kind === "map") {
      this.#placeMap(step);
      return;
    }
    if (kernel.kind === "reduce" && (this.#joinRows(step) || this.#joinWhole(step))) return;
    for (const ref of step.inputs) {
      if (kernel.kind === "custom") this.#storeOutput(ref);
      else this.#store(ref);
    }
    const group = this.#open(step, step);
    if (kernel.kind === "custom") for (const ref of this.#steps.refs(step)) group.stores.add(ref);
  }

  #placeMap(step: Step): void {
    if (isView(step) && readsPointwise(step, 0)) return; // an alias, wherever its source is
    if (this.#apart.has(step.id)) {
      for (const ref of step.inputs) this.#store(ref);
      this.#open(null, step);
      return;
    }
    if (this.#pendingHomes(step).some((group) => this.#join(step, group))) return;
    for (const ref of step.inputs) this.#store(ref);
    const work = this.#inlineWork(step);
    this.#work.set(step, work);
    const uses = this.#uses.get(step) as number;
    if (work > dearMap && uses > 1.01 * numel(shapeOf(step)) && work * uses > dearAgain) this.#open(null, step);
  }

  /** The groups in which an input of the step is pending, the one made last first. */
  #pendingHomes(step: Step): Group[] {
    const homes = new Set(step.inputs.map((r) => this.#pendingHome(r)).filter((g) => g !== null));
    return [...homes].sort((a, b) => this.groups.indexOf(b) - this.groups.indexOf(a));
  }

  /** Multiply-adds and loads of one element of a map, those of the maps that float before it included. */
  #inlineWork(step: Step): number {
    const { reads } = accessOf(step);
    const cost = step.kernel.kind === "map" ? step.kernel.cost : 0;
    return step.inputs.reduce(
      (sum, ref, k) => sum + (reads[k]?.length ?? 0) * (this.#home.has(ref.step) ? 1 : (this.#work.get(ref.step) ?? 1)),
      cost,
    );
  }

  /** Puts a map into a group, if it can be computed where its inputs in that group are. */
  #join(step: Step, group: Group): boolean {
    const inside = this.#inside(step, group);
    const pointwise = inside.every((k) => readsPointwise(step, k)) && numel(shapeOf(step)) === numel(group.domain);
    const windows = !pointwise && inside.every((k) => readsWindows(step, k)) && this.#private(group, step);
    const inRows = () => isRow(shapeOf(step), group.domain) && inside.every((k) => readsRows(step, k, group.domain));
    if (!(pointwise || windows || inRows()) || !this.#enter(step, group)) return false;
    if (windows) group.domain = shapeOf(step);
    return true;
  }

  /** Puts a short reduction over rows that a lane can own whole into the group that makes them. */
  #joinRows(step: Step): boolean {
    const [group] = this.#pendingHomes(step);
    const rows = shapeOf(step);
    if (!group || accessOf(step).factors !== 1 || accessOf(step).extent > longestRow) return false;
    const cut = !sameShape(group.domain, rows);
    if (cut) {
      // its rows become the group's domain: all that it makes must be made of such rows
      const whole = [...group.members].every((m) => sameShape(shapeOf(m), group.domain));
      const perRow = numel(group.domain) / numel(rows);
      if (!whole || !isRow(group.domain, rows) || (group.core && accessOf(group.core).extent * perRow > dearRow))
        return false;
    }
    if (!this.#inside(step, group).every((k) => readsRows(step, k, rows)) || !this.#enter(step, group)) return false;
    group.domain = rows;
    return true;
  }

  /** Puts a sum along one dimension of what a group makes into that group. */
  #joinWhole(step: Step): boolean {
    const { along } = step;
    if (along === undefined) return false;
    const { step: maker, type } = step.inputs[0] as Ref;
    const group = this.#home.get(maker);
    if (!group || !sameShape(group.domain, type.shape) || (group.whole ?? along) !== along) return false;
    if (!this.#enter(step, group)) return false;
    group.whole = along;
    return true;
  }

  /** The inputs that the group makes. */
  #inside(step: Step, group: Group): number[] {
    return step.inputs.flatMap((r, k) => (this.#home.get(origin(r, this.#home).step) === group ? [k] : []));
  }

  /** Makes a step a member, if its other inputs can exist before the group runs and there are buffers enough. */
  #enter(step: Step, group: Group): boolean {
    const inside = this.#inside(step, group);
    const others = step.inputs.filter((_, k) => !inside.includes(k));
    if (this.#dependOn(others, group) || !this.#fits(group, step)) return false;
    for (const ref of others) this.#store(ref);
    group.members.add(step);
    this.#home.set(step, group);
    return true;
  }

  /** Nothing of the group is needed by anybody but its members and `step`. */
  #private(group: Group, step: Step): boolean {
    if (group.core === null || group.stores.size > 0) return false;
    const reader = (s: Step) => s === step || group.members.has(s);
    return [...group.members].every((m) =>
      this.#steps.refs(m).every((r) => !this.#outputs.has(r) && [...(this.#readers.get(r) ?? [])].every(reader)),
    );
  }

  /** Whether the group with `step` binds no more buffers than a kernel may, if all that others read is stored. */
  #fits(group: Group, step: Step): boolean {
    const members = new Set([...group.members, step]);
    const bound = new Set<unknown>();
    const seen = new Set<Ref>();
    const visit = (ref: Ref) => {
      if (seen.has(ref) || members.has(ref.step)) return;
      seen.add(ref);
      if (ref.step.kernel.kind === "source" || this.#home.has(ref.step)) bound.add(this.#buffers.of(ref));
      else for (const r of ref.step.inputs) visit(r);
    };
    for (const m of members) {
      for (const r of m.inputs) visit(r);
      for (const r of this.#steps.refs(m)) {
        const readers = this.#readers.get(r) ?? new Set();
        if (this.#outputs.has(r) || [...readers].some((reader) => !members.has(reader))) bound.add(this.#buffers.of(r));
      }
    }
    return bound.size <= this.#buffers.max;
  }

  /** Whether the refs need the group to have run. */
  #dependOn(refs: readonly Ref[], group: Group): boolean {
    const seen = new Set<Step>();
    const stack = refs.map((r) => r.step);
    for (let step = stack.pop(); step; step = stack.pop()) {
      if (seen.has(step)) continue;
      seen.add(step);
      const home = this.#home.get(step);
      if (home === group) return true;
      for (const s of home?.members ?? [step]) for (const r of s.inputs) stack.push(r.step);
    }
    return false;
  }

  #open(core: Step | null, step: Step): Group {
    const group: Group = { core, members: new Set([step]), stores: new Set(), domain: shapeOf(step), label: "" };
    this.groups.push(group);
    this.#home.set(step, group);
    return group;
  }

  #pendingHome(ref: Ref): Group | null {
    const source = origin(ref, this.#home);
    const group = this.#home.get(source.step);
    return group && !group.stores.has(source) ? group : null;
  }

  /** What the ref is made from comes from memory from now on; a map that floats still floats. */
  #store(ref: Ref): void {
    const source = origin(ref, this.#home);
    this.#home.get(source.step)?.stores.add(source);
  }

  /** The ref itself comes from memory. */
  #storeOutput(ref: Ref): void {
    const home = this.#home.get(ref.step);
    if (home) home.stores.add(ref);
    else if (ref.step.kernel.kind !== "source") {
      const pending = this.#pendingHome(ref);
      if (!pending || !this.#join(ref.step, pending)) {
        this.#store(ref);
        this.#open(null, ref.step);
      }
      this.#home.get(ref.step)?.stores.add(ref);
    }
  }
}

/** The ref that a floating pointwise view shows. */
function origin(ref: Ref, home: ReadonlyMap<Step, Group>): Ref {
  let r = ref;
  while (!home.has(r.step) && isView(r.step) && readsPointwise(r.step, 0)) r = r.step.inputs[0] as Ref;
  return r;
}

function labelOf(group: Group): string {
  const names = [...group.members].filter((m) => !isView(m)).map((m) => m.name);
  const short = names.length > 6 ? [...names.slice(0, 5), `… ${names.at(-1)}`] : names;
  return (short.length ? short : [...group.members].map((m) => m.name)).join(" + ");
}
