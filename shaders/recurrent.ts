// Recurrences over time, forward and backward, for any cell.
import {
  driveHeld,
  eachCell,
  fillHeld,
  fillProjection,
  type HeldFactors,
  heldArrays,
  heldProduct,
  inFours,
  isHeld,
  ownCells,
  storeInFours,
  storeTransposed,
} from "./held.ts";
import {
  type Cell,
  type Code,
  drive,
  each,
  eachVector,
  loads,
  loops,
  type Names,
  product,
  type Sizes,
  type Tile,
  type Which,
} from "./recurrence.ts";
import { wgsl } from "./wgsl.ts";

/** A step of a tile: its products, with `columns` columns (elsewhere than `where` they are zeros), and then its cells. */
const step = (tile: Tile, columns: number, products: string, where: string | null, cells: string): string => wgsl`
var sums = array<V, ${tile.rows * columns}>();
#if ${where !== null}
if (${where ?? ""}) {
${products}
}
#else
${products}
#endif
${cells}`;

/** x [T,B,G·H], wh [H,G·H], bias, h0, c0 → hs, cs [T+1,B,H], saved [T,B,S·H]. With features the tile is held, and the gates' parts of x are
 *  x [T·B,F]·wx + b. */
export function forward(cell: Cell, s: Sizes, tile: Tile, n: Names, which: Which): Code {
  const { gates, saved, memory } = cell;
  const { features } = s;
  const hv = s.units / tile.width;
  const across = hv / tile.blocks;
  const initial = which === "first";
  const from = initial ? n.h0 : n.hs;
  const held = isHeld(tile) && loops(which);
  const columns = Array.from({ length: tile.blocks * gates }, (_, c) => {
    const [b, g] = [Math.floor(c / gates), c % gates];
    return `col + ${g * hv + b * across}u`;
  });
  const start = initial ? "0u" : `t * ${s.batch}u`;
  const hs = (i: string) => (held ? inFours(n.hs!, i) : `${n.hs}[${i}]`);
  const storeHs = (i: string, h: string) => (held ? storeInFours(n.hs!, i, h) : `${n.hs}[${i}] = ${h};`);
  const state = (array: string | undefined) => {
    if (!array) return "V()";
    const i = initial ? "i" : `at * ${hv}u + u`;
    return array === n.hs ? hs(i) : `${array}[${i}]`;
  };
  const c = initial ? n.c0 : n.cs;
  const keep = wgsl`
${storeHs("i", n.h0 ? `${n.h0}[i]` : "V()")}
#if ${memory}
${n.cs ?? ""}[i] = ${n.c0 ? `${n.c0}[i]` : "V()"};
#endif`;
  const values: Record<string, string> = {
    h: state(from),
    c: state(c),
    bias: `${n.bias}[u]`,
  };
  for (let g = 0; g < gates; g++) {
    values[`x${g}`] = features ? "0.0f" : `${n.x}[at * ${gates * hv}u + ${g * hv}u + u]`;
    values[`a${g}`] = `sum${g}`;
  }
  const vector = wgsl`${loads(cell.forward, values)}
${cell.forward}
${storeHs(`(at + ${s.batch}u) * ${hv}u + u`, "hNext")}
#if ${memory}
${n.cs ?? ""}[(at + ${s.batch}u) * ${hv}u + u] = cNext;
#endif
${each(saved, (k) => `${n.saved}[at * ${saved * hv}u + ${k * hv}u + u] = s${k};`)}
#if ${initial}
${keep}
#endif`;
  const where = loops(which) && !n.h0 ? "t > 0u" : null;
  if (held) {
    const inner = s.units;
    const factors: HeldFactors = { from: n.hs!, start, inner, parts: 1, matrix: n.wh!, length: gates * inner, columns };
    const projection = features ? { x: n.x!, features, wx: n.wx!, b: n.b! } : null;
    return driveHeld(s, tile, which, {
      setup: `let col = li;\n${heldArrays(s, tile, columns.length)}\n${fillHeld(factors)}\n${projection ? fillProjection(projection, factors) : ""}`,
      text: `${heldProduct(s, tile, factors, projection)}\n${ownCells(s, tile, gates, vector)}`,
      before: `let t = 0u;\n${eachCell(s, tile, keep)}`,
      time: (i) => i,
      fours: [n.hs!],
    });
  }
  const multiply = from
    ? product(tile, {
        from,
        start,
        inner: hv,
        matrix: n.wh!,
        length: gates * hv,
        columns,
      })
    : "";
  const text = step(tile, columns.length, multiply, where, eachVector(s, tile, gates, vector));
  const before = `let t = 0u;\n${eachVector(s, tile, 0, keep)}`;
  return drive(s, tile, which, { text, before, time: (i) => i });
}

