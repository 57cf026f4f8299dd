// What `bench gpu-vs-cpu` prints.

import { crossover, type Point } from "../sizes.ts";
import { short, table } from "../table.ts";
import type { GpuVsCpuResult } from "./gpuVsCpu.ts";

export const crossovers = (points: readonly Point[]) => ({
  "a call against tfjs-wasm": crossover(points, "gpu", "wasm"),
  "a call against the reference": crossover(points, "gpu", "reference"),
  "in a chain against tfjs-wasm": crossover(points, "gpuInChain", "wasm"),
  "in a chain against the reference": crossover(points, "gpuInChain", "reference"),
});

export function gpuVsCpuTable({ device, series }: GpuVsCpuResult): string {
  const cell = (n: number | undefined) => (n === undefined ? "–" : short(n));
  const parts = series.map(({ name, axis, points }) => {
    const rows = points.map((p) => [String(p.size), ...[p.gpu, p.gpuInChain, p.reference, p.wasm].map(cell)]);
    const faster = Object.entries(crossovers(points)).map(([what, size]) => `${what}: ${size ?? "never"}`);
    return `${name}\n${table([axis, "GPU ms", "in a chain", "reference", "tfjs-wasm"], rows)}\nfaster from: ${faster.join("; ")}`;
  });
  return [device, ...parts].join("\n\n");
}
