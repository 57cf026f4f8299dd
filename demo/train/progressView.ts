// Where the run stands: status, progress bar, numbers, and the charts of loss and accuracy.
import type { Progress } from "wgrad/train";
import { type Chart, chart } from "../common/chart.ts";
import { atFrame, byId, h } from "../common/dom.ts";
import { bytes, count, duration, number, percent } from "../common/format.ts";
import { Curve } from "./curve.ts";
import type { State } from "./run.ts";
import { type Setup, type Task, tasks } from "./tasks.ts";
import type { About } from "./worker/worker.ts";

const statNames = ["Loss", "Accuracy", "Test accuracy", "Speed", "Epoch", "Time left"] as const;
type StatName = (typeof statNames)[number];

const lossTitles: Readonly<Record<Task["kind"], string>> = {
  ...{ images: "Loss", text: "Loss, nats a character", adding: "Loss, of both nets together", points: "Loss" },
};

/** A name that may break before its capitals. */
const breakable = (name: string) => name.split(/(?=[A-Z])/).flatMap((part) => [part, h("wbr", {})]);

export class ProgressView {
  /** Steps done. */
  step = 0;
  readonly #status = byId("status", HTMLSpanElement);
  readonly #bar = byId("progress", HTMLProgressElement);
  readonly #stats = new Map<StatName, { readonly row: HTMLElement; readonly value: HTMLElement }>();
  #task: Task = tasks["mnist-cnn"];
  #about: About | undefined;
  #loss = new Curve();
  #accuracy = new Curve();
  #tested: { readonly step: number; readonly accuracy: number }[] = [];
  #lossChart: Chart | undefined;
  #accuracyChart: Chart | undefined;
  readonly #drawLoss = atFrame(() => this.#showLoss());
  readonly #drawAccuracy = atFrame(() => this.#showAccuracy());

  constructor() {
    const list = byId("stats", HTMLDListElement);
    for (const name of statNames) {
      const value = h("dd", { data: { stat: name } }, "–");
      const row = h("div", {}, h("dt", {}, name), value);
      this.#stats.set(name, { row, value });
      list.append(row);
    }
  }

