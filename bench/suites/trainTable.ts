// What `bench train` prints.
import { count } from "../../src/plan/print.ts";
import { short, spreadText, table } from "../table.ts";
import type { TrainResult } from "./train.ts";

export function trainTable({ about: { device }, rows }: TrainResult): string {
  const cells = rows.map((r) => [
    r.name,
    short(r.imagesPerSecond),
    spreadText(r.stepMilliseconds),
    String(r.dispatches),
    short(r.submits),
    spreadText(r.jsMicroseconds),
    ...[count(2 * r.multiplyAdds), `${count(r.bytes)}B`, `${(r.bytes / r.leastBytes).toFixed(2)}×`],
    ...[String(r.pipelines), short(r.planMilliseconds), short(r.compileMilliseconds)],
    `${short(r.firstLoss)} → ${short(r.lastLoss)}`,
  ]);
  const perStep = ["ms a step", "dispatches", "submits", "JS µs", "flops", "bytes", "of the least"];
  const header = ["task", "images/s", ...perStep, "pipelines", "plan ms", "compile ms", "loss"];
  return `${device}\n${table(header, cells)}`;
}
