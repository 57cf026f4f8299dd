// Recurrences on a CPU behind WebGPU: a lane holds some columns of the matrix, loaded once for all steps, and goes along the rows of its group. Of a
// row the lanes of a quad load a fourth each, and exchange it. Next to nothing is carried round a loop, and loops are short (see plan/walk.ts).
import { received } from "./quad.ts";
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

/** A loop of so many rounds, at least one. Compilers see the range of its variable (plan/emit.ts: `bounded`). */
const rounds = (name: string, times: number, body: string): string =>
  repeat(
    `${name}Next = 0u`,
    `let ${name} = min(${name}Next, ${times - 1}u);\n${body}`,
    `${name}Next++`,
    `${name}Next == ${times}u`,
  );

const partOf = ({ inner, parts }: HeldFactors) => (parts === 1 ? "" : `part * ${inner}u + `);

/** Fills `held` [inner, columns]: the k-th with the line that belongs to the k-th value that a lane gets of a row, by loads and exchanges. */
export function fillHeld(factors: HeldFactors): string {
  const { inner, matrix, length, columns } = factors;
  const n = columns.length;
  return wgsl`
var held: array<f32, ${inner * n}>;
${rounds(
  "k",
  inner,
  wgsl`let line = (${partOf(factors)}min(k ^ place, ${inner - 1}u)) * ${length}u;
${each(n, (c) => `held[k * ${n}u + ${c}u] = ${matrix}[line + ${columns[c]}];`)}`,
)}`;
}

/** The product, in a loop over rows for each chunk of the inner dimension; more than one add up in `sums`, which it declares. `finish` is what becomes
 *  of the sums of row `line`, one a column. */
export function heldProduct(
  { batch }: Sizes,
  { rows, hold }: HeldTile,
  factors: HeldFactors,
  finish: (sums: readonly string[]) => string,
): string {
  const { from, start, inner, parts, columns } = factors;
  const n = columns.length;
  // held[…] first: then it is what a two-address machine overwrites with the product
  const term = (first: number, k: number, c: number) => {
    const y = `held[${(first + k) * n + c}]`;
    return `let s${c}_${k} = ${k === 0 ? `${y} * x${k}` : `fma(${y}, x${k}, s${c}_${k - 1})`};`;
  };
  const terms = (first: number, k: number) => wgsl`
let x${k} = ${received(`h${Math.floor(k / 4)}`, k % 4)};
${each(n, (c) => term(first, k, c))}`;
  const chunk = (first: number) => {
    const place = `sums[r * ${n}u + `;
    const sum = (c: number) => `${first === 0 ? "" : `${place}${c}u] + `}s${c}_${hold - 1}`;
    const body = wgsl`let line = ${batch % rows === 0 ? "row + r" : `min(row + r, ${batch - 1}u)`};
let own = (${start} + line) * ${parts * inner}u + ${partOf(factors)}${first}u + place;
${each(hold / 4, (i) => `let h${i} = ${from}[own + ${4 * i}u];`)}
${each(hold, (k) => terms(first, k))}
${first + hold === inner ? finish(columns.map((_, c) => sum(c))) : each(n, (c) => `${place}${c}u] = ${sum(c)};`)}`;
    return rounds("r", rows, body);
  };
  return wgsl`
#if ${hold < inner}
var sums = array<f32, ${rows * n}>();
#endif
${each(inner / hold, (i) => chunk(i * hold))}`;
}

/** `text` for the cell of row `line` and unit `u`: in it `i` is its place in [B,H], `at` that of the row in [T·B]. */
const cell = ({ batch, units }: Sizes, text: string) => wgsl`let at = t * ${batch}u + line;
let i = line * ${units}u + u;
${text}`;

/** `text` for the cells of row `line` that are a lane's: in it sum0 … are the gates' sums, of which `sums` has those of each cell in a row. */
export function ownCells(
  sizes: Sizes,
  { blocks, workgroupSize }: HeldTile,
  sums: readonly string[],
  text: string,
): string {
  const gates = sums.length / blocks;
  const own = (b: number) => wgsl`{
let u = li + ${b * workgroupSize}u;
${each(gates, (g) => `let sum${g} = ${sums[b * gates + g]};`)}
${cell(sizes, text)}
}`;
  return each(blocks, own);
}

/** `text` for each cell of the group's rows, shared out over the lanes. */
export function eachCell(sizes: Sizes, { rows, workgroupSize }: HeldTile, text: string): string {
  const { batch, units } = sizes;
  const one = wgsl`
#if ${batch % rows !== 0}
if (line >= ${batch}u) { break; }
#endif
${cell(sizes, text)}`;
  const blocks = units / workgroupSize;
  // a division takes a CPU as long as many sums
  if (Number.isInteger(blocks))
    return rounds(
      "v",
      rows,
      `let line = row + v;\n${rounds("b", blocks, `let u = li + b * ${workgroupSize}u;\n${one}`)}`,
    );
  const cells = rows * units;
  const body = wgsl`let n = li + v * ${workgroupSize}u;
#if ${cells % workgroupSize !== 0}
if (n >= ${cells}u) { break; }
#endif
let line = row + min(n / ${units}u, ${rows - 1}u);
let u = n % ${units}u;
${one}`;
  return rounds("v", Math.ceil(cells / workgroupSize), body);
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
let row = min(own, ${Math.ceil(batch / tile.rows) - 1}u) * ${tile.rows}u;
${setup}
let first = ${which.from};
#if ${before !== undefined}
if (first == 0u) {
${before ?? ""}
storageBarrier();
}
#endif
${repeat("i = first", `let t = min(${time("i")}, ${steps - 1}u);\n${text}\nstorageBarrier();`, "i++", `i == min(first + ${tile.steps}u, ${steps}u)`)}`,
  };
}
