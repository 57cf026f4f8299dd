// Bars with names, between two limits.
import { h } from "../common/dom.ts";
import { s } from "../common/svg.ts";
import { signed } from "./controls.ts";

export interface BarsView {
  readonly element: HTMLElement;
  set(values: ArrayLike<number>): void;
}

const [row, left, width] = [30, 46, 260];

/** From `low` to `high`, or further up if a value is. */
export function barsView(
  title: string,
  names: readonly string[],
  { low, high }: { low: number; high: number },
): BarsView {
  let top = high;
  const x = (v: number) => left + ((width - left - 46) * (v - low)) / (top - low);
  const bars = names.map((name, i) => {
    const y = row * i;
    const rect = s("rect", { y: y + 5, height: row - 10, rx: 4 });
    const value = s("text", { y: y + 20, x: width, "text-anchor": "end", class: "value" });
    return { rect, value, group: s("g", {}, s("text", { x: 0, y: y + 20 }, name), rect, value) };
  });
  const svg = s(
    "svg",
    {
      class: "bars",
      viewBox: `0 0 ${width} ${row * names.length}`,
      width,
      height: row * names.length,
      role: "img",
      "aria-label": title,
    },
    s("line", { x1: x(0), x2: x(0), y1: 0, y2: row * names.length }),
    ...bars.map((b) => b.group),
  );
  return {
    element: h("figure", {}, h("figcaption", {}, title), svg),
    set(values) {
      top = Math.max(high, ...Array.from(values));
      bars.forEach(({ rect, value }, i) => {
        const v = values[i] as number;
        const [a, b] = [Math.min(x(0), x(v)), Math.max(x(0), x(v))];
        rect.setAttribute("x", String(a));
        rect.setAttribute("width", String(Math.max(1, b - a)));
        rect.setAttribute("class", v < 0 ? "minus" : "plus");
        value.textContent = signed(v);
      });
      svg.setAttribute(
        "aria-label",
        `${title}: ${names.map((n, i) => `${n} ${signed(values[i] as number)}`).join(", ")}`,
      );
    },
  };
}
