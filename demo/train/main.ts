// The Train page: set-up, run, charts; the panels of "See" are in panels/.

import { wantsCpu } from "../common/address.ts";
import { banner, catchErrors, errorBanner, noWebGpuBanner, removeBanner } from "../common/banner.ts";
import { byId, enable, h } from "../common/dom.ts";
import { onThemeChange } from "../common/theme.ts";
import { Form } from "./form.ts";
import { panelsOf, type Shown } from "./panels/panels.ts";
import { ProgressView } from "./progressView.ts";
import { Run, type State } from "./run.ts";

catchErrors();

const start = byId("start", HTMLButtonElement);
const step = byId("step", HTMLButtonElement);
const reset = byId("reset", HTMLButtonElement);
const form = new Form();
const view = new ProgressView();
let shown: Shown | undefined;

const run = new Run({
  state(state) {
    showState(state);
    if (state === "paused" || state === "finished") shown?.looks.changed();
  },
  ready(about) {
    view.ready(about);
    shown = panelsOf(run, form.setup, about, view);
  },
  progress(progress) {
    view.progress(progress);
    shown?.looks.changed();
  },
  reached: (step, lastStep) => view.reached(step, lastStep),
  lost: (message) =>
    void banner(
      { tone: "warning", title: "The GPU was lost, training resumes", key: "lost" },
      h(
        "p",
        {},
        `${message.replace(/; [^;]*$/, "")} The trainer asks for another device and computes again what was lost, to the bit.`,
      ),
    ),
  failed: (error) => errorBanner(error, "Training cannot go on"),
});

/** Another setup, or the same anew: everything begins at step 0. */
function prepare(): void {
  if (!form.check()) return;
  removeBanner("error");
  shown?.close();
  shown = undefined;
  view.reset(form.setup);
  void run.prepare(form.setup);
}

function showState(state: State): void {
  view.state(state);
  const active = state === "running" || state === "pausing" || state === "paused";
  form.enable(!active);
  enable(state !== "preparing" && state !== "pausing" && state !== "failed", start);
  start.textContent =
    { running: "Pause", paused: "Resume", pausing: "Pausing …", finished: "Train more" }[state as string] ?? "Start";
  enable(state === "ready" || state === "paused" || state === "finished", step);
  enable(state !== "preparing", reset);
}

/** Finds out where it trains; without WebGPU says so, and leaves only what the CPU can do. */
async function begin(): Promise<void> {
  const { kind, reason = "" } = await run.host.device(wantsCpu());
  if (kind === "cpu") form.onlySmall();
  if (kind === "cpu" && !wantsCpu()) noWebGpuBanner(reason);
  prepare();
}

onThemeChange(byId("panels", HTMLDivElement), () => shown?.looks.redraw());
form.onChange = prepare;
form.onSubmit = () => void (run.state === "running" ? run.pause() : run.start());
step.onclick = () => void (form.check() && run.step());
reset.onclick = prepare;
byId("lose", HTMLButtonElement).onclick = () => void run.host.loseDevice();
begin().catch((error) => run.fail(error));
