// The decision boundary of the ten points, drawn in the worker on the trainer's own device.
import { transfer } from "comlink";
import { h } from "../../common/dom.ts";
import { onThemeChange, type Rgb, rgb } from "../../common/theme.ts";
import type { Run } from "../run.ts";
import type { Palette } from "../worker/boundary.ts";
import type { About } from "../worker/worker.ts";
import { attempt, card, type Panel } from "./panel.ts";

const side = 640; // device pixels

const how: Readonly<Record<About["kind"], string>> = {
  gpu: "drawn by a render pipeline that reads the weights where they are trained",
  cpu: "computed for the cells of a grid",
};

export function boundaryPanel(run: Run, kind: About["kind"]): Panel {
  const canvas = h("canvas", {
    ...{ width: side, height: side, className: "boundary" },
    attr: {
      role: "img",
      "aria-label": "The square of the ten points: the net's two classes as colours, the boundary as a line",
    },
  });
  const element = card(
    "Decision boundary",
    `Five points of each class. The colour is what the net says of every place, ${how[kind]}.`,
    canvas,
  );
  const unit = ([r, g, b]: Rgb): Rgb => [r / 255, g / 255, b / 255];
  const palette = (): Palette => ({ first: unit(rgb("accent")), second: unit(rgb("second")), card: unit(rgb("card")) });
  let given = false;
  const refresh = async () => {
    if (given) return run.host.redraw(palette());
    given = true;
    const offscreen = canvas.transferControlToOffscreen();
    await run.host.showBoundary(transfer(offscreen, [offscreen]), palette());
  };
  onThemeChange(canvas, () => attempt(run, canvas, refresh()));
  return { element, refresh };
}
