// The start page: a small net learns while one reads. It is trained by the worker of the Train page; the picture is drawn here, from its
// 23 weights, at every report.

import { wantsCpu } from "./common/address.ts";
import { catchErrors, errorBanner, noWebGpuBanner } from "./common/banner.ts";
import { atFrame, byId, enable } from "./common/dom.ts";
import { count, duration } from "./common/format.ts";
import { onThemeChange, type Rgb, rgb } from "./common/theme.ts";
import { drawPoints } from "./train/points.ts";
import { Run } from "./train/run.ts";
import { type Setup, tasks } from "./train/tasks.ts";

catchErrors();

const canvas = byId("live", HTMLCanvasElement);
const status = byId("live-status", HTMLSpanElement);
const again = byId("again", HTMLButtonElement);
const { batch, optimizer, learningRate, length } = tasks.netbp;
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
let seed = 1;
let params: Layers | undefined;
let where = "";
let started = 0;

interface Values {
  readonly data: ArrayLike<number>;
}
type Layers = Readonly<Record<string, { readonly weight: Values; readonly bias: Values }>>;

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** What the net says of a place: above 0 for the first class. */
function verdict(layers: Layers, x: number, y: number): number {
  let a = [x, y];
  for (const { weight, bias } of Object.values(layers)) {
    const units = bias.data.length;
    a = Array.from({ length: units }, (_, j) =>
      sigmoid(a.reduce((z, v, i) => z + v * (weight.data[i * units + j] as number), bias.data[j] as number)),
    );
  }
  return (a[0] as number) - (a[1] as number);
}

const cells = 90;

function draw(): void {
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { width } = canvas;
  const [card, first, second] = [rgb("card"), rgb("accent"), rgb("second")];
  if (params) {
    const image = new ImageData(cells, cells);
    for (let k = 0; k < cells * cells; k++) {
      const v = verdict(params, ((k % cells) + 0.5) / cells, 1 - (Math.floor(k / cells) + 0.5) / cells);
      const share = 0.08 + 0.4 * Math.abs(v);
      const hue = v > 0 ? first : second;
      image.data.set([...card.map((c, i) => c + share * ((hue[i] as number) - c)), 255], 4 * k);
    }
    const small = new OffscreenCanvas(cells, cells);
    (small.getContext("2d") as OffscreenCanvasRenderingContext2D).putImageData(image, 0, 0);
    context.imageSmoothingQuality = "high";
    context.drawImage(small, 0, 0, width, width);
  } else context.clearRect(0, 0, width, width);
  const css = (c: Rgb) => `rgb(${c.join(" ")})`;
  drawPoints(context, width, [css(first), css(second)]);
}
const drawSoon = atFrame(draw);

async function look(): Promise<void> {
  params = (await run.host.params()) as unknown as Layers;
  drawSoon();
}

const run = new Run({
  state(state) {
    enable(state === "finished", again);
    status.ariaLive = state === "finished" ? "polite" : "off"; // not every step is read out
    if (state === "ready") {
      started = performance.now();
      void run.start();
    }
    if (state !== "finished") return;
    void look();
    status.textContent = `Trained just now: ${count(length)} steps in ${duration((performance.now() - started) / 1000)}, on ${where}`;
  },
  ready: ({ adapter }) => {
    where = adapter;
  },
  progress({ step, lastStep }) {
    status.textContent = `Step ${count(step)} of ${count(lastStep)}, on ${where}`;
    if (!still) look().catch(() => {}); // the last look, at the end, says what is wrong
  },
  reached: () => {},
  lost: () => {},
  failed: (error) => errorBanner(error),
});

function train(): void {
  const setup: Setup = {
    task: "netbp",
    batch,
    optimizer,
    learningRate,
    length,
    images: 0,
    seed: seed++,
    cpu: wantsCpu(),
  };
  void run.prepare(setup);
}

/** Says it where there is no WebGPU. */
async function begin(): Promise<void> {
  const { kind, reason = "" } = await run.host.device(wantsCpu());
  if (kind === "cpu" && !wantsCpu()) noWebGpuBanner(reason);
  train();
}

again.onclick = train;
onThemeChange(canvas, draw);
draw();
begin().catch(errorBanner);
