// What recurrences over time are made of (recurrent.ts): h[t+1] = cell(x[t], h[t]·Wh), and the same backward. The product of a step is one register tile a
// lane: `rows` rows of the batch × `blocks` vectors of `width` units, with all gates of those units, so that the cell is its epilogue.
//
// A dispatch runs one step, or several: then a workgroup owns some rows of the batch, and a barrier parts the steps. States lie in storage
// in both, the initial one first: hs [T+1,B,H]. Indices count vectors of `width`, which divides H. The lanes of a quad may share the loads of
// the matrix: then they have the same columns, and each loads a fourth of them.
import { exchanged } from "./quad.ts";
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
  /** Of x, where its product with wx is part of the recurrence. */
  readonly features?: number;
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
  /** Workgroups of a dispatch, a power of two, of which the first to start own rows. Null: as many as own rows, in their order. */
  readonly starters: number | null;
  /** Steps of a dispatch. */
  readonly steps: number;
  /** Quads share the loads of the matrix, if a tile's columns are a multiple of four: the tiles of a batch, or of a group, are. */
  readonly quads: boolean;
  /** A tile is all rows of a group, and lanes hold their columns of the matrix for all steps (held.ts): so many steps of the inner dimension a loop at most. */
  readonly hold?: number;
}

/** What the arrays are called; absent ones are zeros. */
export type Names = Readonly<Record<string, string | undefined>>;

/** What a dispatch runs: the first step in its direction, another (a u32 expression gives its time), or `steps` of them from the `from`th (a
 *  u32 expression) in its direction on; `counter` is an atomic<u32>. */
export type Which = "first" | { readonly time: string } | { readonly from: string; readonly counter: string };

/** A workgroup owns rows and loops. */
export const loops = (which: Which): which is { readonly from: string; readonly counter: string } =>
  typeof which === "object" && "from" in which;