/** dhs, dcs [T+1,B,H], whT [G·H,H], hs, cs, saved → d [T,B,G·H], e likewise, carry [B,H]; where a tile is held, through partial [B,G,H] */
export function backward(cell: Cell, s: Sizes, tile: Tile, n: Names, which: Which): Code {
  const { gates, saved } = cell;
  const hv = s.units / tile.width;
  const initial = which === "first";
  const start = `(t + 1u) * ${s.batch}u`;
  const next = `(at + ${s.batch}u) * ${hv}u + u`;
  const carry = initial ? "V()" : loops(which) ? `select(${n.carry}[i], V(), t == ${s.steps - 1}u)` : `${n.carry}[i]`;
  const values: Record<string, string> = {
    dh: `${n.dhs}[${next}] + sum0`,
    dc: n.dcs ? `${n.dcs}[${next}]` : "V()",
    carry,
    h: `${n.hs}[at * ${hv}u + u]`,
    c: `${n.cs}[at * ${hv}u + u]`,
    hNext: `${n.hs}[${next}]`,
    cNext: `${n.cs}[${next}]`,
  };
  for (let k = 0; k < saved; k++) values[`s${k}`] = `${n.saved}[at * ${saved * hv}u + ${k * hv}u + u]`;
  const held = isHeld(tile) && loops(which);
  const store = (array: string | undefined, name: string) =>
    array ? each(gates, (g) => `${array}[at * ${gates * hv}u + ${g * hv}u + u] = ${name}${g};`) : "";
  const storeHeld = () => {
    const [place, names] = [`at * ${gates * hv}u + u`, Array.from({ length: gates }, (_, g) => `d${g}`)];
    if (gates === 4) return storeTransposed(n.d!, place, hv, names);
    return each(gates, (g) => storeInFours(n.d!, `${place} + ${g * hv}u`, names[g]!));
  };
  const vector = wgsl`${loads(cell.backward, values)}
${cell.backward}
${held ? storeHeld() : store(n.d, "d")}
${store(n.e, "e")}
#if ${n.carry !== undefined}
${n.carry ?? ""}[i] = carryNext;
#endif`;
  const where = loops(which) ? `t < ${s.steps - 1}u` : null;
  if (held) {
    const own = (gates * hv) / tile.workgroupSize;
    const across = hv / own;
    const vectors = Array.from({ length: own / 4 }, (_, v) => `(col + ${v * across}u)`);
    const factors: HeldFactors = {
      ...{ from: n.d!, start, inner: s.units, parts: gates, matrix: n.whT!, length: s.units },
      columns: vectors.flatMap((v) => Array.from({ length: 4 }, (_, j) => `${v} * 4u + ${j}u`)),
    };
    const multiply = heldProduct(s, tile, factors, null, (sums) =>
      each(vectors.length, (v) => {
        const four = `vec4f(${sums.slice(4 * v, 4 * v + 4).join(", ")})`;
        return `${n.partial}[(line * ${gates}u + part) * ${hv / 4}u + ${vectors[v]}] = ${four};`;
      }),
    );
    const partial = (g: number) => inFours(n.partial!, `(line * ${gates}u + ${g}u) * ${hv}u + u`);
    const parts = Array.from({ length: gates }, (_, g) => partial(g)).join(" + ");
    const cells = eachCell(s, tile, `let sum0 = select(0.0f, ${parts}, ${where});\n${vector}`);
    return driveHeld(s, tile, which, {
      setup: `let part = li / ${across}u;\nlet col = li % ${across}u;\n${heldArrays(s, tile, own)}\n${fillHeld(factors)}`,
      text: `if (${where}) {\n${multiply}\n}\nstorageBarrier();\n${cells}`,
      time: (i) => `${s.steps - 1}u - ${i}`,
      fours: [n.d!, n.partial!],
    });
  }
  const across = hv / tile.blocks;
  const columns = Array.from({ length: tile.blocks }, (_, b) => `col + ${b * across}u`);
  const factors = {
    from: n.d!,
    start,
    inner: gates * hv,
    matrix: n.whT!,
    length: hv,
    columns,
  };
  const multiply = initial ? "" : product(tile, factors);
  const text = step(tile, columns.length, multiply, where, eachVector(s, tile, 1, vector));
  return drive(s, tile, which, { text, time: (i) => `${s.steps - 1}u - ${i}` });
}
