// What checks a note: its gradient against finite differences in float64, its formula against reverse mode, and formulas that are refuted.
import type { GradientCheck } from "wgrad";
import { h } from "../common/dom.ts";
import { inline } from "./prose.ts";

export type Check =
  /** Reverse mode beside finite differences. */
  | { readonly kind: "differences"; readonly check: GradientCheck }
  /** What should be equal: a relative error. */
  | { readonly kind: "equal"; readonly label: string; readonly error: number }
  /** What is wrong, and should be seen to be: a relative error. */
  | { readonly kind: "wrong"; readonly label: string; readonly error: number };

/** Below this, reverse mode and finite differences agree; above it, something is wrong (float64). */
const agree = 1e-7;
/** The same for what the GPU computes in float32. */
const agreeSingle = 1e-4;

/** Checks run when nothing has changed for so long, in milliseconds. */
const patience = 120;

export class Checks {
  readonly element = h("ul", { className: "checks", attr: { "aria-label": "Checks" } });
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Runs `make` soon, once however often it is asked for, and shows what it gives. */
  soon(make: () => readonly Check[]): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.replaceChildren(...make().map(row)), patience);
  }
}

function row(check: Check): HTMLLIElement {
  if (check.kind === "differences") {
    const { analytic, numeric, relativeError } = check.check;
    const right = relativeError < agree;
    const [a, b] = [analytic, numeric].map((v) => v.toPrecision(8).replace("-", "−"));
    const values = `reverse mode ${a}, differences ${b}`;
    return item(right, "Finite differences", `${values}: off by ${power(relativeError)}`, "differences");
  }
  const wrong = check.kind === "wrong";
  const refuted = !(check.error < 1e-3);
  const right = wrong ? refuted : check.error < agreeSingle;
  const off = check.error === 0 ? "equal to the bit" : `off by ${power(check.error)}`;
  const text = wrong && !refuted ? "these numbers do not tell" : off;
  return item(right, check.label, text, check.kind);
}

function item(right: boolean, label: string, text: string, kind: Check["kind"]): HTMLLIElement {
  const mark = kind === "wrong" ? "✗" : right ? "✓" : "✗";
  const tone = kind === "wrong" ? "refuted" : right ? "right" : "wrong";
  return h(
    "li",
    { className: tone, data: { kind, right: String(right) } },
    h("span", { className: "mark", attr: { "aria-hidden": "true" } }, mark),
    h("span", {}, h("b", {}, inline(label)), " ", h("span", { className: "numbers" }, text)),
  );
}

const superscript = (n: number) =>
  String(n).replace(/[-\d]/g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)] as string);

/** 3·10⁻⁹, 0.41 */
function power(x: number): string {
  if (!Number.isFinite(x)) return "no number";
  if (x === 0 || x >= 0.01) return x === 0 ? "0" : x.toPrecision(2);
  const [digit, exponent] = x.toExponential(0).split("e");
  return `${digit}·10${superscript(Number(exponent))}`;
}

/** The largest difference, relative to the largest magnitude wanted. */
export function relativeDifference(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let [difference, size] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    difference = Math.max(difference, Math.abs((got[i] as number) - (want[i] as number)));
    size = Math.max(size, Math.abs(want[i] as number));
  }
  return size === 0 ? difference : difference / size;
}
