// What `bench kernels` prints.
import { count } from "../../src/plan/print.ts";
import { short, spreadText, table } from "../table.ts";
import type { KernelsResult } from "./kernels.ts";

export function kernelsTable({ about: { device, ceilings }, rows }: KernelsResult): string {
  const cells = rows.map((r) => [
    ...[
      r.schedule ? `${r.name}: ${r.schedule}` : r.name,
      String(r.dispatches),
      spreadText(r.microseconds),
      short(r.gflops),
      short(r.gigabytesPerSecond),
    ],
    ...[`${(100 * r.share).toFixed(0)} %`, r.difference === undefined ? "" : r.difference.toExponential(0)],
  ]);
  const copies = ceilings.copies
    .map(({ bytes, gigabytesPerSecond }) => `${count(bytes)}B ${spreadText(gigabytesPerSecond)} GB/s`)
    .join(", ");
  const tiles = (ceilings.tiles ?? []).map((t) => `${t.rows}×${t.columns} ${spreadText(t.gflops)}`);
  const ofTile = tiles.length > 0 ? `, of tiles of sums whose factors are at hand ${tiles.join(", ")}` : "";
  const loads = (ceilings.loads ?? [])
    .map((l) => `${l.count} in a loop ${spreadText(l.gigabytesPerSecond)}`)
    .join(", ");
  const header = ["kernel", "dispatches", "µs (least–most)", "GFLOP/s", "GB/s", "of ceiling", "difference"];
  return [
    device,
    `ceilings, measured: multiply-adds ${spreadText(ceilings.gflops)} GFLOP/s${ofTile}; ${loads && `vec4s from a cache, ${loads} GB/s; `}copies of ${copies}`,
    table(header, cells),
    "GFLOP/s count a multiply-add as two; GB/s count each input read once and each output written once;",
    "of ceiling: of the one that is nearer, arithmetic or a copy that moves about as much; difference: from the float64 reference, of the greatest value.",
  ].join("\n");
}