  /** Begins anew. */
  reset(setup: Setup): void {
    this.#task = tasks[setup.task];
    this.step = 0;
    this.#loss = new Curve();
    this.#accuracy = new Curve();
    this.#tested = [];
    this.#bar.value = 0;
    for (const { value } of this.#stats.values()) value.textContent = "–";
    const images = this.#task.kind === "images";
    for (const name of ["Accuracy", "Test accuracy"] as const) this.#stats.get(name)!.row.hidden = !images;
    this.#stats.get("Epoch")!.row.hidden = this.#task.kind === "points";
    this.#lossChart = chart({
      title: lossTitles[this.#task.kind],
      x: "step",
      logY: this.#logarithmic,
      lines: [
        { label: "raw", color: "accent", faint: true },
        { label: "smoothed", color: "accent" },
      ],
    });
    this.#accuracyChart = images
      ? chart({
          title: "Accuracy",
          x: "step",
          range: [0, 1],
          formatY: (y) => `${Math.round(100 * y)} %`,
          lines: [
            { label: "training, raw", color: "accent", faint: true, format: percent },
            { label: "smoothed", color: "accent", format: percent },
            { label: "test", color: "second", points: true, format: percent },
          ],
        })
      : undefined;
    const charts = [this.#lossChart, this.#accuracyChart].flatMap((c) => (c ? [c.element] : []));
    byId("charts", HTMLDivElement).replaceChildren(...charts);
  }

  ready(about: About): void {
    this.#about = about;
    const kind = about.kind === "gpu" && about.software ? "software" : about.kind;
    byId("where", HTMLSpanElement).textContent = {
      ...{ cpu: "on the CPU", software: "on WebGPU in software", gpu: "on your GPU" },
    }[kind];
    byId("adapter", HTMLSpanElement).textContent = about.adapter + (kind === "software" ? ", in software" : "");
    const facts: [string, string][] = [
      ["adapter", about.adapter],
      ["runs on", { cpu: "the CPU reference", software: "the CPU, as WebGPU in software", gpu: "a GPU" }[kind]],
      ["examples", count(about.examples)],
      ["parameters", count(about.parameters)],
      ["dispatches a step", about.dispatches ? count(about.dispatches) : "none: the reference"],
      ["batches an epoch", count(about.stepsPerEpoch)],
      ...Object.entries(about.limits).map(([name, v]): [string, string] => [
        name,
        /Size$/.test(name) ? bytes(v) : count(v),
      ]),
      ["features", about.features.join(", ") || "none"],
    ];
    byId("device", HTMLDListElement).replaceChildren(
      ...facts.flatMap(([name, value]) => [h("dt", {}, breakable(name)), h("dd", {}, value)]),
    );
    byId("lose", HTMLButtonElement).disabled = about.kind === "cpu";
  }

  progress({ step, lastStep, losses, accuracy, loss, examplesPerSecond, secondsLeft }: Progress): void {
    for (const [i, value] of losses.entries()) this.#loss.add(step - losses.length + i + 1, value);
    if (accuracy !== undefined) this.#accuracy.add(step, accuracy);
    this.reached(step, lastStep);
    this.#set("Loss", number(loss));
    if (accuracy !== undefined) this.#set("Accuracy", percent(accuracy));
    this.#set("Speed", number(examplesPerSecond), `${this.#task.unit}/s`);
    this.#set("Time left", duration(secondsLeft));
    this.#drawLoss();
    this.#drawAccuracy();
  }

  /** So many steps are done, of so many. */
  reached(step: number, lastStep: number): void {
    this.step = step;
    this.#bar.value = Math.min(1, step / lastStep);
    this.#set("Epoch", (step / (this.#about?.stepsPerEpoch ?? 1)).toFixed(2));
  }

  /** The accuracy on test images after so many steps, which may be more than were reported. */
  tested({ step, accuracy }: { readonly step: number; readonly accuracy: number }): void {
    while ((this.#tested.at(-1)?.step ?? -1) >= step) this.#tested.pop(); // what a lost device had done is done again
    this.#tested.push({ step, accuracy });
    this.#set("Test accuracy", percent(accuracy));
    this.#drawAccuracy();
  }

  state(state: State): void {
    const texts: Record<State, string> = {
      preparing: this.#task.kind === "images" ? "Loading the images, compiling the step …" : "Compiling the step …",
      ready: this.step ? `Ready, at step ${count(this.step)}` : "Ready",
      running: "Training",
      pausing: "Pausing …",
      paused: `Paused at step ${count(this.step)}`,
      finished: `Done: ${count(this.step)} steps`,
      failed: "Stopped",
    };
    this.#status.textContent = texts[state];
    this.#status.dataset.state = state;
    if (state === "finished") this.#set("Time left", "–");
  }

  /** Whether the loss falls through powers of ten. */
  get #logarithmic(): boolean {
    return this.#task.kind === "points" || this.#task.kind === "adding";
  }

  #set(name: StatName, text: string, unit = ""): void {
    this.#stats.get(name)!.value.replaceChildren(text, ...(unit ? [" ", h("small", {}, unit)] : []));
  }

  #showLoss(): void {
    const { x, raw } = this.#loss;
    const smooth = this.#loss.smooth(this.#logarithmic);
    this.#lossChart?.set([x, raw, smooth]);
    this.#lossChart?.describe(`Loss ${number(smooth.at(-1) ?? Number.NaN)} at step ${this.step}`);
  }

  #showAccuracy(): void {
    if (!this.#accuracyChart) return;
    const training = this.#accuracy;
    const steps = [...new Set([...training.x, ...this.#tested.map(({ step }) => step)])].sort((a, b) => a - b);
    const place = (xs: readonly number[], ys: readonly number[]) => {
      const at = new Map(xs.map((x, i) => [x, ys[i] as number]));
      return steps.map((step) => at.get(step) ?? null);
    };
    const test = place(this.#tested.map((t) => t.step), this.#tested.map((t) => t.accuracy)); // biome-ignore format: one line
    this.#accuracyChart.set([steps, place(training.x, training.raw), place(training.x, training.smooth()), test]);
    this.#accuracyChart.describe(`Test accuracy ${percent(this.#tested.at(-1)?.accuracy ?? Number.NaN)}`);
  }
}
