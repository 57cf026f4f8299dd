// The tag of WGSL text: what it prints, and every mistake that it does not let through.
import { expect, test } from "vitest";
import { functions as math } from "../../shaders/math.ts";
import { functions as randomness } from "../../shaders/random.ts";
import { float, type WgslValue, wgsl } from "../../shaders/wgsl.ts";

/** A template whose values may be anything, as they are in JavaScript. */
const anyhow = (strings: TemplateStringsArray, ...values: unknown[]): string =>
  wgsl(strings, ...(values as WgslValue[]));

const clampedRow = (whole: boolean, rows: number) => wgsl`
let row = lane / 4u;
#if ${whole}
let line = row;
#else
let line = min(row, ${rows - 1}u);
#endif
let i = line * 4u;`;

test("the lines of a condition that does not hold are left out, and those of directives", () => {
  expect(clampedRow(true, 8)).toBe("\nlet row = lane / 4u;\nlet line = row;\nlet i = line * 4u;");
  expect(clampedRow(false, 8)).toBe("\nlet row = lane / 4u;\nlet line = min(row, 7u);\nlet i = line * 4u;");
});

test("conditions nest, and the first of a chain that holds is taken", () => {
  const chain = (n: number, quad: boolean) => wgsl`
    #if ${n === 1}
one
    #elif ${n === 2}
    #if ${quad}
two by four
    #endif
    #elif ${n >= 2}
two or more
    #else
none
    #endif`;
  expect([chain(1, true), chain(2, true), chain(3, true), chain(0, true)].map((text) => text.trim())).toEqual([
    ...["one", "two by four", "two or more", "none"],
  ]);
  expect(chain(2, false).trim()).toBe("");
});

test("text without conditions is as written, numbers are whole, floats keep their decimal point", () => {
  expect(wgsl`x = ${"a"}[${3}u] * ${float(1)};`).toBe("x = a[3u] * 1.0f;");
  expect(wgsl``).toBe("");
  expect([0.1, -2, 1e-30, 1e30].map(float)).toEqual(["0.10000000149011612f", "-2.0f", "1.0000000031710769e-30f", "1.0000000150474662e+30f"]); // biome-ignore format: one line
  expect(float(Number.POSITIVE_INFINITY)).toBe("3.4028234663852886e+38f");
});

test("a value that would print as a mistake throws", () => {
  for (const value of [undefined, null, Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 60, true, ["a"], {}, () => 1])
    expect(() => anyhow`let x = ${value};`, String(value)).toThrow(/^wgsl: got .* in "let x = □;"; give text or a/);
  expect(() => float(Number.NaN)).toThrow("float: NaN");
});

test("a condition is a boolean, nothing less", () => {
  for (const value of [undefined, 0, 1, "false", ""])
    expect(() => anyhow`
#if ${value}
x
#endif`, String(value)).toThrow(/^wgsl: got .* give a boolean/); // biome-ignore format: one line
});

test("a directive that is unknown, or not alone on its line, throws", () => {
  const on = true;
  const mistakes = [
    () => wgsl`
#if ${on}
a
#elseif ${on}
b
#endif`,
    () => wgsl`
#if ${on}
a
#else if ${on}
b
#endif`,
    () => wgsl`
#ifdef ${on}
#endif`,
    () => wgsl`
#if ${on} && ${on}
a
#endif`,
    () => wgsl`
#if true
a
#endif`,
    () => wgsl`
a; #if ${on}
b
#endif`,
    () => wgsl`
#if ${on}
a
#endif b`,
    () => wgsl`
// without #if this would be slower`,
    () => wgsl`
#define x`,
  ];
  for (const mistake of mistakes) expect(mistake, String(mistake)).toThrow(/^wgsl: no directive alone on its line/);
});

test("a directive in a value is text that nobody would read", () => {
  const branch = "#if x\ny\n#endif";
  expect(() => wgsl`${branch}`).toThrow("wgsl: a value holds a #");
});

test("unbalanced conditions throw", () => {
  const on = true;
  const unbalanced = [
    () => wgsl`
#if ${on}
a`,
    () => wgsl`
a
#endif`,
    () => wgsl`
#else
a`,
    () => wgsl`
#elif ${on}
a`,
    () => wgsl`
#if ${on}
a
#else
b
#else
c
#endif`,
    () => wgsl`
#if ${on}
a
#else
b
#elif ${on}
c
#endif`,
  ];
  for (const f of unbalanced) expect(f, String(f)).toThrow();
});

test("each function of the library is one WGSL function of its name", () => {
  for (const [name, source] of Object.entries({ ...math, ...randomness })) {
    expect(source).toMatch(new RegExp(`^\\nfn ${name}\\(`));
    expect(source.match(/^fn /gm)).toHaveLength(1);
    expect(source.split("{").length).toBe(source.split("}").length);
  }
});
