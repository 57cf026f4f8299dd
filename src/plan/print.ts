// Prints a plan: a line a dispatch, then the memory.

import { printType } from "../shape/types.ts";
import type { Dispatch, Plan } from "./data.ts";
import type { Schedule } from "./lanes.ts";
import { leastBytes } from "./work.ts";

export function printPlan(plan: Omit<Plan, "toString">): string {
  const rows = plan.dispatches.map((d, i) => [
    String(i),
    d.label,
    d.workgroups.filter((n, k) => k === 0 || n > 1).join("×"),
    schedules(d),
    count(d.multiplyAdds),
    `${count(d.bytes)}B`,
  ]);
  const header = ["#", "dispatch", "workgroups", "tile·unroll", "multiply-adds", "bytes"];
  const total = (f: (d: Dispatch) => number) => plan.dispatches.reduce((n, d) => n + f(d), 0);
  const [moved, least] = [total((d) => d.bytes), leastBytes(plan.dispatches)];
  const slotBytes = plan.slots.reduce((n, s) => n + 4 * s.elements, 0);
  return [
    printTable(header, rows, [1, 3]),
    `${plan.dispatches.length} dispatches, ${count(total((d) => d.multiplyAdds))} multiply-adds`,
    `${count(moved)}B moved, ${(moved / least).toFixed(2)} times the least possible (${count(least)}B: inputs read once, outputs written once)`,
    `carry ${plan.carry.length} values; inputs ${plan.inputs.map((v) => `${v.path}: ${printType(v.type)}`).join(", ") || "none"}`,
    `temporaries: ${plan.slotOf.size} in ${plan.slots.length} slots, ${count(slotBytes)}B`,
  ].join("\n");
}

const schedules = (d: Dispatch) => d.schedules.map((s) => (s ? printSchedule(s) : "")).join(" | ");

/** Tile·unroll, "q" where quads share loads, "@" and the lanes of a workgroup where those do. */
export const printSchedule = ({ tile, unroll, quads, group }: Schedule): string =>
  `${tile.join("×") || "1"}${unroll.length ? `·${unroll.join("×")}` : ""}${quads ? " q" : ""}${group ? ` @${group.join("×")}` : ""}`;

/** Rows in columns under a header; the columns `left` are aligned to the left, the others to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[], left: readonly number[]) {
  const widths = header.map((h, c) => Math.max(h.length, ...rows.map((r) => (r[c] as string).length)));
  const cell = (text: string, c: number) => (left.includes(c) ? text.padEnd(widths[c]!) : text.padStart(widths[c]!));
  return [header, ...rows].map((r) => r.map(cell).join("  ").trimEnd()).join("\n");
}

export function count(n: number): string {
  if (n < 1e4) return String(n);
  const [unit, size] = n < 1e6 ? ["k", 1e3] : n < 1e9 ? ["M", 1e6] : ["G", 1e9];
  return `${(n / (size as number)).toPrecision(3)} ${unit}`;
}
