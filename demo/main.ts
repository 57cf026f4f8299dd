// The start page: what there is.
import { byId, h } from "./common/dom.ts";

const cards = [
  [
    "train/",
    "Train",
    "Pick a task, press start and watch a network learn: its mistakes, its filters, the digits that you draw.",
  ],
  ["inspect/", "Look inside", "The graph, the plan, the WGSL of every kernel, and where the time goes."],
  ["benchmark/", "Benchmark", "GPU against CPU over sizes, measured on your machine."],
  ["notes/", "Notes", "The mathematics of training, each formula beside a live computation and its check."],
] as const;

byId("cards", HTMLDivElement).append(
  ...cards.map(([folder, name, text]) =>
    h("section", { className: "card" }, h("h2", {}, h("a", { href: `${folder}index.html` }, name)), h("p", {}, text)),
  ),
);
