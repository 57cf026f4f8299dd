// GRU that resets before its product: r, z = σ(x + h·Wh), m = r∘h, n = tanh(x + m·Whn), h' = n + z∘(h − n).
//
// The second product takes what the first gave, of all units; so a step is two halves, with a barrier or a dispatch between them. `Sizes`
// count halves: half k is of step ⌊k/2⌋. Backward they run from the last to the first:
//
//   odd    D = dhs[t+1] + carry + d[t+1]·Whᵀ (of r and z),  dn = D∘(1 − z)(1 − n²),  dz = D∘(h − n)∘z(1 − z),  carry = D∘z
//   even   dm = dn·Whnᵀ,  dr = dm∘h∘r(1 − r),  carry = carry + dm∘r
import {
  type Code,
  drive,
  eachVector,
  loops,
  type Names,
  product,
  type Sizes,
  type Tile,
  type Which,
} from "./recurrence.ts";
import { wgsl } from "./wgsl.ts";

interface Half {
  /** Columns of the product, a gate's each, and its statements. Elsewhere than `where` it is zeros. */
  readonly gates: number;
  readonly multiply: string;
  readonly where?: string | null;
  /** Of a vector of units. */
  readonly cells: string;
}

const half = (s: Sizes, tile: Tile, { gates, multiply, where = null, cells }: Half): string => wgsl`{
var sums = array<V, ${tile.rows * tile.blocks * gates}>();
#if ${where !== null}
if (${where ?? ""}) {
${multiply}
}
#else
${multiply}
#endif
${eachVector(s, tile, gates, cells)}
}`;

/** One of two halves, at the time of its step. */
const either = (odd: string, even: string): string => wgsl`let k = t;
{
let t = k / 2u;
if (k % 2u == 1u) ${odd} else ${even}
}`;

/** A tile's columns of a matrix in rows of hv vectors a gate, of the gates from `first` on. */
const columnsOf = ({ blocks }: Tile, hv: number, first: number, gates: number): string[] =>
  Array.from({ length: blocks * gates }, (_, c) => {
    const [block, gate] = [Math.floor(c / gates), first + (c % gates)];
    return `col + ${gate * hv + (block * hv) / blocks}u`;
  });

/** The vector of a gate in an array [.., gates·H]. */
const of = (array: string | undefined, hv: number, gates: number, gate: number): string =>
  `${array}[at * ${gates * hv}u + ${gate * hv}u + u]`;

/** x [T,B,3H], wh [H,3H], h0 [B,H] → hs [T+1,B,H], m [T,B,H], saved r, z, n [T,B,3H] */
export function forward(s: Sizes, tile: Tile, n: Names, which: Which): Code {
  const hv = s.units / tile.width;
  const initial = which === "first";
  const from = initial ? n.h0 : n.hs;
  const start = `t * ${s.batch}u`;
  const wh = { inner: hv, matrix: n.wh!, length: 3 * hv };
  const h0 = n.h0 ? `${n.h0}[i]` : "V()";
  const keep = `${n.hs}[i] = ${h0};`;
  const first = half(s, tile, {
    gates: 2,
    multiply: from
      ? product(tile, { ...wh, from, start: initial ? "0u" : start, columns: columnsOf(tile, hv, 0, 2) })
      : "",
    where: loops(which) && !n.h0 ? "t > 0u" : null,
    cells: wgsl`let h = ${initial ? h0 : of(n.hs, hv, 1, 0)};
let r = sigmoid_v(${of(n.x, hv, 3, 0)} + sum0);
${of(n.saved, hv, 3, 0)} = r;
${of(n.saved, hv, 3, 1)} = sigmoid_v(${of(n.x, hv, 3, 1)} + sum1);
${of(n.m, hv, 1, 0)} = r * h;
#if ${initial}
${keep}
#endif`,
  });
  if (initial) return drive(s, tile, which, { text: first, time: (i) => i });
  const second = half(s, tile, {
    gates: 1,
    multiply: product(tile, { ...wh, from: n.m!, start, columns: columnsOf(tile, hv, 2, 1) }),
    cells: wgsl`let n = tanh_v(${of(n.x, hv, 3, 2)} + sum0);
${of(n.saved, hv, 3, 2)} = n;
${n.hs!}[(at + ${s.batch}u) * ${hv}u + u] = n + ${of(n.saved, hv, 3, 1)} * (${of(n.hs, hv, 1, 0)} - n);`,
  });
  const before = `let t = 0u;\n${eachVector(s, tile, 0, keep)}`;
  return drive(s, tile, which, { text: either(second, first), before, time: (i) => i });
}

/** dhs [T+1,B,H], whT [3H,H], hs [T+1,B,H], saved [T,B,3H] → d of r and z [T,B,2H], dn [T,B,H], carry [B,H] */
export function backward(s: Sizes, tile: Tile, n: Names, which: Which): Code {
  const hv = s.units / tile.width;
  const initial = which === "first";
  const last = `${s.steps / 2 - 1}u`;
  const whT = { matrix: n.whT!, length: hv };
  const columns = columnsOf(tile, hv, 0, 1);
  const saved = (gate: number) => of(n.saved, hv, 3, gate);
  const carry = initial ? "V()" : loops(which) ? `select(${n.carry}[i], V(), t == ${last})` : `${n.carry}[i]`;
  const odd = half(s, tile, {
    gates: 1,
    multiply: initial
      ? ""
      : product(tile, { ...whT, from: n.d!, start: `(t + 1u) * ${s.batch}u`, inner: 2 * hv, columns }),
    where: loops(which) ? `t < ${last}` : null,
    cells: wgsl`let z = ${saved(1)};
let n = ${saved(2)};
let dstate = ${n.dhs!}[(at + ${s.batch}u) * ${hv}u + u] + sum0 + ${carry};
${of(n.dn, hv, 1, 0)} = dstate * (V(1.0f) - z) * (V(1.0f) - n * n);
${of(n.d, hv, 2, 1)} = dstate * (${of(n.hs, hv, 1, 0)} - n) * z * (V(1.0f) - z);
${n.carry!}[i] = dstate * z;`,
  });
  const time = (i: string) => `${s.steps - 1}u - ${i}`;
  const late = wgsl`let k = t;
{
let t = k / 2u;
${odd}
}`;
  if (initial) return drive(s, tile, which, { text: late, time });
  const even = half(s, tile, {
    gates: 1,
    multiply: product(tile, {
      ...{ ...whT, from: n.dn!, start: `t * ${s.batch}u`, inner: hv },
      // rows of n, behind those of r and z
      columns: columns.map((c) => `${c} + ${2 * s.units * hv}u`),
    }),
    cells: wgsl`let r = ${saved(0)};
let dm = sum0;
${of(n.d, hv, 2, 0)} = dm * ${of(n.hs, hv, 1, 0)} * r * (V(1.0f) - r);
${n.carry!}[i] = ${n.carry!}[i] + dm * r;`,
  });
  return drive(s, tile, which, { text: either(odd, even), time });
}
