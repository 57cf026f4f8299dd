// What `bench compare` prints.
import { short, spreadText, table } from "../table.ts";
import type { CompareResult, Comparison, Side } from "./compare.ts";

export function compareTable({ device, comparisons }: CompareResult): string {
  const rate = (c: Comparison, side?: Side) => (side ? short((1000 * c.amount) / side.time.milliseconds.median) : "");
  const cost = (side?: Side) =>
    side
      ? [
          side.counts ? `${short(side.counts.dispatches)}/${short(side.counts.submits)}` : "",
          short(side.time.jsMicroseconds.median),
        ]
      : ["", ""];
  const rows = comparisons.map((c) => [
    `${c.subject} · ${c.peer}`,
    c.unit,
    ...[rate(c, c.wgrad), rate(c, c.other)],
    c.ratio ? spreadText(c.ratio) : "–",
    ...cost(c.wgrad),
    ...cost(c.other),
    c.failure ?? "",
  ]);
  const header = [
    "subject",
    "unit",
    "wgrad",
    "peer",
    "times faster",
    "dispatches/submits",
    "JS µs",
    "peer's",
    "JS µs",
    "",
  ];
  return `${device}\n${table(header, rows)}`;
}
