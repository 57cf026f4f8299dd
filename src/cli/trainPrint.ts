// What `npm run train` shows: a progress bar while it runs, the result at the end; or JSON lines.

import { Presets, SingleBar } from "cli-progress";
import { printTuning } from "../gpu/tuning.ts";
import type { Report, Start, Summary, TrainMessage, Tuned } from "./trainJob.ts";

export interface Printer {
  message(message: TrainMessage): void;
  summary(summary: Summary): void;
  /** Called at the end, also of a run that failed. */
  end(): void;
}

const count = (n: number): string => Math.round(n).toLocaleString("en-US");

const duration = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

/** One line a report, and a last one with the summary. The start is a line too. */
export const jsonPrinter: Printer = {
  message: (message) => console.log(JSON.stringify(message)),
  summary({ profile, ...summary }) {
    const { text, trace, ...times } = profile ?? {};
    console.log(JSON.stringify({ kind: "summary", ...summary, ...(profile ? { profile: times } : {}) }));
  },
  end: () => {},
};

export function barPrinter(title: string): Printer {
  const bar = new SingleBar(
    {
      format: "{bar} step {value}/{total} · loss {loss} · accuracy {accuracy} · {rate} images/s · {left} left",
      barsize: 24,
      hideCursor: true,
      noTTYOutput: true,
      notTTYSchedule: 5000,
    },
    Presets.shades_classic,
  );
  const start = ({ adapter, software, examples, limited, steps }: Start) => {
    console.log(`${title}\n${adapter}`);
    if (software)
      console.log(
        `This adapter runs on the CPU, far slower than a GPU.${limited ? ` It takes the first ${count(examples)} images; --examples takes more.` : ""}`,
      );
    bar.start(steps, 0, { loss: "–", accuracy: "–", rate: "–", left: "–" });
  };
  const tuned = ({ choices, timed, seconds }: Tuned) => {
    const kernels = Object.keys(choices).length;
    console.log(`tuned ${timed} of ${kernels} kernels in ${seconds.toFixed(1)} s, remembered ${kernels - timed}`);
    if (kernels)
      console.log(`${printTuning(choices)}\nA kernel that compiles for long must earn that back within 1000 steps.\n`);
  };
  const report = (r: Report) =>
    bar.update(r.step, {
      loss: r.loss.toFixed(4),
      accuracy: `${(100 * r.accuracy).toFixed(1)} %`,
      rate: count(r.imagesPerSecond),
      left: duration(r.secondsLeft),
    });
  return {
    message(message) {
      if (message.kind === "start") start(message);
      else if (message.kind === "report") report(message);
      else if (message.kind === "tuned") tuned(message);
      else if (message.kind === "tunes") console.log(`tunes ${message.done + 1} of ${message.total}: ${message.group}`);
    },
    summary(s) {
      bar.stop();
      console.log(`\n${confusionTable(s.confusion)}\n`);
      console.log(
        `test accuracy ${(100 * s.testAccuracy).toFixed(2)} % (${count(s.testCorrect)} of ${count(s.testExamples)}), loss ${s.testLoss.toFixed(4)}`,
      );
      console.log(`${count(s.imagesPerSecond)} images/s on ${s.adapter}`);
      console.log(
        `a step: ${s.dispatchesPerStep} dispatches, ${s.submitsPerStep.toPrecision(2)} submits, ${s.jsMicrosecondsPerStep.toFixed(1)} µs of JS`,
      );
      if (s.profile) console.log(`\n${s.profile.text}`);
    },
    end: () => bar.stop(),
  };
}

/** Rows are labels, columns predictions; the share of each label that was predicted stands at the end. */
export function confusionTable(confusion: readonly (readonly number[])[]): string {
  const width = Math.max(4, ...confusion.flat().map((n) => String(n).length)) + 1;
  const cells = (row: readonly (number | string)[]) => row.map((n) => String(n || "·").padStart(width)).join("");
  const rows = confusion.map((row, label) => {
    const total = row.reduce((a, b) => a + b, 0);
    const share = total === 0 ? "" : `${((100 * (row[label] as number)) / total).toFixed(1)} %`;
    return `  label ${label}${cells(row)}${share.padStart(9)}`;
  });
  const head = `${"predicted".padStart(9)}${confusion.map((_, i) => String(i).padStart(width)).join("")}`;
  return [head, ...rows].join("\n");
}
