// The benchmark: GPU against CPU over sizes, measured in a worker. To cancel is to end the worker.
import type { Series } from "../../bench/sizes.ts";
import { wantsCpu } from "../common/address.ts";
import { banner, catchErrors, errorBanner, noWebGpuBanner } from "../common/banner.ts";
import { pageDevice } from "../common/device.ts";
import { byId, copyButton, enable, h } from "../common/dom.ts";
import { asJson, seriesTable, seriesView } from "./results.ts";
import { type Extent, extents, type Job, opNames, type TaskName, taskNames, usual } from "./suite.ts";
import type { Message } from "./worker.ts";

catchErrors();

const page = byId("page", HTMLDivElement);

const tick = (name: string, checked: boolean, group: string) => {
  const box = h("input", { type: "checkbox", name: group, value: name, checked });
  return h("label", { className: "tick" }, box, name);
};
const ticks = (label: string, names: readonly string[], group: string, checked: (name: string) => boolean) =>
  h(
    "fieldset",
    {},
    h("legend", {}, label),
    h(
      "div",
      { className: "ticks" },
      names.map((n) => tick(n, checked(n), group)),
    ),
  );
const ticked = (group: string): string[] =>
  [...page.querySelectorAll<HTMLInputElement>(`input[name=${group}]:checked`)].map((box) => box.value);

const extent = h(
  "select",
  { id: "extent" },
  Object.entries(extents).map(([value, { name }]) => h("option", { value, selected: value === "medium" }, name)),
);
const start = h("button", { type: "button", className: "primary", id: "start" }, "Start");
const cancel = h("button", { type: "button", id: "cancel", disabled: true }, "Cancel");
const progress = h("progress", { max: 1, value: 0, hidden: true, attr: { "aria-label": "Progress" } });
const status = h("p", { className: "muted", id: "status", attr: { role: "status" } });
const results = h("div", { className: "stack", id: "results" });
const rest = opNames.filter((name) => !usual.includes(name));

page.append(
  h(
    "section",
    { className: "card", attr: { "aria-label": "What to measure" } },
    ticks("Training steps", taskNames, "task", () => true),
    ticks("Ops", usual, "op", () => true),
    h(
      "details",
      {},
      h("summary", {}, `${rest.length} more ops`),
      ticks("More ops", rest, "op", () => false),
    ),
    h("div", { className: "row start" }, h("label", {}, "Sizes", extent), start, cancel),
    progress,
    status,
  ),
  results,
  h(
    "section",
    { className: "card muted", attr: { "aria-label": "How it is measured" } },
    h("h2", {}, "How it is measured"),
    h(
      "p",
      {},
      "Times are medians of samples of at least 10 ms. A call on the GPU includes the wait for its result: what one pays who asks once. In a chain, 16 calls or steps are submitted together and waited for once: what one pays who trains.",
    ),
    h(
      "p",
      {},
      "The CPU is wgrad's reference: float64 on one thread, written to be right and not to be fast. It says from where on a GPU is worth its start-up, not how fast a CPU can be. A contestant that takes more than half a second a call is not asked for larger sizes.",
    ),
  ),
);

// made once: it may be open, or be read, while more is measured
const json = h("textarea", { readOnly: true, rows: 8, id: "json", attr: { "aria-label": "The results as JSON" } });
const copy = copyButton(() => json.value, { id: "copy" });
const table = h("section", { className: "card", attr: { "aria-label": "Crossovers" } });
const plot = h("div", {});
const asText = h(
  "details",
  { className: "card" },
  h("summary", {}, "As JSON"),
  h("p", { className: "row" }, copy),
  json,
);

let worker: Worker | undefined;
let device = "";
let found = new Map<string, Series>();
let selected = "";
/** Someone has chosen what is shown. */
let chosen = false;

function show(): void {
  const all = [...found.values()];
  const series = found.get(selected) ?? all[0];
  if (!series) {
    results.replaceChildren();
    return;
  }
  const select = (name: string) => {
    selected = name;
    chosen = true;
    show();
  };
  json.value = asJson(device, extents[extent.value as Extent].samples, all);
  copy.textContent = "Copy";
  if (!asText.isConnected) results.replaceChildren(table, plot, asText);
  const { activeElement } = document;
  const focused = table.contains(activeElement) ? activeElement?.textContent : null;
  table.replaceChildren(
    h("h2", {}, "From which size on the GPU wins"),
    h(
      "div",
      { className: "scroll", tabIndex: 0, attr: { role: "region", "aria-label": "Crossovers" } },
      seriesTable(all, series.name, select),
    ),
  );
  plot.replaceChildren(seriesView(series));
  for (const button of focused ? table.querySelectorAll("button") : [])
    if (button.textContent === focused) button.focus(); // the table is another one
}

function end(text: string): void {
  worker?.terminate();
  worker = undefined;
  enable(false, cancel);
  enable(true, start, extent);
  progress.hidden = true;
  status.textContent = text;
}

function receive(message: Message): void {
  switch (message.kind) {
    case "device":
      device = message.name;
      if (!message.gpu && !wantsCpu()) noWebGpuBanner(message.reason ?? "");
      break;
    case "progress":
      progress.max = message.total;
      progress.value = message.done;
      status.textContent = `${message.text} (${message.done + 1} of ${message.total}) on ${device}`;
      break;
    case "series":
      found.set(message.series.name, message.series);
      if (!chosen) selected = message.series.name;
      show();
      break;
    case "done":
      end(`Done: ${found.size} series on ${device}.`);
      break;
    case "error":
      errorBanner(Object.assign(new Error(message.message), { name: message.name }));
      end("");
  }
}

start.onclick = () => {
  const job: Job = {
    ...{ ops: ticked("op"), tasks: ticked("task") as TaskName[] },
    ...{ extent: extent.value as Extent, cpu: wantsCpu() },
  };
  if (job.ops.length + job.tasks.length === 0) {
    banner({ tone: "info", title: "Nothing is ticked", key: "empty" }, "Tick an op or a training step first.");
    return;
  }
  found = new Map();
  chosen = false;
  show();
  enable(false, start, extent);
  enable(true, cancel);
  progress.hidden = false;
  progress.removeAttribute("value");
  status.textContent = "Starting …";
  worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<Message>) => receive(data);
  worker.onerror = (event) => receive({ kind: "error", name: "Error", message: event.message });
  worker.postMessage(job);
};
cancel.onclick = () => end(found.size ? "Cancelled. What was measured stays." : "Cancelled.");

// says at once where there is no WebGPU, though nothing is measured before one starts it
(await pageDevice()).dispose();
