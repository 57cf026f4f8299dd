// Prints a plan: a line a dispatch, then the memory, and what computing values again saves of it.
import { printGraph } from "../graph/print.ts";
import { printType } from "../shape/types.ts";
import type { Dispatch, Plan, ReferencePlan } from "./data.ts";
import type { Schedule } from "./lanes.ts";
import { leastBytes } from "./work.ts";

/** The plan of a program as a table: every dispatch, its tile, its work, its bytes; then the memory. Where values are computed again it plans the
 *  function once more, to say what that saves. Of a program of the reference: its graph, a node a line. */
export const printPlan = (plan: Plan | ReferencePlan): string =>
  "graph" in plan ? printGraph(plan.graph) : printDispatches(plan);

function printDispatches(plan: Plan): string {
  const rows = plan.dispatches.map((d, i) => [
    String(i),
    d.label,
    d.workgroups.filter((n, k) => k === 0 || n > 1).join("×"),
    schedules(d),
    count(d.multiplyAdds),
    `${count(d.bytes)}B`,
  ]);
  const header = ["#", "dispatch", "workgroups", "tile·unroll", "multiply-adds", "bytes"];
  const total = (f: (d: Dispatch) => number, { dispatches } = plan) => dispatches.reduce((n, d) => n + f(d), 0);
  const [moved, least] = [total((d) => d.bytes), leastBytes(plan.dispatches)];
  const times = (bytes: number) => `${(moved / bytes).toFixed(2)} times the ${count(bytes)}B needed`;
  const slotBytes = ({ slots }: Plan) => slots.reduce((n, s) => n + 4 * s.elements, 0);
  const recomputed = (all: Plan) => {
    const work = (p: Plan) => total((d) => d.multiplyAdds, p);
    const saved = slotBytes(all) - slotBytes(plan);
    return `values computed again: ${count(saved)}B of temporaries saved (${count(slotBytes(all))}B if they were kept), ${count(work(plan) - work(all))} multiply-adds more`;
  };
  return [
    printTable(header, rows, [1, 3]),
    `${plan.dispatches.length} dispatches, ${count(total((d) => d.multiplyAdds))} multiply-adds`,
    `${count(moved)}B moved, ${times(least.all)} (each value read once, written once), ${times(least.ends)} were nothing handed on between dispatches`,
    `carry ${plan.carry.length} values; inputs ${plan.inputs.map((v) => `${v.path}: ${printType(v.type)}`).join(", ") || "none"}`,
    `temporaries: ${plan.slotOf.size} in ${plan.slots.length} slots, ${count(slotBytes(plan))}B`,
    ...(plan.kept ? [recomputed(plan.kept())] : []),
  ].join("\n");
}

const schedules = (d: Dispatch) => d.schedules.map((s) => (s ? printSchedule(s) : "")).join(" | ");

/** Tile·unroll, "q" and the dimension in which quads share out their work, "w" and the factor that changes as a lane walks along its tile, "r" where the epilogue is in loops, "@" and the lanes of a workgroup where those do. */
export const printSchedule = ({ tile, unroll, quads, walk, rolled, group, parts }: Schedule): string =>
  parts !== undefined
    ? parts === 1
      ? "whole"
      : `${parts} parts`
    : `${tile.join("×") || "1"}${unroll.length ? `·${unroll.join("×")}` : ""}${quads === undefined ? "" : ` q${quads}`}${walk === undefined ? "" : ` w${walk}`}${rolled ? " r" : ""}${group ? ` @${group.join("×")}` : ""}`;

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
