// What recurrences over time are made of (recurrent.ts): h[t+1] = cell(x[t], h[t]·Wh), and the same backward. The product of a step is one register tile a
// lane: `rows` rows of the batch × `blocks` vectors of `width` units, with all gates of those units, so that the cell is its epilogue.
//
// A dispatch runs one step, or several: then a workgroup owns some rows of the batch, and a barrier parts the steps. States lie in storage
// in both, the initial one first: hs [T+1,B,H]. Indices count vectors of `width`, which divides H. The lanes of a quad may share the loads of
// the matrix: then they have the same columns, and each loads a fourth.
import { wgsl } from "./wgsl.ts";

export interface Cell {
  readonly gates: number;
  /** Values a unit that the forward pass keeps for the backward. */
  readonly saved: number;
  /** The state is h and c, not h alone. */
  readonly memory: boolean;
  /** From x0 … and a0 … (the gates' parts of x and of h·Wh), h, c, bias: declares hNext, cNext, s0 … */
  readonly forward: string;
  /** From dh and dc (from above; dh from the next step too), carry (from the next step), s0 …, h, c, hNext, cNext: declares d0 … (the
   *  gradients of a0 …), carryNext and, in a cell where they differ, those of x0 … as e0 … */
  readonly backward: string;
}

export interface Sizes {
  readonly steps: number;
  readonly batch: number;
  readonly units: number;
}

export interface Tile {
  readonly rows: number;
  readonly blocks: number;
  readonly width: 1 | 4;
  /** Vectors of the inner dimension in the body of its loop. */
  readonly unroll: number;
  readonly workgroupSize: number;
  /** Rows that a workgroup owns in a dispatch of several steps; null: a dispatch is a step. */
  readonly group: number | null;
  /** Steps of a dispatch. */
  readonly steps: number;
  /** Quads share the loads of the matrix: the tiles of a batch, or of a group, are a multiple of four. */
  readonly quads: boolean;
}

/** What the arrays are called; absent ones are zeros. */
export type Names = Readonly<Record<string, string | undefined>>;

/** What a dispatch runs: the first step in its direction, another (a u32 expression gives its time), or `steps` of them from the `from`th (a
 *  u32 expression) in its direction on. */
export type Which = "first" | { readonly time: string } | { readonly from: string };

/** A workgroup owns rows and loops. */
export const loops = (which: Which): which is { readonly from: string } => typeof which === "object" && "from" in which;

export interface Code {
  readonly declarations: string;
  readonly body: string;
}

export const each = (n: number, f: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => f(i)).join("\n");

/** Statements that name those of the values that the text mentions. */
export function loads(text: string, values: Readonly<Record<string, string>>): string {
  const mentioned = new Set(text.match(/\w+/g));
  return Object.entries(values)
    .filter(([name]) => mentioned.has(name))
    .map(([name, value]) => `let ${name} = ${value};`)
    .join("\n");
}

const declarations = ({ width }: Tile): string => wgsl`
#if ${width === 4}
alias V = vec4f;
fn tanh_v(x: V) -> V { return V(tanh_safe(x.x), tanh_safe(x.y), tanh_safe(x.z), tanh_safe(x.w)); }
fn sigmoid_v(x: V) -> V { return V(sigmoid(x.x), sigmoid(x.y), sigmoid(x.z), sigmoid(x.w)); }
#else
alias V = f32;
fn tanh_v(x: V) -> V { return tanh_safe(x); }
fn sigmoid_v(x: V) -> V { return sigmoid(x); }
#endif`;

interface Factors {
  /** [.., inner], of which the rows start … are multiplied. */
  readonly from: string;
  readonly start: string;
  readonly inner: number;
  /** [inner, length]; the tile's columns of it. */
  readonly matrix: string;
  readonly length: number;
  readonly columns: readonly string[];
}

