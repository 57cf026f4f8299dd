// The panels that fit a task.
import { byId } from "../../common/dom.ts";
import type { ProgressView } from "../progressView.ts";
import type { Run } from "../run.ts";
import { type Setup, tasks } from "../tasks.ts";
import type { About } from "../worker/worker.ts";
import { activationPanel } from "./activations.ts";
import { boundaryPanel } from "./boundary.ts";
import { drawPanel } from "./draw.ts";
import { errorPanel } from "./errors.ts";
import { flowPanel } from "./flow.ts";
import { attempt, Looks, type Panel } from "./panel.ts";
import { reviewPanels } from "./review.ts";
import { spreadPanel } from "./spreads.ts";
import { writingPanel } from "./writing.ts";

export interface Shown {
  readonly looks: Looks;
  close(): void;
}

/** Test images that are looked at: as many as a device does in a moment, and in the end all that a GPU can. */
const testImages = ({ state }: Run, { kind, software }: About): number =>
  kind === "cpu" ? 100 : software ? 500 : state === "finished" ? 10_000 : 2000;

export function panelsOf(run: Run, setup: Setup, about: About, view: ProgressView): Shown {
  const { kind } = tasks[setup.task];
  const flow = setup.task === "mnist-lstm" || kind === "adding" ? [flowPanel(run, setup)] : [];
  const charts = kind === "adding" ? [errorPanel(run)] : [];
  const panels: Panel[] = [...kinds[kind](run, about, view), ...flow, spreadPanel(run)];
  byId("charts", HTMLDivElement).append(...charts.map(({ element }) => element));
  byId("panels", HTMLDivElement).replaceChildren(...panels.map(({ element }) => element));
  const looks = new Looks(run, [...charts, ...panels]);
  return {
    looks,
    close() {
      looks.close();
      for (const { close } of flow) close();
    },
  };
}

const kinds = {
  images(run: Run, about: About, view: ProgressView): Panel[] {
    let next = 0;
    const example = () => run.host.example(next++);
    let first: Promise<Uint8Array> | undefined;
    const draw = drawPanel(run, example, () => view.step > 0);
    const image = async () => draw.digit ?? (first ??= run.host.example(0));
    const activations = activationPanel(run, image);
    draw.onDraw(() => attempt(run, activations.element, activations.refresh()));
    const review = reviewPanels(run, () => testImages(run, about), (tested) => view.tested(tested)); // biome-ignore format: one line
    return [draw, ...review, activations];
  },
  text: (run: Run): Panel[] => [writingPanel(run)],
  adding: (): Panel[] => [],
  points(run: Run, { kind }: About): Panel[] {
    const boundary = boundaryPanel(run, kind);
    attempt(run, boundary.element, boundary.refresh()); // the net as it begins
    return [boundary];
  },
};
