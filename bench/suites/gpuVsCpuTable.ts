// What `bench gpu-vs-cpu` prints: the times over sizes, and from where on the GPU is faster.

import { crossover, type Point, type Side } from "../sizes.ts";
import { short, table } from "../table.ts";
import type { GpuVsCpuResult } from "./gpuVsCpu.ts";

const pairs = {
  "a call, wasm": ["gpu", "wasm"],
  "in a chain, wasm": ["gpuInChain", "wasm"],
  "a call, reference": ["gpu", "reference"],
  "in a chain, reference": ["gpuInChain", "reference"],
} as const satisfies Record<string, readonly [Side, Side]>;

/** The size from which on `a` is faster; "≤" if at all sizes, "–" if one of the two has no times. */
export function crossoverText(points: readonly Point[], a: Side, b: Side): string {
  const both = points.filter((p) => p[a] !== undefined && p[b] !== undefined);
  const size = crossover(points, a, b);
  if (both.length === 0) return "–";
  return size === null ? "never" : size === both[0]?.size ? `≤ ${size}` : String(size);
}

export function gpuVsCpuTable({ about: { device }, rows }: GpuVsCpuResult): string {
  const cell = (n: number | undefined) => (n === undefined ? "–" : short(n));
  const times = rows.map(({ name, axis, points }) => {
    const cells = points.map((p) => [String(p.size), ...[p.gpu, p.gpuInChain, p.reference, p.wasm].map(cell)]);
    return `${name}\n${table([axis, "GPU ms", "in a chain", "reference", "tfjs-wasm"], cells)}`;
  });
  const from = rows.map(({ name, axis, points }) => [
    name,
    ...Object.values(pairs).map(([a, b]) => crossoverText(points, a, b)),
    axis,
  ]);
  const summary = table(["the GPU is faster from", ...Object.keys(pairs), "of"], from);
  const note =
    "“a call” waits for its result, “in a chain” is one of 16 in a submit; against tfjs-wasm and our reference";
  return [device, ...times, `${summary}\n${note}`].join("\n\n");
}
