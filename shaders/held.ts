// Recurrences on a CPU behind WebGPU: a lane holds some columns of the matrix, loaded once for all steps, and goes along the rows of its group. Of a
// row the lanes of a quad load a fourth each, and exchange it (see plan/walk.ts). In the forward pass the cells of a row come right after its sums.
// Arrays are of vectors of `width`; what is held and summed up are scalars.
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
  /** Of a part; a multiple of the tile's `hold`, which is one of 4·width. */
  readonly inner: number;
  /** A lane's sum is over one part of so many, the one of number `part`. */
  readonly parts: number;
  readonly matrix: string;
  /** Of its lines. */
  readonly length: number;
  /** In vectors. */
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

/** What each row's sums begin with: x[start + row + r, k]·wx[k, columns[c]] + b[columns[c]] */
export interface HeldProjection {
  readonly x: string;
  /** A multiple of four. */
  readonly features: number;
  readonly wx: string;
  readonly b: string;
}

const partOf = ({ inner, parts }: HeldFactors) => (parts === 1 ? "" : `part * ${inner}u + `);

/** Fills `held` [inner, columns]: the k-th with the line that belongs to the k-th value that a lane gets of a row, by loads and exchanges. */
export function fillHeld({ width }: HeldTile, factors: HeldFactors): string {
  const { inner, matrix, length, columns } = factors;
  const from = (k: string) => `${matrix}[(${partOf(factors)}${k}) * ${length / width}u + `;
  return wgsl`var held: array<f32, ${inner * columns.length * width}>;
${fill("held", inner, columns, width, from)}`;
}

/** Fills `heldX` [features + 1, columns], the last with b. */
export function fillProjection({ features, wx, b }: HeldProjection, { length, columns }: HeldFactors): string {
  const n = columns.length;
  return wgsl`var heldX: array<f32, ${(features + 1) * n}>;
${fill("heldX", features, columns, 1, (k) => `${wx}[${k} * ${length}u + `)}
${each(n, (c) => `heldX[${features * n + c}] = ${b}[${columns[c]}];`)}`;
}

function fill(
  array: string,
  lines: number,
  columns: readonly string[],
  width: number,
  from: (line: string) => string,
): string {
  // the s-th exchange of a vector's c-th component brings line 4·(place ^ s) + c of sixteen
  const own = width === 1 ? "k ^ place" : "(k & ~15u) | (((k & 3u) ^ place) << 2u) | ((k >> 2u) & 3u)";
  const vector = (c: number) => wgsl`let m${c} = ${from("line")}${columns[c]}];
${each(width, (j) => `${array}[k * ${columns.length * width}u + ${c * width + j}u] = m${c}${component(width, j)};`)}`;
  return rounds("k", lines, `let line = min(${own}, ${lines - 1}u);\n${each(columns.length, vector)}`);
}

const component = (width: number, j: number) => (width === 1 ? "" : `.${"xyzw"[j]}`);

/** The product, in a loop over rows for each chunk of the inner dimension; more than one add up in `sums`, which it declares. `finish` is what becomes
 *  of the sums of row `line`, one a column. */
export function heldProduct(
  { batch }: Sizes,
  { rows, hold, width }: HeldTile,
  factors: HeldFactors,
  projection: HeldProjection | null,
  finish: (sums: readonly string[]) => string,
): string {
  const { from, start, inner, parts, columns } = factors;
  const n = columns.length * width;
  /** Sums <name><c>_<k> of so many terms, of whose factors the lane has a fourth, <name>own0 …, and an array the others. */
  const sumUp = (name: string, count: number, array: string, begin: number, before: (c: number) => string | null) => {
    // the array's first: then it is what a two-address machine overwrites with the product
    const term = (k: number, c: number) => {
      const [y, sum] = [`${array}[${(begin + k) * n + c}]`, k === 0 ? before(c) : `${name}${c}_${k - 1}`];
      return `let ${name}${c}_${k} = ${sum === null ? `${y} * ${name}x${k}` : `fma(${y}, ${name}x${k}, ${sum})`};`;
    };
    const own = (k: number) => `${name}own${Math.floor(k / (4 * width))}${component(width, Math.floor(k / 4) % 4)}`;
    const value = (k: number) => received(own(k), k % 4);
    return each(count, (k) => `let ${name}x${k} = ${value(k)};\n${each(n, (c) => term(k, c))}`);
  };
  const chunk = (begin: number) => {
    const place = `sums[r * ${n}u + `;
    const sum = (c: number) => `${begin === 0 ? "" : `${place}${c}u] + `}s${c}_${hold - 1}`;
    const { x, features } = (begin === 0 && projection) || { x: "", features: 0 };
    const body = wgsl`let line = ${batch % rows === 0 ? "row + r" : `min(row + r, ${batch - 1}u)`};
let at = ((${start} + line) * ${parts * inner}u + ${partOf(factors)}${begin}u) / ${width}u + place;
${each(hold / 4 / width, (i) => `let sown${i} = ${from}[at + ${4 * i}u];`)}
#if ${features > 0}
let atX = (${start} + line) * ${features}u + place;
${each(features / 4, (i) => `let pown${i} = ${x}[atX + ${4 * i}u];`)}
${sumUp("p", features, "heldX", 0, (c) => `heldX[${features * n + c}]`)}
#endif
${sumUp("s", hold, "held", begin, (c) => (features > 0 ? `p${c}_${features - 1}` : null))}
${begin + hold === inner ? finish(Array.from({ length: n }, (_, c) => sum(c))) : each(n, (c) => `${place}${c}u] = ${sum(c)};`)}`;
    return rounds("r", rows, body);
  };
  return wgsl`
#if ${hold < inner}
var sums = array<f32, ${rows * n}>();
#endif
${each(inner / hold, (i) => chunk(i * hold))}`;
}

