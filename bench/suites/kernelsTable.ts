// What `bench kernels` prints.
import { short, spreadText, table } from "../table.ts";
import type { KernelsResult } from "./kernels.ts";

export function kernelsTable({ about: { device, ceilings }, rows }: KernelsResult): string {
  const cells = rows.map((r) => [
    ...[r.name, String(r.dispatches), spreadText(r.microseconds), short(r.gflops), short(r.gigabytesPerSecond)],
    ...[`${(100 * r.share).toFixed(0)} %`, r.difference === undefined ? "" : r.difference.toExponential(0)],
  ]);
  const header = ["kernel", "dispatches", "µs (least–most)", "GFLOP/s", "GB/s", "of ceiling", "difference"];
  return [
    device,
    `ceilings, measured: a copy ${spreadText(ceilings.gigabytesPerSecond)} GB/s, multiply-adds ${spreadText(ceilings.gflops)} GFLOP/s`,
    table(header, cells),
    "GFLOP/s count a multiply-add as two; GB/s count each input read once and each output written once;",
    "of ceiling: of the ceiling that is nearer; difference: from the float64 reference, of the greatest value.",
  ].join("\n");
}
