// Tables in the terminal.
import type { Spread } from "./measure.ts";

/** Rows in columns: the first aligned left, the others right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((h, c) => Math.max(h.length, ...rows.map((r) => (r[c] ?? "").length)));
  const line = (r: readonly string[]) =>
    widths
      .map((width, c) => (c === 0 ? (r[c] ?? "").padEnd(width) : (r[c] ?? "").padStart(width)))
      .join("  ")
      .trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

/** Three significant digits, without an exponent. */
export const short = (n: number): string =>
  !Number.isFinite(n)
    ? String(n)
    : Math.abs(n) >= 100
      ? Math.round(n).toLocaleString("en")
      : String(Number(n.toPrecision(3)));

/** The median, and the range around it. */
export const spreadText = ({ median, min, max }: Spread): string => `${short(median)} (${short(min)}–${short(max)})`;
