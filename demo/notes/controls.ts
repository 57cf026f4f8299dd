// Sliders, choices and buttons of the notes.
import { h } from "../common/dom.ts";
import { inline } from "./prose.ts";

export interface SliderOptions {
  /** Text with formulas, and the same for screen readers. */
  readonly label: string;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly value: number;
  readonly format?: (value: number) => string;
  readonly onInput: (value: number) => void;
}

/** 0.5, −1.25: with a minus that is one. */
export const signed = (x: number, digits = 2): string =>
  (Object.is(x, -0) || Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits).replace("-", "−");

export interface Slider {
  readonly element: HTMLElement;
  set(value: number): void;
}

export function slider(options: SliderOptions): Slider {
  const { label, name, min, max, value, onInput, format = (v) => signed(v) } = options;
  const step = options.step ?? (max - min) / 100;
  const shown = h("output", {}, format(value));
  const range = h("input", { type: "range", attr: { "aria-label": name } });
  Object.assign(range, { min, max, step });
  range.value = String(value);
  range.oninput = () => {
    shown.textContent = format(range.valueAsNumber);
    onInput(range.valueAsNumber);
  };
  return {
    element: h("div", { className: "slider" }, h("span", {}, inline(label)), range, shown),
    set(v) {
      range.value = String(v);
      shown.textContent = format(v);
    },
  };
}

/** One of a few, as a row of radio buttons. */
export function choice<T extends string>(
  label: string,
  options: readonly (readonly [T, string])[],
  value: T,
  onChange: (value: T) => void,
): HTMLElement {
  const name = `choice-${label.replaceAll(/\W+/g, "-")}-${counter++}`;
  return h(
    "fieldset",
    { className: "choice" },
    h("legend", {}, inline(label)),
    options.map(([v, text]) => {
      const radio = h("input", { type: "radio", name, value: v, checked: v === value, onchange: () => onChange(v) });
      return h("label", {}, radio, h("span", {}, inline(text)));
    }),
  );
}

let counter = 0;

export const button = (text: string, onclick: () => void): HTMLButtonElement =>
  h("button", { type: "button", onclick }, text);

/** Controls side by side. */
export const controls = (...children: readonly (Node | null)[]): HTMLElement =>
  h("div", { className: "controls" }, children);
