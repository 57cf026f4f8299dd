// Lanes: how the lanes (invocations) of a kernel divide the domain of its group. As they come, the last dimension runs fastest; or a
// workgroup is a box of lanes. What lanes have in common they need not all load: see share.ts.
import { Index } from "../graph/affine.ts";
import { numel } from "../shape/types.ts";

/** How a kernel is cut up. */
export interface Schedule {
  /** What a lane owns of the domain. */
  readonly tile: readonly number[];
  /** Steps of each reduction loop in its body. */
  readonly unroll: readonly number[];
  /** Loads that the four lanes of a quad have in common: each makes a fourth of them and broadcasts it. */
  readonly quads?: boolean;
  /** What is made of the sums of a tile is made in loops, four columns at a time: less to compile, but the sums go through an array. */
  readonly rolled?: boolean;
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
  /** Every lane of a quad has this index. False where quads are not whole. */
  uniformInQuad(i: Index): boolean;
}

export function largestDivisor(n: number, most: number): number {
  for (let d = Math.min(n, most); d > 1; d--) if (n % d === 0) return d;
  return 1;
}

/** Lanes in each dimension. */
export const lanesIn = (domain: readonly number[], tile: readonly number[]): number[] =>
  domain.map((n, d) => Math.ceil(n / (tile[d] as number)));

export function lanesOf(domain: readonly number[], { tile, group }: Schedule): Lanes {
  const counts = lanesIn(domain, tile);
  return group ? boxedLanes(counts, tile, group) : plainLanes(counts, tile);
}

function plainLanes(counts: readonly number[], tile: readonly number[]): Lanes {
  const origin = counts.map((n, d) => Index.atom(`o${d}`, 0, n - 1).mul(tile[d] as number));
  const varying = quadDimensions(counts);
  return {
    ...{ count: numel(counts), origin, group: null, workgroups: null },
    header: decode("lane", "o", counts),
    uniformInQuad: (i) => varying !== null && uniform(i, varying),
  };
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
    uniformInQuad: () => false,
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
    statements.push(`let ${name}${d} = i32(${d === outer ? rest : `(${rest}) % ${n}u`});`);
    rest = rest === flat ? `${flat} / ${n}u` : `(${rest}) / ${n}u`;
  }
  return statements;
}

/** The dimensions in which the lanes of a quad differ; null if four in a row are not always whole. */
export function quadDimensions(counts: readonly number[]): ReadonlySet<number> | null {
  const varying = new Set<number>();
  let lanes = 1;
  for (let d = counts.length - 1; d >= 0; d--) {
    if ((counts[d] as number) > 1) varying.add(d);
    lanes *= counts[d] as number;
    if (lanes % 4 === 0) return varying;
  }
  return null;
}

const uniform = (i: Index, varying: ReadonlySet<number>): boolean =>
  i.coordinates().every((name) => !name.startsWith("o") || !varying.has(Number(name.slice(1))));
