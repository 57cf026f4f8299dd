// The curves of the Train page: short however long the run, and smoothed without falling behind.
import { expect, test } from "vitest";
import { Curve } from "../../demo/train/curve.ts";

const curveOf = (n: number, f: (x: number) => number): Curve => {
  const curve = new Curve();
  for (let x = 1; x <= n; x++) curve.add(x, f(x));
  return curve;
};

test("a straight line, smoothed, is itself but for its ends", () => {
  const smooth = curveOf(500, (x) => x).smooth();
  for (let i = 150; i < 350; i++) expect(smooth[i]).toBeCloseTo(i + 1, 0);
});

test("noise is averaged out but for the start; so is that of powers of ten, in their logarithms", () => {
  const noise = (x: number) => (x % 2 ? 1 : -1);
  const late = (smooth: number[]) => smooth.slice(40);
  for (const v of late(curveOf(400, noise).smooth())) expect(Math.abs(v)).toBeLessThan(0.15);
  for (const v of late(curveOf(400, (x) => 10 ** noise(x)).smooth(true)))
    expect(Math.abs(Math.log10(v))).toBeLessThan(0.15);
});

test("a steep start is followed: the smoothed curve begins where the curve does", () => {
  const { raw } = curveOf(400, (x) => 1 / x);
  const smooth = curveOf(400, (x) => 1 / x).smooth();
  expect(Math.abs(smooth[0]! - raw[0]!)).toBeLessThan(0.1);
});

test("a long run is kept as means of neighbours", () => {
  const { x, raw } = curveOf(100_000, (x) => x);
  expect(x.length).toBe(raw.length);
  expect(x.length).toBeLessThanOrEqual(1000);
  expect(x.at(-1)).toBeGreaterThan(99_000);
  expect(raw.at(-1)).toBeLessThan(x.at(-1)!);
});
