// Recurrences on a CPU behind WebGPU: a lane holds some columns of the matrix, loaded once for all steps, and goes along the rows of its group. Of a
// row the lanes of a quad load a fourth each, and exchange it (see plan/walk.ts). Loops are short, since a body longer than the nearest cache for code takes
// half as long again.
import { exchanged, received } from "./quad.ts";
import { type Code, declarations, each, ownershipOf, repeat, type Sizes, type Step, type Tile } from "./recurrence.ts";
import { wgsl } from "./wgsl.ts";

/** A tile whose columns are held. */
export type HeldTile = Tile & { readonly hold: number };

export const isHeld = (tile: Tile): tile is HeldTile => tile.hold !== undefined;

/** sums[r, c] = Σₖ from[start + row + r, part·inner + k]·matrix[part·inner + k, columns[c]] */
export interface HeldFactors {
  /** An array of vec4s. */
  readonly from: string;
  readonly start: string;
  /** Of a part; a multiple of 16. */
  readonly inner: number;
  /** A lane's sum is over one part of so many, the one of number `part`. */
  readonly parts: number;
  readonly matrix: string;
  /** Of its lines. */
  readonly length: number;
  readonly columns: readonly string[];
}

/** The arrays of a lane besides its columns. */
export const heldArrays = ({ features = 0 }: Sizes, { rows, hold }: HeldTile, columns: number): string =>
  `var sums: array<array<f32, ${columns}>, ${rows}>;\nvar loaded: array<f32, ${(hold + features) / 4 + 4}>;`;

/** What each row's sums begin with: x[start + row + r, k]·wx[k, columns[c]] + b[columns[c]] */
export interface HeldProjection {
  readonly x: string;
  /** A multiple of four. */
  readonly features: number;
  readonly wx: string;
  readonly b: string;
}

/** The i-th element of an array of vec4s. */
export const inFours = (array: string, i: string): string => `${array}[(${i}) / 4u][(${i}) % 4u]`;

/** Makes the i-th element of an array of vec4s a lane's value. Lanes of a quad have elements in a row; the first stores all four, since WGSL lets a store
 *  to one component touch the others. */
export const storeInFours = (array: string, i: string, value: string): string => wgsl`{
let own = ${value};
let four = vec4f(own, ${[1, 2, 3].map((s) => exchanged("own", s)).join(", ")});
if (place == 0u) { ${array}[(${i}) / 4u] = four; }
}`;

/** The same with four values of a lane, of which the g-th is for element g·stride + i. Lanes and values change places, in two exchanges in which a lane
 *  keeps one of a pair and gives away the other; then each stores a vec4. */
export function storeTransposed(array: string, i: string, stride: number, values: readonly string[]): string {
  const change = (s: number, upper: string, [low, high]: readonly string[], [x, y]: readonly string[]) => wgsl`
let ${low!}_ = ${exchanged(`select(${y!}, ${x!}, ${upper})`, s)};
let ${low!} = select(${x!}, ${low!}_, ${upper});
let ${high!} = select(${low!}_, ${y!}, ${upper});`;
  const [a, b, c, d] = values as [string, string, string, string];
  return wgsl`{
let odd = (place & 1u) == 1u;
let second = place >= 2u;
${change(1, "odd", ["y0", "y1"], [a, b])}
${change(1, "odd", ["y2", "y3"], [c, d])}
${change(2, "second", ["z0", "z2"], ["y0", "y2"])}
${change(2, "second", ["z1", "z3"], ["y1", "y3"])}
${array}[(place * ${stride}u + ${i}) / 4u] = vec4f(z0, z1, z2, z3);
}`;
}

/** Elements of all arrays of a lane, of so many columns. */
export function heldElements({ units, features = 0 }: Sizes, { rows, hold }: HeldTile, columns: number): number {
  const projection = features ? features + 1 : 0;
  return columns * (units + rows + projection) + (hold + features) / 4 + 4;
}

/** A loop of so many rounds, at least one. Compilers see the range of its variable (plan/emit.ts: `bounded`). */
const rounds = (name: string, times: number, body: string): string =>
  repeat(
    `${name}Next = 0u`,
    `let ${name} = min(${name}Next, ${times - 1}u);\n${body}`,
    `${name}Next++`,
    `${name}Next == ${times}u`,
  );

const partOf = ({ inner, parts }: HeldFactors, by = 1) => (parts === 1 ? "" : `part * ${inner / by}u + `);

/** Fills `held` [inner, columns]: the k-th with the line that belongs to the k-th value that a lane gets of a row, by loads and exchanges. */
export function fillHeld(factors: HeldFactors): string {
  const { inner, matrix, length, columns } = factors;
  // of sixteen values the lane at `place` loads the vector of that number, and the s-th exchange brings elements of that at place ^ s
  const line = "(k & ~15u) | (((k & 3u) ^ place) << 2u) | ((k >> 2u) & 3u)";
  const from = (k: string) => `${matrix}[(${partOf(factors)}${k}) * ${length}u + `;
  return wgsl`var held: array<f32, ${inner * columns.length}>;
${fill("held", inner, columns, line, from)}`;
}

