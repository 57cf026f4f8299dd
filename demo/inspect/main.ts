// Look inside: what becomes of a program on its way to the GPU. All work is done in worker.ts.
import { proxy, wrap } from "comlink";
import { wantsCpu } from "../common/address.ts";
import { catchErrors, errorBanner, noWebGpuBanner } from "../common/banner.ts";
import { byId, enable, h } from "../common/dom.ts";
import { bytes, count, duration, number } from "../common/format.ts";
import { type Example, expressions, nets } from "./examples.ts";
import { kernelPanel, scroll } from "./kernelPanel.ts";
import { dispatchGraph, type Findings, planTable } from "./planPanel.ts";
import { memoryPanel, timeline } from "./timePanel.ts";
import type { Compiled, Inspector, Timing } from "./worker.ts";

catchErrors();

const inspector = wrap<Inspector>(new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }));
const page = byId("page", HTMLDivElement);

/** What is shown now. */
interface View {
  compiled: Compiled;
  selected: number;
  findings: Findings;
  timing?: Timing;
}
let view: View | undefined;

const choice = h(
  "select",
  { id: "example" },
  [
    ["Training steps", nets],
    ["Expressions", expressions],
  ].map(([label, list]) => {
    const group = h("optgroup", { label: label as string });
    group.append(...(list as Example[]).map(({ id, name }) => h("option", { value: id }, name)));
    return group;
  }),
);
const about = h("p", { className: "muted", id: "about" });
const editor = h("textarea", { className: "code", spellcheck: false, rows: 9, id: "editor" });
const compileButton = h("button", { type: "button", className: "primary" }, "Compile");
const editing = h(
  "div",
  { className: "editing" },
  h("label", { htmlFor: "editor" }, "The function, and the types of its inputs: change them as you like"),
  editor,
  h(
    "p",
    { className: "row" },
    compileButton,
    h("span", { className: "muted small" }, "Ctrl+Enter, too. All of wgrad's names are in scope."),
  ),
);
const timeButton = h("button", { type: "button", id: "time", disabled: true }, "Time every kernel");
const verifyButton = h("button", { type: "button", id: "verify", disabled: true }, "Verify against the CPU");
const status = h("p", { className: "status", id: "status", attr: { role: "status" } });
const device = h("span", { className: "muted" }, "looking for a GPU …");
const result = h("div", { className: "stack", id: "result" });

page.append(
  h(
    "section",
    { className: "card controls", attr: { "aria-label": "What to look into" } },
    h("div", { className: "row between" }, h("label", {}, "Look into", choice), device),
    about,
    editing,
    h("p", { className: "row" }, timeButton, verifyButton),
    status,
  ),
  result,
);

const example = () => [...nets, ...expressions].find(({ id }) => id === choice.value) as Example;

function show(): void {
  if (!view) return;
  const { compiled, selected, findings, timing } = view;
  const { description } = compiled;
  if (!description) {
    result.replaceChildren(
      h(
        "section",
        { className: "card" },
        h("h2", {}, "The graph, as it prints"),
        scroll("Graph", h("pre", {}, compiled.printed)),
      ),
    );
    return;
  }
  const select = (i: number) => {
    if (view) view.selected = i;
    show();
  };
  const open = (i: number) => {
    select(i);
    result.querySelector(".kernel")?.scrollIntoView();
  };
  const total = (of: "multiplyAdds" | "bytes") => description.dispatches.reduce((n, d) => n + d[of], 0);
  const steps = description.nodes.filter((n) => n.kind === "op").length;
  const stats: [string, string][] = [
    ["steps in the graph", count(steps)],
    ["dispatches", count(description.dispatches.length)],
    ["multiply-adds", number(total("multiplyAdds"))],
    ["moved at least", bytes(total("bytes"))],
    ["planned and compiled in", duration(compiled.milliseconds / 1000)],
  ];
  const printed = h(
    "details",
    { className: "card" },
    h("summary", {}, "The plan as it prints"),
    scroll("Plan", h("pre", {}, compiled.printed)),
  );
  keepScroll(() =>
    result.replaceChildren(
      h(
        "section",
        { className: "card", attr: { "aria-label": "The graph" } },
        h("h2", {}, "The graph, fused"),
        h(
          "dl",
          { className: "stats" },
          stats.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
        ),
        h(
          "p",
          { className: "muted" },
          "A box is a dispatch: steps that run as one kernel, or small kernels side by side. Choose one to see into it.",
        ),
        scroll("Dispatches", dispatchGraph(description, selected, select)),
      ),
      kernelPanel(description, selected, findings.checks[selected]),
      h(
        "section",
        { className: "card", attr: { "aria-label": "The plan" } },
        h("h2", {}, "The plan"),
        scroll("Plan", planTable(description, findings, selected, open)),
      ),
      ...[timing ? timeline(description, timing, open) : null].filter((x) => x !== null),
      ...[memoryPanel(description)].filter((x) => x !== null),
      printed,
    ),
  );
}

