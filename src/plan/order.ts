// Order: which groups must run before which, and which small ones share a dispatch.
import type { Group } from "./fuse.ts";

/** Groups that share a dispatch. */
export type Bundle = readonly Group[];

/** A graph of bundles, at first one a group: edges say "before". */
export class Precedence {
  readonly #successors = new Map<Group, Set<Group>>();
  readonly #bundle = new Map<Group, Group[]>();

  /** Adds a group; with a second, an edge to it. */
  add(before: Group, after?: Group): void {
    for (const g of after ? [before, after] : [before]) {
      if (this.#bundle.has(g)) continue;
      this.#bundle.set(g, [g]);
      this.#successors.set(g, new Set());
    }
    if (after && before !== after) this.#successors.get(before)?.add(after);
  }

  /** Whether `from` must run before `to`, or in one dispatch with it. */
  reaches(from: Group, to: Group): boolean {
    const goal = this.bundleOf(to);
    const seen = new Set<Bundle>();
    const stack: Bundle[] = [this.bundleOf(from)];
    for (let b = stack.pop(); b; b = stack.pop()) {
      if (b === goal) return true;
      if (seen.has(b)) continue;
      seen.add(b);
      stack.push(...this.#next(b));
    }
    return false;
  }

  bundleOf(g: Group): Bundle {
    return this.#bundle.get(g) as Bundle;
  }

  merge(host: Group, guest: Group): void {
    const bundle = this.#bundle.get(host) as Group[];
    for (const g of this.#bundle.get(guest) as Group[]) {
      bundle.push(g);
      this.#bundle.set(g, bundle);
    }
  }

  #next(b: Bundle): Set<Bundle> {
    return new Set(b.flatMap((g) => [...(this.#successors.get(g) as Set<Group>)].map((s) => this.bundleOf(s))));
  }

  /** The first and the last level at which each group can run if none is to run later than it must. */
  levels(): Map<Group, { first: number; last: number }> {
    const order = this.sorted().flat();
    const levels = new Map(order.map((g) => [g, { first: 0, last: 0 }]));
    const at = (g: Group) => levels.get(g) as { first: number; last: number };
    const after = (g: Group) => [...(this.#successors.get(g) as Set<Group>)];
    for (const g of order) for (const s of after(g)) at(s).first = Math.max(at(s).first, at(g).first + 1);
    const end = Math.max(0, ...order.map((g) => at(g).first));
    for (const g of order.reverse()) at(g).last = Math.min(end, ...after(g).map((s) => at(s).last - 1));
    return levels;
  }

  /** The bundles, in an order that keeps every edge; of those that are ready, the one whose first group was made first. */
  sorted(): Bundle[] {
    const bundles: Bundle[] = [...new Set(this.#bundle.values())];
    const waiting = new Map<Bundle, number>(bundles.map((b) => [b, 0]));
    const bump = (b: Bundle, by: number) => {
      const n = (waiting.get(b) as number) + by;
      waiting.set(b, n);
      return n;
    };
    for (const b of bundles) for (const s of this.#next(b)) bump(s, 1);
    const out: Bundle[] = [];
    const ready: Bundle[] = bundles.filter((b) => waiting.get(b) === 0);
    for (let b = ready.shift(); b; b = ready.shift()) {
      out.push(b);
      for (const s of this.#next(b)) if (bump(s, -1) === 0) ready.push(s);
      ready.sort((x, y) => bundles.indexOf(x) - bundles.indexOf(y));
    }
    return out;
  }
}

/** Beyond this many bundles only the latest are tried: the search is quadratic. */
const window = 32;

/** Lets small independent groups share a dispatch where `fits` says that the bundle may be, and where that delays nothing: each group may run at
 *  any level from the earliest that its inputs allow to the latest that its readers do. (Riding on a large kernel was tried: it slows that by
 *  more than a dispatch costs.) */
export function pack(
  groups: readonly Group[],
  precedence: Precedence,
  small: (g: Group) => boolean,
  fits: (groups: Bundle) => boolean,
): void {
  const levels = precedence.levels();
  const hosts: { group: Group; first: number; last: number }[] = [];
  for (const g of groups) {
    if (!small(g)) continue;
    const { first, last } = levels.get(g) as { first: number; last: number };
    const host = hosts
      .slice(-window)
      .find(
        (h) =>
          h.first <= last &&
          first <= h.last &&
          !precedence.reaches(h.group, g) &&
          !precedence.reaches(g, h.group) &&
          fits([...precedence.bundleOf(h.group), g]),
      );
    if (host) {
      precedence.merge(host.group, g);
      host.first = Math.max(host.first, first);
      host.last = Math.min(host.last, last);
    } else hosts.push({ group: g, first, last });
  }
}