/** `text` for the cells of row `line` and vector of units `u`: in it `i` is its place in [B,H], `at` that of the row in [T·B]. */
const cell = ({ batch, units }: Sizes, { width }: HeldTile, text: string) => wgsl`let at = t * ${batch}u + line;
let i = line * ${units / width}u + u;
${text}`;

/** `text` for the cells of row `line` that are a lane's: in it sum0 … are the gates' sums, of which `sums` has those of each cell in a row. */
export function ownCells(sizes: Sizes, tile: HeldTile, sums: readonly string[], text: string): string {
  const { blocks, workgroupSize } = tile;
  const gates = sums.length / blocks;
  const own = (b: number) => wgsl`{
let u = li + ${b * workgroupSize}u;
${each(gates, (g) => `let sum${g} = ${sums[b * gates + g]};`)}
${cell(sizes, tile, text)}
}`;
  return each(blocks, own);
}

/** `text` for each vector of cells of the group's rows, shared out over the lanes. */
export function eachCell(sizes: Sizes, tile: HeldTile, text: string): string {
  const { batch } = sizes;
  const { rows, workgroupSize, width } = tile;
  const units = sizes.units / width;
  const one = wgsl`
#if ${batch % rows !== 0}
if (line >= ${batch}u) { break; }
#endif
${cell(sizes, tile, text)}`;
  // a division takes a CPU as long as many sums
  if (units % workgroupSize === 0) {
    const unit = `let u = li + b * ${workgroupSize}u;`;
    return rounds("v", rows, `let line = row + v;\n${rounds("b", units / workgroupSize, `${unit}\n${one}`)}`);
  }
  const down = workgroupSize / units;
  if (Number.isInteger(down) && rows % down === 0) {
    const line = `let line = row + v * ${down}u + down;`;
    return `let u = li % ${units}u;\nlet down = li / ${units}u;\n${rounds("v", rows / down, `${line}\n${one}`)}`;
  }
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
