// A graph as SVG: boxes with lines of text, edges from top to bottom.
import { s } from "../common/svg.ts";
import { layout, type Point } from "./layers.ts";

export interface GraphBox {
  /** The first line stands out. */
  readonly lines: readonly string[];
  readonly className?: string;
  readonly onSelect?: () => void;
}

export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  /** Shown when it is pointed at. */
  readonly title?: string;
}

const line = 17;
const pad = { x: 12, y: 9 };
const letter = 7.1;
const margin = 6;

export function graphView(label: string, boxes: readonly GraphBox[], edges: readonly GraphEdge[]): SVGSVGElement {
  const sizes = boxes.map(({ lines }) => ({
    width: Math.max(44, ...lines.map((l) => letter * l.length + 2 * pad.x)),
    height: lines.length * line + 2 * pad.y,
  }));
  const { places, routes, width, height } = layout(
    sizes,
    edges.map(({ from, to }) => [from, to]),
  );
  const paths = edges.map(({ title = "" }, i) => {
    const path = s("path", { d: curve(routes[i] ?? []), class: "edge", "marker-end": "url(#arrow)" });
    if (title) path.append(s("title", {}, title));
    return path;
  });
  const nodes = boxes.map((box, i) => {
    const { width: w, height: h } = sizes[i] as (typeof sizes)[number];
    const { x, y } = places[i] as Point;
    const group = s(
      "g",
      { class: `box ${box.className ?? ""}`, transform: `translate(${x - w / 2} ${y})` },
      s("rect", { width: w, height: h, rx: 9 }),
      ...box.lines.map((text, k) =>
        s("text", { x: pad.x, y: pad.y + 13 + k * line, class: k ? "more" : "name" }, text),
      ),
    );
    if (box.onSelect) makeButton(group, box.onSelect);
    return group;
  });
  const [w, h] = [width + 2 * margin, height + 2 * margin];
  const marker = s(
    "marker",
    { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto" },
    s("path", { d: "M0 0L8 4L0 8z", class: "tip" }),
  );
  return s(
    "svg",
    {
      ...{ class: "graph", viewBox: `${-margin} ${-margin} ${w} ${h}`, width: w, height: h },
      ...{ role: boxes.some((b) => b.onSelect) ? "group" : "img", "aria-label": label },
    },
    s("defs", {}, marker),
    ...paths,
    ...nodes,
  );
}

function makeButton(group: SVGGElement, onSelect: () => void): void {
  group.setAttribute("role", "button");
  group.setAttribute("tabindex", "0");
  group.addEventListener("click", onSelect);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    onSelect();
  });
}

/** Straight through the layers, bent between them. */
function curve(points: readonly Point[]): string {
  return points
    .map(({ x, y }, i) => {
      const before = points[i - 1];
      if (!before) return `M${x} ${y}`;
      const middle = (before.y + y) / 2;
      return before.x === x ? `L${x} ${y}` : `C${before.x} ${middle} ${x} ${middle} ${x} ${y}`;
    })
    .join("");
}