/** Fills `heldX` [features + 1, columns], the last with b. */
export function fillProjection({ features, wx, b }: HeldProjection, { length, columns }: HeldFactors): string {
  const n = columns.length;
  return wgsl`var heldX: array<f32, ${(features + 1) * n}>;
${fill("heldX", features, columns, "k ^ place", (k) => `${wx}[${k} * ${length}u + `)}
${each(n, (c) => `heldX[${features * n + c}] = ${b}[${columns[c]}];`)}`;
}

function fill(
  array: string,
  lines: number,
  columns: readonly string[],
  line: string,
  from: (line: string) => string,
): string {
  const column = (c: number) => `${array}[k * ${columns.length}u + ${c}u] = ${from("line")}${columns[c]}];`;
  return rounds("k", lines, `let line = min(${line}, ${lines - 1}u);\n${each(columns.length, column)}`);
}

/** Row number r of the group; of more than there are the last. */
const lineOf = (batch: number, rows: number) =>
  `let line = ${batch % rows === 0 ? "row + r" : `min(row + r, ${batch - 1}u)`};`;

/** Multiples of 16, so many at most, that make up `inner`: as equal as can be, the smaller ones first. */
function chunksOf(inner: number, most: number): { begin: number; size: number }[] {
  const n = Math.ceil(inner / most);
  const begin = (i: number) => 16 * Math.floor((inner * i) / 16 / n);
  return Array.from({ length: n }, (_, i) => ({ begin: begin(i), size: begin(i + 1) - begin(i) }));
}

/** The product, in a loop over rows for each chunk of the inner dimension; they add up in `sums`. `finish`, if given, is what becomes of the last, which
 *  are of row `line`, one a column. */
export function heldProduct(
  { batch }: Sizes,
  { rows, hold }: HeldTile,
  factors: HeldFactors,
  projection: HeldProjection | null,
  finish?: (sums: readonly string[]) => string,
): string {
  const { from, start, inner, parts, columns } = factors;
  const n = columns.length;
  /** Sums <name><c>_<k> of so many terms, of whose factors the lane has a fourth, loaded[at] …, and an array the others. */
  const sumUp = (
    name: string,
    count: number,
    at: number,
    array: string,
    begin: number,
    before: (c: number) => string | null,
  ) => {
    // the array's first: then it is what a two-address machine overwrites with the product
    const term = (k: number, c: number) => {
      const [y, sum] = [`${array}[${(begin + k) * n + c}]`, k === 0 ? before(c) : `${name}${c}_${k - 1}`];
      return `let ${name}${c}_${k} = ${sum === null ? `${y} * ${name}x${k}` : `fma(${y}, ${name}x${k}, ${sum})`};`;
    };
    const value = (k: number) => received(`loaded[${at + Math.floor(k / 4)}]`, k % 4);
    return each(count, (k) => `let ${name}x${k} = ${value(k)};\n${each(n, (c) => term(k, c))}`);
  };
  const chunk = ({ begin, size }: { begin: number; size: number }) => {
    const ofRow = size / 4;
    const sums = columns.map((_, c) => `${begin === 0 ? "" : `before[${c}] + `}s${c}_${size - 1}`);
    const { x, features } = (begin === 0 && projection) || { x: "", features: 0 };
    const vector = (i: number) => `let v${i} = ${from}[at + ${4 * i}u];
${each(4, (j) => `loaded[${4 * i + j}] = v${i}[${j}];`)}`;
    // the last own one is stored where a compiler cannot tell: or else it would keep them all in registers, and sums in memory
    const body = wgsl`${lineOf(batch, rows)}
let at = (${start} + line) * ${(parts * inner) / 4}u + ${partOf(factors, 4)}${begin / 4}u + place;
${each(ofRow / 4, vector)}
#if ${features > 0}
let atX = (${start} + line) * ${features}u + place;
${each(features / 4, (i) => `loaded[${ofRow + i}] = ${x}[atX + ${4 * i}u];`)}
#endif
loaded[${ofRow + features / 4}u + place] = 0.0f;
${features > 0 ? sumUp("p", features, ofRow, "heldX", 0, (c) => `heldX[${features * n + c}]`) : ""}
${sumUp("s", size, 0, "held", begin, (c) => (features > 0 ? `p${c}_${features - 1}` : null))}
${begin > 0 ? "let before = sums[r];" : ""}
${begin + size === inner && finish ? finish(sums) : `sums[r] = array<f32, ${n}>(${sums.join(", ")});`}`;
    return rounds("r", rows, body);
  };
  return chunksOf(inner, hold).map(chunk).join("\n");
}

/** `text` for the cells of row `line` and units `u`: in it `i` is its place in [B,H], `at` that of the row in [T·B]. */
const cell = ({ batch, units }: Sizes, text: string) => wgsl`let at = t * ${batch}u + line;
let i = line * ${units}u + u;
${text}`;

/** `text` for the cells that are a lane's: in it sum0 … are the gates' sums, of which `sums` has those of each cell of a row in a row. */
export function ownCells(sizes: Sizes, { rows, blocks, workgroupSize }: HeldTile, gates: number, text: string): string {
  const own = wgsl`let u = li + b * ${workgroupSize}u;
${each(gates, (g) => `let sum${g} = sums[r][b * ${gates}u + ${g}u];`)}
${cell(sizes, text)}`;
  return rounds("r", rows, `${lineOf(sizes.batch, rows)}\n${rounds("b", blocks, own)}`);
}

/** `text` for each cell of the group's rows, shared out over the lanes. */
export function eachCell(sizes: Sizes, tile: HeldTile, text: string): string {
  const { batch, units } = sizes;
  const { rows, workgroupSize } = tile;
  const one = wgsl`
#if ${batch % rows !== 0}
if (line >= ${batch}u) { break; }
#endif
${cell(sizes, text)}`;
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
  { setup, text, before, time, fours }: Step & Pick<Code, "fours"> & { readonly setup: string },
): Code {
  const ownership = ownershipOf(tile, batch, which.counter);
  return {
    fours,
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
