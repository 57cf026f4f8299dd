// What `bench compare` prints.
import { short, spreadText, table } from "../table.ts";
import type { CompareResult, Comparison, Side } from "./compare.ts";

export function compareTable({ about: { device }, rows }: CompareResult): string {
  const rate = (c: Comparison, side?: Side) => (side ? short((1000 * c.amount) / side.time.milliseconds.median) : "");
  // off the GPU all the work is JavaScript, and counted already
  const cost = (side?: Side) =>
    side?.counts
      ? [`${short(side.counts.dispatches)}/${short(side.counts.submits)}`, short(side.time.jsMicroseconds.median)]
      : ["", ""];
  const cells = rows.map((c) => [
    c.name,
    c.unit,
    ...[rate(c, c.wgrad), rate(c, c.other)],
    c.ratio ? spreadText(c.ratio) : "–",
    ...cost(c.wgrad),
    ...cost(c.other),
    c.failure ?? "",
  ]);
  const ours = ["dispatches/submits", "JS µs"];
  const header = ["subject", "unit", "wgrad", "peer", "times faster (least–most)", ...ours, "peer's", "JS µs", ""];
  return `${device}\n${table(header, cells)}\nDispatches, submits and JavaScript are of one step, or one run of a kernel.`;
}
