// What was found: a table of all series with their crossover, and one of them as a plot with its figures.
import { crossover, type Point, type Series, type Side } from "../../bench/sizes.ts";
import { chart } from "../common/chart.ts";
import { h } from "../common/dom.ts";
import { count, duration, number } from "../common/format.ts";

/** A size from which on, or that there is none among those measured. */
const from = (series: Series, side: Side): string => {
  if (series.points.every((p) => p[side] === undefined)) return "–";
  const size = crossover(series.points, side, "reference");
  return size === null ? "not yet" : `from ${count(size)}`;
};

/** What a call on the GPU gains or costs, at the largest size that both ran. */
function gain({ points }: Series): string {
  const last = points.findLast((p) => p.gpu !== undefined && p.reference !== undefined);
  if (!last) return "–";
  const ratio = (last.reference as number) / (last.gpu as number);
  return `${ratio >= 1 ? `${number(ratio)}× faster` : `${number(1 / ratio)}× slower`} at ${count(last.size)}`;
}

export function seriesTable(
  all: readonly Series[],
  selected: string,
  onSelect: (name: string) => void,
): HTMLTableElement {
  const columns = ["What", "Over", "GPU wins, a call", "GPU wins, in a chain", "The GPU, at the largest size"];
  return h(
    "table",
    { id: "crossovers" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((text) => h("th", { scope: "col" }, text)),
      ),
    ),
    h(
      "tbody",
      {},
      all.map((series) =>
        h(
          "tr",
          { attr: series.name === selected ? { "aria-current": "true" } : {}, onclick: () => onSelect(series.name) },
          h("td", {}, h("button", { type: "button", className: "link" }, series.name)),
          h("td", { className: "muted" }, series.axis),
          h("td", {}, from(series, "gpu")),
          h("td", {}, from(series, "gpuInChain")),
          h("td", {}, gain(series)),
        ),
      ),
    ),
  );
}

const sides: readonly (readonly [Exclude<Side, "wasm">, string])[] = [
  ["gpu", "GPU, a call"],
  ["gpuInChain", "GPU, in a chain of 16"],
  ["reference", "CPU reference"],
];

/** Times over sizes, both on logarithmic scales; below, the same as numbers. */
export function seriesView({ name, axis, points }: Series): HTMLElement {
  const milliseconds = (ms: number) => duration(ms / 1000);
  const shown = { marks: true, format: milliseconds };
  const plot = chart({
    ...{ title: `${name}: time over ${axis}`, x: axis, height: 300, logX: true, logY: true },
    ...{ formatX: count, formatY: (ms) => milliseconds(ms).replace(".0 ", " ") },
    lines: [
      { label: "GPU, a call", color: "accent", ...shown },
      { label: "GPU, in a chain", color: "good", ...shown },
      { label: "CPU reference", color: "second", ...shown },
    ],
  });
  plot.set([points.map((p) => p.size), ...sides.map(([side]) => points.map((p) => p[side] ?? null))]);
  plot.describe(points.map((p) => describePoint(p, axis)).join(" "));
  const head = [axis, ...sides.map(([, label]) => label)];
  const cell = (ms: number | undefined) => h("td", {}, ms === undefined ? "–" : milliseconds(ms));
  return h(
    "section",
    { className: "card", attr: { "aria-label": name } },
    plot.element,
    h(
      "div",
      { className: "scroll", tabIndex: 0, attr: { role: "region", "aria-label": `Times of ${name}` } },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head.map((text) => h("th", { scope: "col" }, text)),
          ),
        ),
        h(
          "tbody",
          {},
          points.map((p) =>
            h(
              "tr",
              {},
              h("td", {}, count(p.size)),
              sides.map(([side]) => cell(p[side])),
            ),
          ),
        ),
      ),
    ),
  );
}

const describePoint = (p: Point, axis: string): string =>
  `${count(p.size)} ${axis}: ${sides.flatMap(([side, label]) => (p[side] === undefined ? [] : [`${label} ${duration((p[side] as number) / 1000)}`])).join(", ")}.`;

/** All of it, to be kept. */
export const asJson = (device: string, samples: number, series: readonly Series[]): string =>
  JSON.stringify(
    {
      ...{ device, browser: navigator.userAgent, date: new Date().toISOString(), samples, unit: "milliseconds" },
      series: series.map((s) => ({
        ...s,
        crossover: {
          call: crossover(s.points, "gpu", "reference"),
          chain: crossover(s.points, "gpuInChain", "reference"),
        },
      })),
    },
    null,
    1,
  );