export interface Code {
  readonly declarations: string;
  readonly body: string;
  /** Arrays, by name, whose elements are vec4s. */
  readonly fours?: readonly string[];
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

export const declarations = ({ width }: Tile): string => wgsl`
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

/** Of so many columns of a matrix, those that a lane loads. In quads it is a fourth: column (p ^ s)·own + i of the tile is the lane's sum s·own +
 *  i, p being its place in the quad, so that for all s one exchange brings the columns of the lane at p ^ s. */
function ownColumns({ blocks, width, quads }: Tile, gates: number): number {
  const columns = blocks * gates;
  return quads && width === 4 && columns % 4 === 0 ? columns / 4 : columns;
}

/** sums[r, c] = Σₖ from[start + row<r>, k]·matrix[k, columns[c]], of a quad's lane in an order of its own (`sumOf`). */
export function product(tile: Tile, { from, start, inner, matrix, length, columns }: Factors): string {
  const { rows, blocks, width, unroll } = tile;
  const n = columns.length;
  const own = ownColumns(tile, n / blocks);
  const components = width === 4 ? [".x", ".y", ".z", ".w"] : [""];
  const load = (q: number, j: number, i: number) => `${matrix}[m + ${q * width + j}u * ${length}u + column${i}]`;
  const weights = (q: number, j: number) =>
    each(n, (c) => {
      const [s, i] = [Math.floor(c / own), c % own];
      return `let w${q}_${j}_${c} = ${s === 0 ? load(q, j, i) : exchanged(`w${q}_${j}_${i}`, s)};`;
    });
  /** All terms of an iteration, one inside the other: an accumulator is read and written once. */
  const sum = (r: number, c: number, component: string) => {
    let terms = "";
    for (let q = 0; q < unroll; q++)
      components.forEach((k, j) => {
        const [p, w] = [`p${r}_${q}${k}`, `w${q}_${j}_${c}${component}`];
        terms = terms ? `fma(${p}, ${w}, ${terms})` : `${p} * ${w}`;
      });
    return `acc${r}_${c}${component} += ${terms};`;
  };
  return wgsl`{
${each(rows, (r) => each(n, (c) => `var acc${r}_${c} = V();`))}
${each(rows, (r) => `let from${r} = (${start} + row${r}) * ${inner}u;`)}
${each(own, (i) => `let column${i} = ${own === n ? columns[i] : choose(columns.filter((_, c) => c % own === i))};`)}
for (var k = 0u; k < ${inner}u; k += ${unroll}u) {
let m = k * ${width * length}u;
${each(unroll, (q) => each(rows, (r) => `let p${r}_${q} = ${from}[from${r} + k + ${q}u];`))}
${each(unroll, (q) => each(width, (j) => weights(q, j)))}
${each(n, (c) => each(rows, (r) => components.map((x) => sum(r, c, x)).join("\n")))}
}
${each(rows, (r) => each(n, (c) => `sums[${r * n + c}] = acc${r}_${c};`))}
}`;
}

/** That of a lane's place in its quad. */
const choose = ([a, b, c, d]: readonly string[]) => `vec4u(${a}, ${b}, ${c}, ${d})[place]`;

/** The sum of a gate for the tile's vector number v. */
function sumOf(tile: Tile, gates: number, gate: number): string {
  const own = ownColumns(tile, gates);
  const flat = `v * ${gates}u + ${gate}u`;
  if (own === tile.blocks * gates) return `sums[${flat}]`;
  return own === 1
    ? `sums[(${flat}) ^ place]`
    : `sums[(((${flat}) / ${own}u) ^ place) * ${own}u + (${flat}) % ${own}u]`;
}

/** A loop of at least one round. It tests at its end: where lanes are masked (SwiftShader) a test at the head takes one round more, in which no
 *  lane is active. */
export const repeat = (start: string, body: string, next: string, end: string): string => `{
var ${start};
loop {
${body}
continuing { ${next}; break if ${end}; }
}
}`;

export interface Step {
  /** Statements of a tile at time t. */
  readonly text: string;
  /** Statements of a tile before the first step of all. */
  readonly before?: string;
  readonly time: (i: string) => string;
}

/** `own`: which rows, in groups, are a workgroup's. */
export function ownershipOf({ group, starters }: Tile, batch: number, counter: string): Code {
  if (starters === null) return { declarations: "", body: "let own = wg.x;" };
  return {
    declarations: "var<workgroup> started: u32;",
    body: `if (li == 0u) { started = atomicAdd(&${counter}, 1u) % ${starters}u; }
let own = workgroupUniformLoad(&started);
if (own * ${group}u >= ${batch}u) { return; }`,
  };
}

/** The loops round a step. */
export function drive({ steps, batch, units }: Sizes, tile: Tile, which: Which, step: Step): Code {
  const { rows, blocks, width, workgroupSize, group, quads } = tile;
  const across = units / width / blocks;
  const whole = batch % (group ?? rows) === 0;
  const down = Math.ceil((group ?? batch) / rows);
  const place = (lane: string, first: string) => wgsl`
#if ${quads}
let place = li % 4u;
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
  const tiles = down * across;
  const all = (text: string) => {
    const one = `${place("tile", `own * ${group}u + `)}\n${text}`;
    const every =
      tiles > workgroupSize
        ? repeat("tile = li", one, `tile += ${workgroupSize}u`, `tile >= ${tiles}u`)
        : `{\nlet tile = li;\n${one}\n}`;
    return `${every}\nstorageBarrier();`;
  };
  const oneStep = `let t = ${step.time("i")};\n${all(step.text)}`;
  const ownership = ownershipOf(tile, batch, which.counter);
  return {
    declarations: `${declarations(tile)}\n${ownership.declarations}`,
    body: wgsl`${ownership.body}
let first = ${which.from};
#if ${step.before !== undefined}
if (first == 0u) {
${all(step.before ?? "")}
}
#endif
${repeat("i = first", oneStep, "i++", `i == min(first + ${tile.steps}u, ${steps}u)`)}`,
  };
}

/** `text` for each vector of units of a tile: in it `i` is the vector's place in [B,H], `u` in [H], `at` its row in [T·B], and sum0 … its part
 *  of the products, `count` a vector. A loop, for the sake of compilers: the cell is long. */
export function eachVector({ batch, units }: Sizes, tile: Tile, count: number, text: string): string {
  const { rows, blocks, width, group } = tile;
  const whole = batch % (group ?? rows) === 0;
  const across = units / width / blocks;
  const body = wgsl`let line = row + v / ${blocks}u;
#if ${!whole}
if (line >= ${batch}u) { break; }
#endif
let at = t * ${batch}u + line;
let u = col + v % ${blocks}u * ${across}u;
let i = line * ${units / width}u + u;
${each(count, (c) => `let sum${c} = ${sumOf(tile, count, c)};`)}
${text}`;
  return repeat("v = 0u", body, "v++", `v == ${rows * blocks}u`);
}
