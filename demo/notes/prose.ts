// Text with formulas: $…$ in a line, $$…$$ on a line of its own, `…` code, *…* emphasis. Formulas by KaTeX, with MathML for screen readers.
import katex from "katex";
import "katex/dist/katex.min.css";
import { h } from "../common/dom.ts";

const macros = { "\\T": "^{\\mathsf T}", "\\had": "\\circ", "\\d": "\\partial" };

/** A formula. */
export function tex(formula: string, displayMode = false): HTMLElement {
  const element = h(displayMode ? "div" : "span", { className: displayMode ? "formula" : "tex" });
  katex.render(formula, element, { displayMode, macros, throwOnError: true });
  if (displayMode) reachable(element);
  return element;
}

/** A formula that is wider than its place scrolls, then also by keyboard. */
function reachable(element: HTMLElement): void {
  new ResizeObserver(() => {
    if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
    else element.removeAttribute("tabindex");
  }).observe(element);
}

const parts = /(\$\$[^$]+\$\$|\$[^$]+\$|`[^`]+`|\*[^*]+\*)/;

/** What a line of text says. */
export function inline(text: string): (Node | string)[] {
  return text
    .split(parts)
    .filter(Boolean)
    .map((part) => {
      if (part.startsWith("$$")) return tex(part.slice(2, -2), true);
      if (part.startsWith("$")) return tex(part.slice(1, -1));
      if (part.startsWith("`")) return h("code", {}, part.slice(1, -1));
      return part.startsWith("*") ? h("em", {}, part.slice(1, -1)) : part;
    });
}

/** Paragraphs, one a string; formulas on a line of their own are one by themselves, side by side where there is room. */
export const prose = (paragraphs: readonly string[]): HTMLElement[] =>
  paragraphs.map((text) =>
    text.startsWith("$$")
      ? h(
          "div",
          { className: "formulas" },
          text
            .slice(2, -2)
            .split(/,?\s*\\q+uad/)
            .map((f) => tex(f, true)),
        )
      : h("p", {}, inline(text)),
  );
