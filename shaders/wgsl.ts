// The tag of WGSL text that is put together. Lines may depend on conditions, by wgsl-preprocessor (B. Jones):
//
//     wgsl`
//     #if ${whole}
//     let line = row;
//     #else
//     let line = min(row, ${rows - 1}u);
//     #endif`
//
// A mistake throws, where wgsl-preprocessor alone would print `undefined`, drop a branch, or take `#else if` for `#else`.
import { wgsl as preprocess } from "wgsl-preprocessor/wgsl-preprocessor.js";

/** Text, a whole number (a float is `float(x)`), or the condition of an #if or #elif. */
export type WgslValue = string | number | boolean;

/** Stands where a value stands, while lines are looked at. */
const hole = "□";
/** A directive has its line to itself. */
const directive = new RegExp(`^[ \\t]*#(?:(?:if|elif)[ \\t]+${hole}|else|endif)[ \\t]*$`);

/** The text, without the lines of directives. Throws Error for a value that is no text, a fraction, a condition that is no boolean, a directive
 *  that is unknown or shares its line, and an #if without its #endif. */
export function wgsl(strings: TemplateStringsArray, ...values: readonly WgslValue[]): string {
  let next = 0;
  for (const line of strings.join(hole).split("\n")) {
    const directed = line.includes("#");
    if (directed && !directive.test(line))
      throw new Error(`wgsl: no directive alone on its line, "${line.trim()}"; write #if, #elif, #else or #endif`);
    for (let n = line.split(hole).length; n > 1; n--) check(values[next++], directed, line);
  }
  const text = preprocess(strings, ...values);
  if (text.includes("#")) throw new Error("wgsl: a value holds a #, which nobody would read; use the tag for it too");
  return text.replace(/\n(?:[ \t]*\n)+/g, "\n");
}

function check(value: unknown, condition: boolean, line: string): void {
  if (condition ? typeof value === "boolean" : typeof value === "string" || Number.isSafeInteger(value)) return;
  const wanted = condition ? "a boolean" : "text or a whole number, or float(x)";
  throw new Error(`wgsl: got ${value} in "${line.trim()}"; give ${wanted}`);
}

/** An f32 literal, with its decimal point or exponent: 1 is 1.0f. WGSL has no infinite constants: ±∞ becomes the largest finite float. Throws
 *  Error for NaN. */
export function float(x: number): string {
  if (Number.isNaN(x)) throw new Error("float: NaN cannot be a constant; remove it");
  const text = String(Math.fround(Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, x))));
  return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
}
