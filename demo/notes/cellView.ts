// An LSTM cell as a picture: the road of the cell along the top, gates as valves, all with their values.
import { s } from "../common/svg.ts";
import { signed } from "./controls.ts";

export interface CellValues {
  readonly x: number;
  readonly before: number;
  readonly i: number;
  readonly f: number;
  readonly g: number;
  readonly o: number;
  readonly kept: number;
  readonly written: number;
  readonly cell: number;
  readonly hidden: number;
}

const [width, height] = [520, 250];
const road = 46;

interface Gate {
  readonly x: number;
  readonly name: string;
}
const gates = {
  f: { x: 130, name: "f" },
  i: { x: 230, name: "i" },
  g: { x: 300, name: "C̃" },
  o: { x: 400, name: "o" },
} as const satisfies Record<string, Gate>;

const label = (x: number, y: number, text: string, anchor = "middle") =>
  s("text", { x, y, "text-anchor": anchor }, text);
const line = (...points: readonly (readonly [number, number])[]) =>
  s("polyline", { points: points.map((p) => p.join(",")).join(" "), class: "wire" });
/** A circle with a sign. */
const op = (x: number, y: number, sign: string) =>
  s("g", { class: "op" }, s("circle", { cx: x, cy: y, r: 13 }), label(x, y + 5, sign));

/** A gate: a gauge that fills as it opens. */
function gauge({ x, name }: Gate) {
  const fill = s("rect", { x: x - 20, width: 40, y: 190, height: 0, rx: 5, class: "level" });
  const value = label(x, 204, "");
  const group = s(
    "g",
    { class: "gauge" },
    s("rect", { x: x - 20, y: 150, width: 40, height: 40, rx: 5, class: "frame" }),
    fill,
    value,
    label(x, 142, name),
  );
  return {
    group,
    set(v: number, signedGate: boolean) {
      const share = Math.min(1, Math.abs(v));
      fill.setAttribute("height", String(40 * share));
      fill.setAttribute("y", String(190 - 40 * share));
      fill.setAttribute("class", `level ${signedGate && v < 0 ? "minus" : "plus"}`);
      value.textContent = signed(v);
    },
  };
}

export function cellView(): { readonly element: SVGSVGElement; set(values: CellValues): void } {
  const meters = Object.fromEntries(Object.entries(gates).map(([key, gate]) => [key, gauge(gate)])) as Record<
    keyof typeof gates,
    ReturnType<typeof gauge>
  >;
  const values = {
    before: label(34, road - 14, "", "start"),
    kept: label(180, road - 14, ""),
    cell: label(330, road - 14, ""),
    written: label(277, 84, "", "start"),
    hidden: label(width - 6, 108, "", "end"),
  };
  const main = s("line", { x1: 20, x2: width - 20, y1: road, y2: road, class: "road", "stroke-width": 5 });
  const element = s(
    "svg",
    { class: "cell", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": "An LSTM cell" },
    main,
    line([gates.f.x, 128], [gates.f.x, road + 13]),
    line([gates.i.x, 128], [gates.i.x, 96], [252, 96]),
    line([gates.g.x, 128], [gates.g.x, 96], [278, 96]),
    line([265, 83], [265, road + 13]),
    line([440, road], [440, 96], [413, 96]),
    line([gates.o.x, 128], [gates.o.x, 109]),
    line([387, 96], [365, 96], [365, 120], [width - 20, 120]),
    line([20, 228], [400, 228], [400, 215]),
    ...[gates.f, gates.i, gates.g].map(({ x }) => line([x, 228], [x, 215])),
    op(gates.f.x, road, "×"),
    op(265, road, "+"),
    op(265, 96, "×"),
    op(gates.o.x, 96, "×"),
    ...Object.values(meters).map((m) => m.group),
    ...Object.values(values),
    label(20, 220, "x, h", "start"),
    s("text", { x: 448, y: 80 }, "tanh"),
  );
  return {
    element,
    set(v) {
      for (const key of ["i", "f", "g", "o"] as const) meters[key].set(v[key], key === "g");
      values.before.textContent = `C ${signed(v.before)}`;
      values.kept.textContent = `f∘C ${signed(v.kept)}`;
      values.cell.textContent = `C′ ${signed(v.cell)}`;
      values.written.textContent = `+ ${signed(v.written)}`;
      values.hidden.textContent = `h′ ${signed(v.hidden)}`;
      element.setAttribute(
        "aria-label",
        `An LSTM cell: forget gate ${signed(v.f)}, input gate ${signed(v.i)}, candidate ${signed(v.g)}, output gate ${signed(v.o)}; the cell goes from ${signed(v.before)} to ${signed(v.cell)}, the state is ${signed(v.hidden)}`,
      );
    },
  };
}
