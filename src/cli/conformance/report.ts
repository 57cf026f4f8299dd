// What is printed, and the JSON form.
import type { Result } from "./run.ts";

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
}

const having = (results: readonly Result[], status: Result["status"]) => results.filter((r) => r.status === status);

export const totalsOf = (results: readonly Result[]): Totals => ({
  passed: having(results, "passed").length,
  failed: having(results, "failed").length,
  unsupported: having(results, "unsupported").length,
});

export const asJson = (cases: readonly Result[]): string => JSON.stringify({ cases, totals: totalsOf(cases) }, null, 1);

const printTotals = ({ passed, failed, unsupported }: Totals): string =>
  `${passed} passed, ${failed} failed, ${unsupported} unsupported`;

/** A line an op; below it its failures one by one, and why cases are unsupported. */
export function printOps(results: readonly Result[]): string {
  const ops = new Map<string, Result[]>();
  for (const result of results) ops.set(result.op, [...(ops.get(result.op) ?? []), result]);
  const width = Math.max(...[...ops.keys()].map((op) => op.length));
  return [...ops].flatMap(([op, list]) => [`  ${op.padEnd(width)}  ${printOp(list)}`, ...details(list)]).join("\n");
}

function printOp(list: readonly Result[]): string {
  const passed = having(list, "passed");
  const worst = Math.max(...passed.map((r) => r.worst ?? 0)).toFixed(3);
  const parts = [
    passed.length > 0 ? `${passed.length} passed (worst error ${worst} of what is tolerated)` : "",
    ...(["failed", "unsupported"] as const).map((status) => {
      const n = having(list, status).length;
      return n > 0 ? `${n} ${status}` : "";
    }),
  ];
  return parts.filter(Boolean).join(", ");
}

function details(list: readonly Result[]): string[] {
  const failed = having(list, "failed").map(
    ({ name, reason, worst }) =>
      `    failed ${name}: ${reason}${worst === null ? "" : ` (${worst.toPrecision(3)} times what is tolerated)`}`,
  );
  const reasons = new Map<string, number>();
  for (const { reason = "" } of having(list, "unsupported")) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [...failed, ...[...reasons].map(([reason, n]) => `    unsupported: ${reason}${n > 1 ? ` (${n} cases)` : ""}`)];
}

export const printTotal = (title: string, results: readonly Result[]): string =>
  `${title}: ${printTotals(totalsOf(results))}`;