/** sums[r, c] = Σₖ from[start + row<r>, k]·matrix[k, columns[c]] */
export function product(
  { rows, width, unroll, quads }: Tile,
  { from, start, inner, matrix, length, columns }: Factors,
): string {
  const component = (r: number, q: number, j: number) => (width === 4 ? `p${r}_${q}.${"xyzw"[j]}` : `p${r}_${q}`);
  const n = columns.length;
  const load = (q: number, j: string | number, c: number) =>
    wgsl`${matrix}[m + (${q * width}u + ${j}) * ${length}u + ${columns[c]!}]`;
  // of the `width` rows of the matrix that a vector meets, each lane of a quad loads one
  const shared = quads && width === 4;
  const parts = (q: number) => (shared ? each(n, (c) => `let part${q}_${c} = ${load(q, "li % 4u", c)};`) : "");
  const terms = (q: number, j: number) =>
    each(n, (c) => {
      const w = `w${q}_${j}_${c}`;
      const sums = each(rows, (r) => `acc${r}_${c} = fma(V(${component(r, q, j)}), ${w}, acc${r}_${c});`);
      return `let ${w} = ${shared ? `quadBroadcast(part${q}_${c}, ${j}u)` : load(q, `${j}u`, c)};\n${sums}`;
    });
  return wgsl`{
${each(rows, (r) => each(n, (c) => `var acc${r}_${c} = V();`))}
${each(rows, (r) => `let from${r} = (${start} + row${r}) * ${inner}u;`)}
for (var k = 0u; k < ${inner}u; k += ${unroll}u) {
let m = k * ${width * length}u;
${each(unroll, (q) => each(rows, (r) => `let p${r}_${q} = ${from}[from${r} + k + ${q}u];`))}
${each(unroll, (q) => `${parts(q)}\n${each(width, (j) => terms(q, j))}`)}
}
${each(rows, (r) => each(n, (c) => `sums[${r * n + c}] = acc${r}_${c};`))}
}`;
}

interface Step {
  /** Statements of a tile at time t. */
  readonly text: string;
  /** Statements of a tile before the first step of all. */
  readonly before?: string;
  readonly time: (i: string) => string;
}

/** The loops round a step. */
export function drive({ steps, batch, units }: Sizes, tile: Tile, which: Which, step: Step): Code {
  const { rows, blocks, width, workgroupSize, group, quads } = tile;
  const across = units / width / blocks;
  const whole = batch % (group ?? rows) === 0;
  const down = Math.ceil((group ?? batch) / rows);
  const place = (lane: string, first: string) => wgsl`
#if ${quads}
let col = ${lane} / ${down}u;
let row = ${first}${lane} % ${down}u * ${rows}u;
#else
let col = ${lane} % ${across}u;
let row = ${first}${lane} / ${across}u * ${rows}u;
#endif
${each(rows, (r) => `let row${r} = ${whole ? `row + ${r}u` : `min(row + ${r}u, ${batch - 1}u)`};`)}`;
  const code = (body: string): Code => ({ declarations: declarations(tile), body });
  if (!loops(which))
    return code(wgsl`let lane = wg.x * ${workgroupSize}u + li;
if (lane >= ${down * across}u) { return; }
let t = ${which === "first" ? step.time("0u") : which.time};
${place("lane", "")}
${step.text}`);
  const all = (text: string) => wgsl`for (var tile = li; tile < ${down * across}u; tile += ${workgroupSize}u) {
${place("tile", `wg.x * ${group}u + `)}
${text}
}
storageBarrier();`;
  return code(wgsl`let first = ${which.from};
#if ${step.before !== undefined}
if (first == 0u) {
${all(step.before ?? "")}
}
#endif
for (var i = first; i < min(first + ${tile.steps}u, ${steps}u); i++) {
let t = ${step.time("i")};
${all(step.text)}
}`);
}

/** `text` for each vector of units of a tile: in it `i` is the vector's place in [B,H], `u` in [H], `at` its row in [T·B], and sum0 … its part
 *  of the products, `count` a vector. A loop, for the sake of compilers: the cell is long. */
export function eachVector(
  { batch, units }: Sizes,
  { rows, blocks, width, group }: Tile,
  count: number,
  text: string,
): string {
  const whole = batch % (group ?? rows) === 0;
  const across = units / width / blocks;
  return wgsl`for (var v = 0u; v < ${rows * blocks}u; v++) {
let line = row + v / ${blocks}u;
#if ${!whole}
if (line >= ${batch}u) { break; }
#endif
let at = t * ${batch}u + line;
let u = col + v % ${blocks}u * ${across}u;
let i = line * ${units / width}u + u;
${each(count, (c) => `let sum${c} = sums[v * ${count}u + ${c}u];`)}
${text}
}`;
}
