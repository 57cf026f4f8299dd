// Compares arrays; a mismatch prints actual, expected and index around the first wrong element (after the WebGPU conformance tests).
import type { NdArray } from "../src/shape/ndarray.ts";
import { printType, sameType } from "../src/shape/types.ts";

/** "" if equal (floats: within `tolerance` of the largest value wanted, or of `least` if that is larger), else what is wrong. */
export function compare(got: NdArray, want: NdArray, tolerance = 1e-5, least = 1e-30): string {
  if (!sameType(got, want)) return `got ${printType(got)}, wanted ${printType(want)}`;
  const scale = Array.from(want.data).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
  const slack = want.dtype === "f32" ? tolerance * Math.max(scale, least) : 0;
  const wrong: number[] = [];
  want.data.forEach((w, i) => {
    const g = got.data[i] as number;
    if (!(Math.abs(g - w) <= slack) && !Object.is(g, w)) wrong.push(i);
  });
  const [first] = wrong;
  if (first === undefined) return "";
  const around = Array.from({ length: 8 }, (_, k) => Math.max(0, first - 2) + k).filter((i) => i < want.data.length);
  const rows = around.map(
    (i) => `  [${i}] got ${got.data[i]}, wanted ${want.data[i]}${wrong.includes(i) ? "  <--" : ""}`,
  );
  return `${printType(want)}: ${wrong.length} of ${want.data.length} differ by more than ${slack}\n${rows.join("\n")}`;
}
