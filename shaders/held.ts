// Recurrences on a CPU behind WebGPU: a lane holds some columns of the matrix, loaded once for all steps, and goes along the rows of its group. Of a
// row the lanes of a quad load a fourth each, and exchange it. Next to nothing is carried round a loop, and loops are short (see plan/walk.ts).
import { exchanged } from "./quad.ts";
import { type Code, declarations, each, ownershipOf, repeat, type Sizes, type Step, type Tile } from "./recurrence.ts";
import { wgsl } from "./wgsl.ts";

/** A tile whose columns are held. */
export type HeldTile = Tile & { readonly hold: number };

export const isHeld = (tile: Tile): tile is HeldTile => tile.hold !== undefined;

/** sums[r, c] = Σₖ from[start + row + r, part·inner + k]·matrix[part·inner + k, columns[c]] */
export interface HeldFactors {
  readonly from: string;
  readonly start: string;
  /** Of a part; a multiple of the tile's `hold`. */
  readonly inner: number;
  /** A lane's sum is over one part of so many, the one of number `part`. */
  readonly parts: number;
  readonly matrix: string;
  readonly length: number;
  readonly columns: readonly string[];
}

const partOf = ({ inner, parts }: HeldFactors) => (parts === 1 ? "" : `part * ${inner}u + `);

/** Fills `held` [inner, columns]: the k-th with the line that belongs to the k-th value that a lane gets of a row, by loads and exchanges. */
export function fillHeld(factors: HeldFactors): string {
  const { inner, matrix, length, columns } = factors;
  const n = columns.length;
  return wgsl`
var held: array<f32, ${inner * n}>;
${repeat(
  "k = 0u",
  wgsl`let line = (${partOf(factors)}(k ^ place)) * ${length}u;
${each(n, (c) => `held[k * ${n}u + ${c}u] = ${matrix}[line + ${columns[c]}];`)}`,
  "k++",
  `k == ${inner}u`,
)}`;
}

/** The product, in a loop over rows for each chunk of the inner dimension. `store` is what becomes of the sum of row `line` and a column. */
export function heldProduct(
  { batch }: Sizes,
  { rows, hold }: HeldTile,
  factors: HeldFactors,
  store: (column: number, sum: string) => string,
): string {
  const { from, start, inner, parts, columns } = factors;
  const n = columns.length;
  const value = (k: number) => (k % 4 === 0 ? `h${k / 4}` : `h${Math.floor(k / 4)}_${k % 4}`);
  const term = (first: number, k: number, c: number) => {
    const [x, y] = [value(k), `held[${(first + k) * n + c}]`];
    return `let s${c}_${k} = ${k === 0 ? `${x} * ${y}` : `fma(${x}, ${y}, s${c}_${k - 1})`};`;
  };
  const terms = (first: number, k: number) => wgsl`
#if ${k % 4 !== 0}
let ${value(k)} = ${exchanged(value(k - (k % 4)), k % 4)};
#endif
${each(n, (c) => term(first, k, c))}`;
  const chunk = (first: number) => {
    const place = `sums[r * ${n}u + `;
    const sum = (c: number) => `${first === 0 ? "" : `${place}${c}u] + `}s${c}_${hold - 1}`;
    const last = first + hold === inner;
    const body = wgsl`let line = ${batch % rows === 0 ? "row + r" : `min(row + r, ${batch - 1}u)`};
let own = (${start} + line) * ${parts * inner}u + ${partOf(factors)}${first}u + place;
${each(hold / 4, (i) => `let h${i} = ${from}[own + ${4 * i}u];`)}
${each(hold, (k) => terms(first, k))}
${each(n, (c) => (last ? store(c, sum(c)) : `${place}${c}u] = ${sum(c)};`))}`;
    return repeat("r = 0u", body, "r++", `r == ${rows}u`);
  };
  return each(inner / hold, (i) => chunk(i * hold));
}

/** `text` for each unit of each row of the group, shared out over the lanes: in it `line` is the row, `u` the unit, `i` their place in [B,H], `at` that
 *  of the row in [T·B], and sum0 … are what `sum` says of a lane's v-th. */
export function eachCell(
  { batch, units }: Sizes,
  { rows, workgroupSize }: HeldTile,
  count: number,
  sum: (c: number) => string,
  text: string,
): string {
  // a division takes a CPU as long as many sums
  const whole = units === workgroupSize;
  const body = wgsl`let n = li + v * ${workgroupSize}u;
let line = row + ${whole ? "v" : `n / ${units}u`};
#if ${batch % rows !== 0}
if (line >= ${batch}u) { break; }
#endif
let u = ${whole ? "li" : `n % ${units}u`};
let at = t * ${batch}u + line;
let i = line * ${units}u + u;
${each(count, (c) => `let sum${c} = ${sum(c)};`)}
${text}`;
  return repeat("v = 0u", body, "v++", `li + v * ${workgroupSize}u >= ${rows * units}u`);
}

/** The loop over steps. */
export function driveHeld(
  { steps, batch }: Sizes,
  tile: HeldTile,
  which: { readonly from: string; readonly counter: string },
  { setup, text, before, time }: Step & { readonly setup: string },
): Code {
  const ownership = ownershipOf(tile, batch, which.counter);
  return {
    declarations: `${declarations(tile)}\n${ownership.declarations}`,
    body: wgsl`${ownership.body}
let place = li % 4u;
let row = own * ${tile.rows}u;
${setup}
let first = ${which.from};
#if ${before !== undefined}
if (first == 0u) {
${before ?? ""}
storageBarrier();
}
#endif
${repeat("i = first", `let t = ${time("i")};\n${text}\nstorageBarrier();`, "i++", `i == min(first + ${tile.steps}u, ${steps}u)`)}`,
  };
}
