// Lanes: how the lanes (invocations) of a kernel divide the domain of its group. As they come, the last dimension runs fastest; or a
// workgroup is a box of lanes. What lanes have in common they need not all load: boxes share loads (share.ts), quads whatever they compute.
//
// A quad is four lanes in a row. In one dimension, which does not tell its lanes apart, each takes the quarters of its tile in an order of its
// own: the s-th is quarter p ^ s, where p is the lane's place in the quad. What depends on the quarter, and is else alike in all four lanes,
// a lane computes for its first alone: its s-th is the first of the lane at p ^ s, from where one exchange brings it.
import { Index } from "../graph/affine.ts";
import { numel } from "../shape/types.ts";

/** How a kernel is cut up. */
export interface Schedule {
  /** What a lane owns of the domain. */
  readonly tile: readonly number[];
  /** Steps of each reduction loop in its body. */
  readonly unroll: readonly number[];
  /** The dimension, of which a tile has a multiple of four, in which the lanes of a quad share out what they have in common. */
  readonly quads?: number | undefined;
  /** The factor of the terms, 0 or 1, that changes as a lane walks along its tile (walk.ts). Lanes share it in quads; what is made of the sums is made in
   *  loops. */
  readonly walk?: number | undefined;
  /** What is made of the sums of a tile is made in loops, four columns at a time: less to compile, but the sums go through an array. */
  readonly rolled?: boolean;
  /** Of a reduction as a whole: parts that it is done in; 1 is none (split.ts). */
  readonly parts?: number;
  /** Lanes of a workgroup in each dimension; loads that they have in common go through workgroup memory. */
  readonly group?: readonly number[] | undefined;
}

export interface Lanes {
  readonly count: number;
  /** The first index of a lane's tile, by the names o0 … */
  readonly origin: readonly Index[];
  /** Statements that declare o0 …, from `lane`; with `group` from `box` and `li`, i0 … (the place in the workgroup) too. */
  readonly header: readonly string[];
  readonly group: readonly number[] | null;
  readonly workgroups: number | null;
  /** The s of indices that depend on a lane's s-th quarter, and are else alike in all lanes of a quad; 0 if it is no other lane's first. */
  neighbour(at: readonly Index[]): number;
}

export function largestDivisor(n: number, most: number): number {
  for (let d = Math.min(n, most); d > 1; d--) if (n % d === 0) return d;
  return 1;
}

/** Lanes in each dimension. */
export const lanesIn = (domain: readonly number[], tile: readonly number[]): number[] =>
  domain.map((n, d) => Math.ceil(n / (tile[d] as number)));

export function lanesOf(domain: readonly number[], { tile, group, quads, walk }: Schedule): Lanes {
  const counts = lanesIn(domain, tile);
  return group ? boxedLanes(counts, tile, group) : plainLanes(counts, tile, quads !== undefined || walk !== undefined);
}

function plainLanes(least: readonly number[], tile: readonly number[], inQuads: boolean): Lanes {
  const { counts, varying } = inQuads ? quadLanes(least) : { counts: least, varying: null };
  const origin = counts.map((n, d) => Index.atom(`o${d}`, 0, n - 1).mul(tile[d] as number));
  return {
    ...{ count: numel(counts), origin, group: null, workgroups: null },
    header: [...decode("lane", "o", counts), ...(varying ? places : [])],
    neighbour: (at) => (varying ? neighbourOf(at, varying) : 0),
  };
}

/** Lanes in each dimension such that quads are whole (those that overhang store nothing), and the dimensions that tell the lanes of a quad
 *  apart: the last ones that have four lanes. */
export function quadLanes(counts: readonly number[]): { counts: readonly number[]; varying: ReadonlySet<number> } {
  const varying = new Set<number>();
  let lanes = 1;
  for (let d = counts.length - 1; d >= 0; d--) {
    const n = counts[d] as number;
    if (n === 1) continue;
    varying.add(d);
    if (lanes * n > 3 || counts.slice(0, d).every((m) => m === 1)) {
      const step = lanes % 4 === 0 ? 1 : lanes % 2 === 0 ? 2 : 4;
      return { counts: counts.with(d, Math.ceil(n / step) * step), varying };
    }
    lanes *= n;
  }
  return { counts, varying };
}

/** Declare q<s>, the quarter of the tile that is a lane's s-th. */
const places = [0, 1, 2, 3].map((s) => `let q${s} = i32(min((lane % 4u) ^ ${s}u, 3u));`);

export const quarter = (s: number): Index => Index.atom(`q${s}`, 0, 3);

/** The i-th of a tile of so many in the dimension that quads permute. */
export const permuted = (i: number, size: number): Index =>
  quarter(Math.floor((4 * i) / size))
    .mul(size / 4)
    .add(i % (size / 4));

/** Dimensions that quads may permute. */
export function permutable(domain: readonly number[], { tile }: Schedule): number[] {
  const counts = lanesIn(domain, tile);
  const { varying } = quadLanes(counts);
  return numel(counts) < 4 ? [] : tile.flatMap((n, d) => (n % 4 === 0 && !varying.has(d) ? [d] : []));
}

function neighbourOf(at: readonly Index[], varying: ReadonlySet<number>): number {
  if (!at.some((i) => /[qy]/.test(i.key))) return 0; // most: no need to take them apart
  const names = new Set(at.flatMap((i) => i.coordinates()));
  const [first, ...others] = [...names].filter((name) => /^[qy]/.test(name));
  if (first === undefined || first === "y0" || others.length > 0 || [...varying].some((d) => names.has(`o${d}`)))
    return 0;
  // what was read at an index of this quarter cannot be said for another
  return at.some((i) => i.bind(first, 0).coordinates().includes(first)) ? 0 : Number(first.slice(1));
}

/** Boxes may overhang: their lanes are all there, for the sake of barriers, and store nothing. */
function boxedLanes(counts: readonly number[], tile: readonly number[], group: readonly number[]): Lanes {
  const boxes = counts.map((n, d) => Math.ceil(n / (group[d] as number)));
  const whole = boxes.map((n, d) => n * (group[d] as number));
  const origin = whole.map((n, d) => Index.atom(`o${d}`, 0, n - 1).mul(tile[d] as number));
  const coordinates = whole.flatMap((n, d) => {
    if (n === 1) return [];
    const terms = [
      ...((boxes[d] as number) > 1 ? [`box${d} * ${group[d]}`] : []),
      ...((group[d] as number) > 1 ? [`i${d}`] : []),
    ];
    return [`let o${d} = ${terms.join(" + ")};`];
  });
  return {
    ...{ count: numel(whole), origin, group, workgroups: numel(boxes) },
    header: [...decode("box", "box", boxes), ...decode("li", "i", group), ...coordinates],
    neighbour: () => 0,
  };
}

/** Statements that take a flat number apart, the last dimension fastest. Dimensions of one are left out. */
export function decode(flat: string, name: string, counts: readonly number[]): string[] {
  const statements: string[] = [];
  let rest = flat;
  const outer = counts.findIndex((n) => n > 1);
  for (let d = counts.length - 1; d >= 0; d--) {
    const n = counts[d] as number;
    if (n === 1) continue;
    // both ways tell compilers the range, as `bounded` does
    statements.push(`let ${name}${d} = i32(${d === outer ? `min(${rest}, ${n - 1}u)` : `(${rest}) % ${n}u`});`);
    rest = rest === flat ? `${flat} / ${n}u` : `(${rest}) / ${n}u`;
  }
  return statements;
}
