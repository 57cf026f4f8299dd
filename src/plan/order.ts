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

/** Lets independent groups share a dispatch where `fits` says that the bundle may be. */
export function pack(
  groups: readonly Group[],
  precedence: Precedence,
  small: (g: Group) => boolean,
  fits: (groups: Bundle) => boolean,
): void {
  const hosts: Group[] = [];
  for (const g of groups) {
    if (!small(g)) continue;
    const host = hosts
      .slice(-window)
      .find((h) => !precedence.reaches(h, g) && !precedence.reaches(g, h) && fits([...precedence.bundleOf(h), g]));
    if (host) precedence.merge(host, g);
    else hosts.push(g);
  }
}
