// Prints a plan: a line a dispatch, then the memory.

import { printType } from "../shape/types.ts";
import type { Dispatch, Plan } from "./data.ts";

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
  const widths = header.map((h, c) => Math.max(h.length, ...rows.map((r) => (r[c] as string).length)));
  const line = (r: readonly string[]) =>
    r
      .map((cell, c) => (c === 1 || c === 3 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number)))
      .join("  ")
      .trimEnd();
  const total = (f: (d: Dispatch) => number) => plan.dispatches.reduce((n, d) => n + f(d), 0);
  const slotBytes = plan.slots.reduce((n, s) => n + 4 * s.elements, 0);
  return [
    line(header),
    ...rows.map(line),
    `${plan.dispatches.length} dispatches, ${count(total((d) => d.multiplyAdds))} multiply-adds, ${count(total((d) => d.bytes))}B moved at least`,
    `carry ${plan.carry.length} values; inputs ${plan.inputs.map((v) => `${v.path}: ${printType(v.type)}`).join(", ") || "none"}`,
    `temporaries: ${plan.slotOf.size} in ${plan.slots.length} slots, ${count(slotBytes)}B`,
  ].join("\n");
}

const schedules = (d: Dispatch) =>
  d.schedules
    .map((s) => (s ? `${s.tile.join("×") || "1"}${s.unroll.length ? `·${s.unroll.join("×")}` : ""}` : ""))
    .join(" | ");

export function count(n: number): string {
  if (n < 1e4) return String(n);
  const [unit, size] = n < 1e6 ? ["k", 1e3] : n < 1e9 ? ["M", 1e6] : ["G", 1e9];
  return `${(n / (size as number)).toPrecision(3)} ${unit}`;
}
