// Gradient flow: how much of the loss's gradient arrives at each time step, on its way back from the last. Computed beside the trainer, in a
// worker of its own, from the parameters as they are.
import { wrap } from "comlink";
import type { RunFlow } from "wgrad/train";
import { type Chart, chart, type Line } from "../../common/chart.ts";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { mnistFolder, type Run } from "../run.ts";
import type { Setup } from "../tasks.ts";
import type { FlowApi } from "../worker/flow.ts";
import { attempt, card, type Panel } from "./panel.ts";

/** It takes a while, so that during training it is done no more often than this, in milliseconds. */
const every = 6000;

export interface FlowPanel extends Panel {
  close(): void;
}

const cellOf = ({ name }: RunFlow): "RNN" | "LSTM" => (name.startsWith("rnn") ? "RNN" : "LSTM");

/** The curves of a run over t = 0 … T. */
function curvesOf(run: RunFlow): { readonly line: Line; readonly values: readonly number[] }[] {
  const cell = cellOf(run);
  const { h, c, forget } = run;
  return [
    { line: { label: `${cell}, ∂L/∂h`, color: cell === "RNN" ? "second" : "accent" }, values: h },
    ...(c ? [{ line: { label: `${cell}, ∂L/∂C`, color: "good" } as const, values: c }] : []),
    ...(forget ? [{ line: { label: `${cell}, Π f`, color: "muted" } as const, values: forget }] : []),
  ];
}

export function flowPanel(run: Run, setup: Setup): FlowPanel {
  const worker = new Worker(new URL("../worker/flow.ts", import.meta.url), { type: "module", name: "gradient flow" });
  const api = wrap<FlowApi>(worker);
  const summary = h("p", { className: "small muted", id: "flow" }, "Following the gradients …");
  const place = h("div", {});
  const element = card(
    "Gradient flow over time",
    "What arrives at step t of the way back from the last: the norms ‖∂L/∂h⁽ᵗ⁾‖ and ‖∂L/∂C⁽ᵗ⁾‖. A plain RNN multiplies by one matrix at every step, an LSTM's cell by its forget gates, whose product is Π f.",
    place,
    summary,
  );
  element.classList.add("broad");
  let shown: Chart | undefined;
  let last = -every;
  let busy = false;
  let asked = false;

  const show = (runs: readonly RunFlow[]) => {
    const curves = runs.flatMap(curvesOf);
    if (!shown) {
      const lines = curves.map(({ line }) => line);
      shown = chart({ title: "Norm of the gradient at step t", x: "t", lines, logY: true, formatX: String });
      place.append(shown.element);
    }
    const steps = (runs[0]?.h.length ?? 1) - 1;
    const positive = (v: number) => (v > 0 ? v : null); // the axis is logarithmic
    shown.set([Array.from({ length: steps + 1 }, (_, t) => t), ...curves.map(({ values }) => values.map(positive))]);
    const share = ({ h }: RunFlow) => number((h[0] as number) / (h[steps] as number));
    summary.textContent = runs
      .map((r) => `${cellOf(r)}: the first step gets ${share(r)} of what the last gets.`)
      .join(" ");
    shown.describe(summary.textContent);
  };

  const follow = async () => {
    busy = true;
    try {
      do {
        asked = false;
        last = performance.now();
        show((await api.flow(setup, mnistFolder, await run.host.params())).runs);
      } while (asked);
    } finally {
      busy = false;
    }
  };

  return {
    element,
    async refresh() {
      const training = run.state === "running";
      if (training && performance.now() - last < every) return;
      if (busy) asked = !training;
      else attempt(run, element, follow()); // not waited for: it holds nothing up
    },
    close: () => worker.terminate(),
  };
}
