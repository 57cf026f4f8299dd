// The plots of the report, drawn in a page by Observable Plot: result files in, pieces of HTML out.
import * as Plot from "@observablehq/plot";
import type { PageModule } from "../../src/cli/page.ts";
import { short } from "../table.ts";
import type { CompareResult } from "./compare.ts";
import type { GpuVsCpuResult } from "./gpuVsCpu.ts";
import type { KernelsResult } from "./kernels.ts";
import type { StartupResult } from "./startup.ts";
import type { TrainResult } from "./train.ts";

/** What a result file may hold. */
export interface Suites {
  readonly compare?: CompareResult;
  readonly train?: TrainResult;
  readonly kernels?: KernelsResult;
  readonly startup?: StartupResult;
  readonly "gpu-vs-cpu"?: GpuVsCpuResult;
}

export type Plots = Partial<Record<keyof Suites, string>>;

const width = 900;

const main: PageModule<Suites, never, Plots> = (suites) => {
  const plots: Plots = {};
  if (suites.compare) plots.compare = compare(suites.compare);
  if (suites.train) plots.train = train(suites.train);
  if (suites.kernels) plots.kernels = kernels(suites.kernels);
  if (suites.startup) plots.startup = startup(suites.startup);
  if (suites["gpu-vs-cpu"]) plots["gpu-vs-cpu"] = gpuVsCpu(suites["gpu-vs-cpu"]);
  return plots;
};
export default main;

const draw = (options: Plot.PlotOptions): string => Plot.plot({ width, marginLeft: 240, ...options }).outerHTML;

/** How many times faster than each peer: the median, and all pairs. */
function compare({ rows: comparisons }: CompareResult): string {
  const rows = comparisons.flatMap(({ subject, peer, ratio }) => (ratio ? [{ subject, peer, ...ratio }] : []));
  return draw({
    x: { type: "log", grid: true, tickFormat: short, label: "times faster than the peer →" },
    y: { label: null, domain: [...new Set(rows.map((r) => r.subject))] },
    color: { legend: true },
    marks: [
      Plot.ruleX([1]),
      Plot.ruleY(rows, { y: "subject", x1: "min", x2: "max", stroke: "peer", strokeWidth: 2 }),
      Plot.dot(rows, { y: "subject", x: "median", fill: "peer", r: 5 }),
    ],
  });
}

function train({ rows }: TrainResult): string {
  const data = rows.map(({ name, imagesPerSecond, dispatches }) => ({ task: name, imagesPerSecond, dispatches }));
  return draw({
    x: { grid: true, label: "images/s →" },
    y: { label: null },
    marks: [
      Plot.barX(data, { y: "task", x: "imagesPerSecond", fill: "steelblue" }),
      Plot.text(data, {
        ...{ y: "task", x: "imagesPerSecond", dx: 4, textAnchor: "start" },
        text: (d: (typeof data)[number]) => `${d.dispatches} dispatches`,
      }),
    ],
    marginRight: 100,
  });
}

function kernels({ rows }: KernelsResult): string {
  return draw({
    x: { grid: true, percent: true, label: "of the device's ceiling, % →" },
    y: { label: null, domain: rows.map((r) => r.name) },
    color: { legend: true },
    marks: [Plot.barX(rows, { y: "name", x: "share", fill: "group" }), Plot.ruleX([1], { strokeDasharray: "4" })],
    marginLeft: 300,
  });
}

function startup({ rows }: StartupResult): string {
  const phases = [
    ["script", "script"],
    ["device", "device"],
    ["planned", "data and plan"],
    ["compiled", "pipelines"],
    ["firstStep", "first step"],
  ] as const;
  const data = rows.flatMap(({ name, marks }) =>
    phases.map(([mark, phase], i) => {
      const before = phases[i - 1];
      return { page: name, phase, from: before ? marks[before[0]].median : 0, to: marks[mark].median };
    }),
  );
  return draw({
    x: { grid: true, label: "ms since the navigation →" },
    y: { label: null, domain: rows.map((r) => r.name) },
    color: { legend: true, domain: phases.map(([, phase]) => phase) },
    marks: [Plot.barX(data, { y: "page", x1: "from", x2: "to", fill: "phase" })],
  });
}

/** One plot an op, sizes and times on logarithmic axes. */
function gpuVsCpu({ rows }: GpuVsCpuResult): string {
  const sides = { gpu: "GPU, a call", gpuInChain: "GPU, in a chain", reference: "reference", wasm: "tfjs-wasm" };
  const one = ({ name, axis, points }: GpuVsCpuResult["rows"][number]): string => {
    const data = points.flatMap((p) =>
      Object.entries(sides).flatMap(([side, label]) => {
        const ms = p[side as keyof typeof sides];
        return ms === undefined ? [] : [{ size: p.size, ms, label }];
      }),
    );
    return draw({
      ...{ width: 430, height: 280, marginLeft: 50, title: name, grid: true },
      x: { type: "log", label: `${axis} →` },
      y: { type: "log", tickFormat: short, label: "↑ ms" },
      color: { legend: true, domain: Object.values(sides) },
      marks: [Plot.lineY(data, { x: "size", y: "ms", stroke: "label", marker: true })],
    });
  };
  return `<div class="grid">${rows.map(one).join("")}</div>`;
}
