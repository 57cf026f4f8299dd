// Gradient flow: how much of the loss's gradient arrives at each time step, on its way back from the last. Computed beside the trainer, in a
// worker of its own, from the parameters as they are.
import { wrap } from "comlink";
import { type Chart, chart, type Line } from "../../common/chart.ts";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { mnistFolder, type Run } from "../run.ts";
import type { Setup } from "../tasks.ts";
import type { FlowApi } from "../worker/flow.ts";
import { card, type Panel } from "./panel.ts";

/** Takes a while, so that it is done no more often than this, in milliseconds. */
const every = 6000;

export interface FlowPanel extends Panel {
  close(): void;
}

export function flowPanel(run: Run, setup: Setup): FlowPanel {
  const worker = new Worker(new URL("../worker/flow.ts", import.meta.url), { type: "module", name: "gradient flow" });
  const api = wrap<FlowApi>(worker);
  const summary = h("p", { className: "small muted", id: "flow" }, "Following the gradients …");
  const place = h("div", {});
  const element = card(
    "Gradient flow over time",
    "‖∂L/∂h⁽ᵗ⁾‖ at each step t. A plain RNN multiplies by the same matrix on every step back, an LSTM's cell by its forget gates.",
    place,
    summary,
  );
  element.classList.add("broad");
  let shown: Chart | undefined;
  let last = -every;
  let busy = false;

  const follow = async () => {
    const { runs } = await api.flow(setup, mnistFolder, await run.host.params());
    const names = runs.map(({ name }) => (name.startsWith("rnn") ? "RNN" : "LSTM"));
    const series = runs.flatMap(({ h, c }, i): [Line, readonly number[]][] => {
      const own = names[i] as string;
      const hue = own === "RNN" ? "second" : "accent";
      const line: [Line, readonly number[]] = [{ label: `${own}, ∂L/∂h`, color: hue }, h];
      return c ? [line, [{ label: `${own}, ∂L/∂C`, color: "good" }, c]] : [line];
    });
    if (!shown) {
      const lines = series.map(([line]) => line);
      shown = chart({
        title: "Norm of the gradient that arrives at step t",
        x: "t",
        lines,
        logY: true,
        formatX: String,
      });
      place.append(shown.element);
    }
    const steps = (runs[0]?.h.length ?? 1) - 1;
    const positive = (v: number) => (v > 0 ? v : null); // the axis is logarithmic
    shown.set([Array.from({ length: steps + 1 }, (_, t) => t), ...series.map(([, values]) => values.map(positive))]);
    summary.textContent = runs
      .map(
        ({ h }, i) =>
          `${names[i]}: the first step gets ${number((h[0] as number) / (h[steps] as number))} × what the last gets.`,
      )
      .join(" ");
    shown.describe(summary.textContent);
  };

  return {
    element,
    async refresh() {
      if (busy || performance.now() - last < every) return;
      busy = true;
      last = performance.now();
      // not waited for: it holds nothing up
      follow()
        .catch(() => {}) // the trainer is being replaced
        .finally(() => {
          busy = false;
        });
    },
    close: () => worker.terminate(),
  };
}
