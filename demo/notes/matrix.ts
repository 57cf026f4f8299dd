// Matrices as pictures: a cell a number, coloured by sign and size. One kind is drawn, the other is typed into.
import { h } from "../common/dom.ts";
import { s } from "../common/svg.ts";
import { signed } from "./controls.ts";
import { inline } from "./prose.ts";

export interface PictureOptions {
  /** Text with formulas. */
  readonly label: string;
  /** For screen readers. */
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  /** css pixels. Default: 44. */
  readonly cell?: number;
  /** Digits after the point; none: colours alone. Default: 2. */
  readonly digits?: number | null;
  /** The magnitude of full colour. Default: the largest there is. */
  readonly scale?: number;
  /** Told which cell is pointed at, or null; and which is pressed or painted over. */
  readonly onPoint?: (cell: number | null) => void;
  readonly onPaint?: (cell: number, first: boolean) => void;
}

export interface Picture {
  readonly element: HTMLElement;
  set(values: ArrayLike<number>): void;
  /** Frames cells. */
  mark(cells: readonly number[]): void;
}

const strongest = 0.5;

const strength = (value: number, scale: number) => strongest * Math.min(1, Math.abs(value) / (scale || 1));
const hue = (value: number) => (value < 0 ? "minus" : "plus");
const largest = (values: ArrayLike<number>) =>
  Math.max(...Array.from(values, (v) => (Number.isFinite(v) ? Math.abs(v) : 0)));

export function picture(options: PictureOptions): Picture {
  const { label, name, rows, cols, cell = 44, digits = 2, onPoint, onPaint } = options;
  const at = (i: number) => ({ x: cell * (i % cols), y: cell * Math.floor(i / cols) });
  const count = rows * cols;
  const rects = Array.from({ length: count }, (_, i) =>
    s("rect", { ...at(i), width: cell - 2, height: cell - 2, rx: Math.min(6, cell / 6) }),
  );
  const texts =
    digits === null
      ? []
      : Array.from({ length: count }, (_, i) => {
          const { x, y } = at(i);
          return s("text", { x: x + cell / 2 - 1, y: y + cell / 2 + 3.5, "text-anchor": "middle" });
        });
  const frames = s("g", { class: "frames" });
  const [width, height] = [cell * cols - 2, cell * rows - 2];
  const svg = s(
    "svg",
    {
      class: "cells",
      viewBox: `-1 -1 ${width + 2} ${height + 2}`,
      width: width + 2,
      height: height + 2,
      role: "img",
      "aria-label": name,
    },
    ...rects,
    ...texts,
    frames,
  );
  const cellOf = (event: PointerEvent): number | null => {
    const box = svg.getBoundingClientRect();
    const [c, r] = [
      Math.floor(((event.clientX - box.left) / box.width) * cols),
      Math.floor(((event.clientY - box.top) / box.height) * rows),
    ];
    return c >= 0 && c < cols && r >= 0 && r < rows ? r * cols + c : null;
  };
  if (onPaint) paintable(svg, cellOf, onPaint);
  if (onPoint) {
    svg.addEventListener("pointermove", (event) => onPoint(cellOf(event)));
    svg.addEventListener("pointerleave", () => onPoint(null));
  }
  return {
    element: h("figure", { className: "matrix" }, h("figcaption", {}, inline(label)), svg),
    set(values) {
      const scale = options.scale ?? largest(values);
      rects.forEach((rect, i) => {
        const v = values[i] as number;
        rect.setAttribute("class", hue(v));
        rect.style.fillOpacity = String(strength(v, scale));
        const text = texts[i];
        if (text) text.textContent = v === 0 ? "0" : signed(v, digits ?? 0);
      });
      const rowsOf = Array.from({ length: rows }, (_, r) =>
        Array.from({ length: cols }, (_, c) => signed(values[r * cols + c] as number)),
      );
      svg.setAttribute(
        "aria-label",
        `${name}: ${count <= 36 ? rowsOf.map((r) => r.join(", ")).join("; ") : `${rows} by ${cols}`}`,
      );
    },
    mark(cells) {
      frames.replaceChildren(
        ...cells.map((i) => s("rect", { ...at(i), width: cell - 2, height: cell - 2, rx: Math.min(6, cell / 6) })),
      );
    },
  };
}

function paintable(
  svg: SVGSVGElement,
  cellOf: (e: PointerEvent) => number | null,
  onPaint: (cell: number, first: boolean) => void,
): void {
  let last: number | null = null;
  const paint = (event: PointerEvent, first: boolean) => {
    const cell = cellOf(event);
    if (cell === null || (!first && cell === last)) return;
    last = cell;
    onPaint(cell, first);
  };
  svg.classList.add("paintable");
  svg.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    svg.setPointerCapture(event.pointerId);
    paint(event, true);
  });
  svg.addEventListener("pointermove", (event) => {
    if (event.buttons) paint(event, false);
  });
}

export interface FieldOptions {
  readonly label: string;
  readonly name: string;
  readonly rows: number;
  readonly cols: number;
  readonly values: readonly number[];
  readonly step?: number;
  readonly onChange: (values: number[]) => void;
}

/** A matrix to type into. */
export function field({ label, name, rows, cols, values, step = 0.1, onChange }: FieldOptions): {
  element: HTMLElement;
  set(values: readonly number[]): void;
} {
  const inputs = Array.from({ length: rows * cols }, (_, i) => {
    const where = `${name}, row ${Math.floor(i / cols) + 1}, column ${(i % cols) + 1}`;
    const input = h("input", { type: "number", attr: { "aria-label": where, step: String(step) } });
    input.oninput = () => {
      colour();
      const now = inputs.map((n) => n.valueAsNumber);
      if (now.every(Number.isFinite)) onChange(now);
    };
    return input;
  });
  const colour = () => {
    const now = inputs.map((n) => n.valueAsNumber || 0);
    const scale = largest(now);
    inputs.forEach((input, i) => {
      input.className = hue(now[i] as number);
      input.style.setProperty("--strength", `${100 * strength(now[i] as number, scale)}%`);
    });
  };
  const set = (next: readonly number[]) => {
    inputs.forEach((input, i) => {
      input.value = String(next[i]);
    });
    colour();
  };
  set(values);
  const cells = h("div", { className: "fields" }, inputs);
  cells.style.gridTemplateColumns = `repeat(${cols}, 1fr)`;
  const element = h(
    "figure",
    { className: "matrix", attr: { role: "group", "aria-label": name } },
    h("figcaption", {}, inline(label)),
    cells,
  );
  return { element, set };
}

/** Matrices and signs side by side: equation(a.element, "∘", b.element). */
export const equation = (...terms: readonly (HTMLElement | string)[]): HTMLElement =>
  h(
    "div",
    { className: "equation", tabIndex: 0, attr: { role: "region", "aria-label": "The formula in numbers" } },
    terms.map((t) => (typeof t === "string" ? h("span", { className: "sign" }, inline(t)) : t)),
  );
