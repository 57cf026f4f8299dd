// The adding problem's two nets on sequences that they have not seen.
import { chart } from "../../common/chart.ts";
import type { Run } from "../run.ts";
import type { Panel } from "./panel.ts";

/** What a net does that always says 1: the variance of the sum of two numbers in [0, 1). */
const chance = 1 / 6;

export function errorPanel(run: Run): Panel {
  const errors = chart({
    title: "Squared error on unseen sequences",
    x: "step",
    lines: [
      { label: "RNN", color: "second" },
      { label: "LSTM", color: "accent" },
      { label: "always 1", color: "muted", faint: true },
    ],
  });
  const seen: { step: number; rnn: number; lstm: number }[] = [];
  return {
    element: errors.element,
    always: true,
    async refresh() {
      const { step, rnn, lstm } = await run.host.errors();
      while ((seen.at(-1)?.step ?? -1) >= step) seen.pop(); // what a lost device had done is done again
      seen.push({ step, rnn, lstm });
      errors.set([seen.map((s) => s.step), seen.map((s) => s.rnn), seen.map((s) => s.lstm), seen.map(() => chance)]);
      errors.describe(`RNN ${rnn.toFixed(3)}, LSTM ${lstm.toFixed(3)} at step ${step}`);
    },
  };
}
