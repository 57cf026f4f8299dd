// The plan: its dispatches as a graph and as a table, one of them selected.
import type { DispatchCheck } from "wgrad";
import { h } from "../common/dom.ts";
import { bytes, duration, number } from "../common/format.ts";
import type { Description, DispatchRow } from "./describe.ts";
import { type GraphEdge, graphView } from "./graphView.ts";

/** What is known of each dispatch besides the plan, as it is found out. */
export interface Findings {
  /** Microseconds. */
  readonly times?: readonly number[];
  readonly checks: readonly DispatchCheck[];
}

const shorten = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const list = (names: readonly string[], most: number) =>
  names.length > most ? `${names.slice(0, most).join(", ")} and ${names.length - most} more` : names.join(", ");

/** The dispatches, and what flows between them. */
export function dispatchGraph(
  { dispatches }: Description,
  selected: number,
  onSelect: (i: number) => void,
): SVGSVGElement {
  const boxes = dispatches.map((d, i) => ({
    lines: [
      ...wrap(`${i}  ${d.label}`, 34, 3),
      ...(d.inputs.length ? [shorten(`reads ${list(d.inputs, 2)}`, 38)] : []),
      ...(d.results.length ? [shorten(`gives ${list(d.results, 2)}`, 38)] : []),
    ],
    className: i === selected ? "selected" : "",
    onSelect: () => onSelect(i),
  }));
  const edges = dispatches.flatMap(({ reads }, to) =>
    [...new Set(reads.map((r) => r.from))].map(
      (from): GraphEdge => ({ from, to, title: reads.flatMap((r) => (r.from === from ? [r.what] : [])).join("\n") }),
    ),
  );
  return graphView(`${dispatches.length} dispatches and what flows between them`, boxes, edges);
}

/** At most so many lines of about so many letters. */
function wrap(text: string, width: number, most: number): string[] {
  const lines: string[] = [""];
  for (const word of text.split(/(?<= )/)) {
    const last = lines.at(-1) as string;
    if (last.length + word.length > width && last) lines.push(word);
    else lines[lines.length - 1] = last + word;
  }
  const trimmed = lines.map((l) => l.trimEnd());
  return trimmed.length <= most
    ? trimmed
    : [...trimmed.slice(0, most - 1), `${shorten(trimmed[most - 1] as string, width - 1)}…`];
}

export function planTable(
  { dispatches }: Description,
  { times, checks }: Findings,
  selected: number,
  onSelect: (i: number) => void,
): HTMLTableElement {
  const columns = [
    "#",
    "Dispatch",
    "Workgroups",
    "Tile·unroll",
    "Multiply-adds",
    "Bytes",
    "GPU time",
    "Against the CPU",
  ];
  const row = (d: DispatchRow, i: number) =>
    h(
      "tr",
      { attr: i === selected ? { "aria-current": "true" } : {}, onclick: () => onSelect(i) },
      h("td", {}, i),
      h("td", { className: "label" }, h("button", { type: "button", className: "link" }, d.label)),
      h("td", {}, d.workgroups),
      h("td", {}, shorten(d.schedule, 24)),
      h("td", {}, number(d.multiplyAdds)),
      h("td", {}, bytes(d.bytes)),
      h("td", {}, times ? duration((times[i] as number) / 1e6) : "–"),
      h("td", {}, checks[i] ? verdict(checks[i]) : "–"),
    );
  return h(
    "table",
    { className: "plan" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((text) => h("th", { scope: "col" }, text)),
      ),
    ),
    h("tbody", {}, dispatches.map(row)),
  );
}

/** The worst difference of a dispatch, in words. */
export function verdict({ values, passed }: DispatchCheck): HTMLElement {
  const worst = Math.max(0, ...values.map((v) => v.relative));
  if (values.length === 0) return h("span", { className: "muted" }, "goes on below");
  return h(
    "span",
    { className: passed ? "good" : "bad" },
    passed ? "✓ " : "✗ ",
    worst === 0 ? "equal" : worst.toExponential(1),
  );
}
