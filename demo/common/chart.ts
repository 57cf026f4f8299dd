// Line charts by uPlot, in the theme's colours, as wide as what they stand in.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { atFrame, h } from "./dom.ts";
import { number, tick } from "./format.ts";
import { type ColorName, color, onThemeChange } from "./theme.ts";

export interface Line {
  readonly label: string;
  readonly color: ColorName;
  /** Faint and thin: the raw values behind a smoothed line. */
  readonly faint?: boolean;
  /** Points alone, without a line. */
  readonly points?: boolean;
  /** Marks each value, where they are few. */
  readonly marks?: boolean;
  /** Default: three digits. */
  readonly format?: (value: number) => string;
}

export interface ChartOptions {
  /** For people and screen readers. */
  readonly title: string;
  readonly x: string;
  readonly lines: readonly Line[];
  /** css pixels. Default: 220. */
  readonly height?: number;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** Fixed limits of y. */
  readonly range?: readonly [number, number];
  /** Default: as short as can be. */
  readonly formatX?: (x: number) => string;
  /** Default: as short as can be. */
  readonly formatY?: (y: number) => string;
}

export interface Chart {
  /** A figure with its caption. */
  readonly element: HTMLElement;
  /** x, then a list for each line; null where it has no value. */
  set(data: readonly (readonly (number | null)[])[]): void;
  /** A sentence that says what the chart shows now, for screen readers. */
  describe(text: string): void;
}

const font = "12px system-ui, sans-serif";
/** The opacity of faint lines. */
const faint = 0.35;
const exact = (x: number): string => x.toLocaleString("en");

/** As strong as the line is. */
const legendColor = (line: Line): string =>
  line.faint ? `color-mix(in srgb, ${color(line.color)} ${100 * faint}%, transparent)` : color(line.color);

export function chart(options: ChartOptions): Chart {
  const { title, lines, height = 220, logX = false, logY = false, range } = options;
  const { formatX = tick, formatY = tick } = options;
  const place = h("div", { className: "plot", data: { empty: "" }, attr: { role: "img", "aria-label": title } });
  const element = h("figure", { className: "chart" }, h("figcaption", {}, title), place);
  let data: readonly (readonly (number | null)[])[] = [[], ...lines.map(() => [])];
  let plot: uPlot | undefined;

  const powersOfTen: uPlot.Axis.Filter = (_, splits) =>
    splits.map((v) => (Math.abs(Math.log10(v) - Math.round(Math.log10(v))) < 1e-9 ? v : null));
  const axis = (format: (v: number) => string, log: boolean): uPlot.Axis => ({
    stroke: () => color("muted"),
    grid: { stroke: () => color("line"), width: 1, ...(log ? { filter: powersOfTen } : {}) },
    ticks: { show: false },
    font,
    values: (_, splits) => splits.map((v) => (v === null ? "" : format(v))),
  });

  const make = () => {
    plot?.destroy();
    plot = new uPlot(
      {
        ...{ width: Math.max(place.clientWidth, 200), height },
        scales: {
          x: { time: false, distr: logX ? 3 : 1 },
          y: { distr: logY ? 3 : 1, ...(range ? { range: [range[0], range[1]] as [number, number] } : {}) },
        },
        axes: [
          { ...axis(formatX, logX), size: 32, label: options.x, labelSize: 20, labelFont: font },
          { ...axis(formatY, logY), size: 56 },
        ],
        cursor: { points: { size: 6 }, drag: { x: false, y: false } },
        legend: { markers: { width: 0, fill: (_, i) => legendColor(lines[i - 1] as Line) } },
        series: [
          { label: options.x, value: (_, v) => (v === null ? "–" : (options.formatX ?? exact)(v)) },
          ...lines.map(
            (line): uPlot.Series => ({
              label: line.label,
              stroke: () => color(line.color),
              spanGaps: true,
              width: line.points ? 0 : line.faint ? 1 : 2,
              ...(line.faint ? { alpha: faint } : {}),
              points: { show: Boolean(line.points || line.marks), size: 6, fill: () => color(line.color) },
              value: (_, v) => (v === null ? "–" : (line.format ?? options.formatY ?? number)(v)),
            }),
          ),
        ],
      },
      data as uPlot.AlignedData,
      place,
    );
    requestAnimationFrame(showLast); // it is not drawn before
  };

  // at the next frame: what is observed must not be resized while it is told of
  const fit = atFrame(() => {
    if (!plot) make();
    else if (plot.width !== place.clientWidth) plot.setSize({ width: Math.max(place.clientWidth, 200), height });
  });
  new ResizeObserver(fit).observe(place);
  /** The legend has the last values, unless one points at others. */
  const showLast = () => {
    if (plot?.cursor.idx == null && data[0]?.length) plot?.setLegend({ idx: data[0].length - 1 });
  };
  place.addEventListener("mouseleave", atFrame(showLast));
  onThemeChange(place, make);

  return {
    element,
    set(next) {
      data = next;
      place.toggleAttribute("data-empty", !next[0]?.length);
      plot?.setData(data as uPlot.AlignedData);
      showLast();
    },
    describe: (text) => place.setAttribute("aria-label", `${title}. ${text}`),
  };
}