/** Keeps where boxes are scrolled to, and the focus, over a redrawing. */
function keepScroll(redraw: () => void): void {
  const boxes = () => [...result.querySelectorAll<HTMLElement>(".scroll")];
  const label = (e: Element | null) => e?.getAttribute("aria-label") ?? e?.textContent;
  const at = new Map(boxes().map((b) => [label(b), [b.scrollLeft, b.scrollTop] as const]));
  const focused = result.contains(document.activeElement) ? label(document.activeElement) : null;
  redraw();
  for (const box of boxes())
    [box.scrollLeft, box.scrollTop] = at.get(label(box)) ?? [(box.scrollWidth - box.clientWidth) / 2, 0];
  if (focused !== null)
    [...result.querySelectorAll<HTMLElement | SVGElement>("button, [tabindex]")]
      .find((e) => label(e) === focused)
      ?.focus({ preventScroll: true });
}

/** Runs something with the buttons off; errors show as a banner. */
async function busy(text: string, work: () => Promise<string>): Promise<void> {
  const buttons = [choice, compileButton, timeButton, verifyButton];
  enable(false, ...buttons);
  status.textContent = text;
  try {
    status.textContent = await work();
  } catch (error) {
    status.textContent = "";
    errorBanner(error);
  }
  enable(true, choice, compileButton);
  enable(Boolean(view?.compiled.description), timeButton, verifyButton);
}

const compile = () =>
  busy("Tracing, planning, compiling …", async () => {
    const { id, text } = example();
    view = undefined;
    result.replaceChildren();
    delete status.dataset.verified;
    const compiled = await inspector.compile(text === undefined ? { net: id } : { text: editor.value });
    const work = compiled.description?.dispatches.map((d) => d.multiplyAdds) ?? [];
    view = { compiled, selected: work.indexOf(Math.max(...work)), findings: { checks: [] } };
    show();
    return compiled.description
      ? ""
      : "Without WebGPU there are no kernels: this is the graph, which the CPU computes step by step.";
  });

function choose(): Promise<void> {
  const { about: words, text } = example();
  about.textContent = words;
  editing.hidden = text === undefined;
  editor.value = text ?? "";
  return compile();
}

timeButton.onclick = () =>
  busy("Timing every dispatch …", async () => {
    const timing = await inspector.time();
    if (!view) return "";
    view.timing = timing;
    view.findings = { ...view.findings, times: timing.microseconds };
    show();
    return "";
  });

verifyButton.onclick = () =>
  busy("Running every dispatch on the GPU and its reference on the CPU, in float64 …", async () => {
    const dispatches = view?.compiled.description?.dispatches.length ?? 0;
    const checks: Findings["checks"][number][] = [];
    let done = false; // progress may arrive after the result
    const { first, summary } = await inspector.verify(
      proxy((check, i) => {
        checks[i] = check;
        if (!done) status.textContent = `Verified ${i + 1} of ${dispatches} dispatches …`;
        if (view) view.findings = { ...view.findings, checks };
        show();
      }),
    );
    done = true;
    status.dataset.verified = String(first === null);
    if (view && first !== null) view.selected = first;
    show();
    return summary;
  });

compileButton.onclick = compile;
editor.onkeydown = (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void compile();
};
choice.onchange = () => void choose();

// ?example=dense in the address begins with that
const asked = new URLSearchParams(location.search).get("example");
if ([...nets, ...expressions].some(({ id }) => id === asked)) choice.value = asked as string;

const found = await inspector.start(wantsCpu());
device.textContent = found.device;
if (found.reason && !wantsCpu()) noWebGpuBanner(found.reason);
await choose();
