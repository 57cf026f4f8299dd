// One dispatch: the steps that it computes, what it binds, what it stores beside the reference, and its WGSL.
import type { DispatchCheck } from "wgrad";
import { copyButton, h } from "../common/dom.ts";
import type { Description, DispatchRow, GraphNode } from "./describe.ts";
import { printType } from "./describe.ts";
import { type GraphBox, graphView } from "./graphView.ts";
import { wgslView } from "./wgsl.ts";

export function kernelPanel(description: Description, index: number, check: DispatchCheck | undefined): HTMLElement {
  const dispatch = description.dispatches[index] as DispatchRow;
  const copy = copyButton(() => dispatch.wgsl, { className: "quiet" });
  return h(
    "section",
    { className: "card kernel", attr: { "aria-label": `Dispatch ${index}` } },
    h("h2", {}, `Dispatch ${index}`),
    h("p", { className: "fusion" }, parts(dispatch.label)),
    h(
      "div",
      { className: "halves" },
      h(
        "div",
        {},
        h("h3", {}, "What it computes"),
        scroll("Graph of the dispatch", stepGraph(description.nodes, index)),
      ),
      h("div", {}, h("div", { className: "row between" }, h("h3", {}, "Its WGSL"), copy), wgslView(dispatch.wgsl)),
    ),
    h("h3", {}, "What it binds"),
    scroll("Bindings", bindingTable(dispatch)),
    check && check.values.length > 0
      ? [h("h3", {}, "Against the CPU"), scroll("Differences", checkTable(check))]
      : null,
  );
}

/** Kernels that share the dispatch, and the steps fused in each. */
const parts = (label: string) =>
  label.split(" | ").map((kernel) =>
    h(
      "span",
      { className: "chips" },
      kernel.split(" + ").map((step) => h("span", { className: "chip" }, step)),
    ),
  );

export const scroll = (label: string, ...children: Node[]): HTMLElement =>
  h("div", { className: "scroll", tabIndex: 0, attr: { role: "region", "aria-label": label } }, ...children);

/** The steps of a dispatch with what they read; literals stand in their readers. */
function stepGraph(nodes: readonly GraphNode[], dispatch: number): SVGSVGElement {
  const inside = nodes.filter((n) => n.dispatches.includes(dispatch) && n.literal === undefined);
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const read = new Set(inside.flatMap((n) => n.inputs).filter((id) => !inside.some((n) => n.id === id)));
  const outside = [...read].flatMap((id) => {
    const node = byId.get(id);
    return node && node.literal === undefined ? [node] : [];
  });
  const shown = [...outside, ...inside];
  const position = new Map(shown.map((n, i) => [n.id, i]));
  const boxes = shown.map((n): GraphBox => {
    const given = outside.includes(n);
    const literals = given ? [] : n.inputs.flatMap((id) => byId.get(id)?.literal ?? []);
    const className = given ? "given" : n.stored ? "stored" : "";
    return {
      lines: [[n.name, ...literals].join(" "), n.type, ...(n.stored && !given ? [`→ ${n.stored}`] : [])],
      className,
    };
  });
  const edges = shown.flatMap((n, to) =>
    n.inputs.flatMap((id) => {
      const from = position.get(id);
      return from === undefined || outside.includes(n) ? [] : [{ from, to }];
    }),
  );
  return graphView(`${inside.length} steps of dispatch ${dispatch}`, boxes, edges);
}

function bindingTable({ bindings }: DispatchRow): HTMLTableElement {
  const head = ["Binding", "Buffer", "Lies in", "Access", "Elements"];
  return h(
    "table",
    { className: "words" },
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
      bindings.map(({ name, kind, access, type, slot }, i) =>
        h(
          "tr",
          {},
          h("td", {}, `b${i}`),
          h("td", {}, name),
          h(
            "td",
            {},
            slot === null
              ? {
                  input: "yours",
                  carry: "yours, in place",
                  constant: "a constant",
                  output: "an output",
                  temporary: "scratch",
                }[kind]
              : `slot ${slot}`,
          ),
          h("td", {}, access === "read" ? "read" : "read and write"),
          h("td", {}, type),
        ),
      ),
    ),
  );
}

function checkTable({ values }: DispatchCheck): HTMLTableElement {
  const head = ["Value", "Type", "Largest difference", "Relative", "Worst element", "Got", "Wanted"];
  return h(
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
      values.map((v) =>
        h(
          "tr",
          {},
          h("td", {}, v.name),
          h("td", {}, printType(v.type)),
          h("td", {}, v.absolute === 0 ? "0" : v.absolute.toExponential(1)),
          h(
            "td",
            { className: v.differing > v.undecided ? "bad" : "good" },
            v.relative === 0 ? "0" : v.relative.toExponential(1),
          ),
          h("td", {}, v.worst ? `[${v.worst.index}]` : "–"),
          h("td", {}, v.worst ? v.worst.got.toPrecision(7) : "–"),
          h("td", {}, v.worst ? v.worst.want.toPrecision(7) : "–"),
        ),
      ),
    ),
  );
}
