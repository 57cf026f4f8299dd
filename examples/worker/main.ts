// The page: it leads a trainer in a worker by name, as if it were here, and shows what it reports.
import type { NdArray, Progress } from "wgrad";
import { connectTrainer } from "wgrad/worker";
import { byId, expose, start } from "../common/page.ts";
import type { Host } from "./trainer.worker.ts";

const buttons = { start: byId("start"), pause: byId("pause"), step: byId("step"), stop: byId("stop") } as Record<
  "start" | "pause" | "step" | "stop",
  HTMLButtonElement
>;
const say = (text: string) => {
  byId("status").textContent = text;
};
const losses: number[] = [];

start(async () => {
  measurePace();
  const worker = new Worker(new URL("./trainer.worker.ts", import.meta.url), { type: "module" });
  const trainer = connectTrainer<Host>(worker);
  const info = await trainer.create({ dataUrl: new URL("/data/mnist", location.href).href, learningRate: 3e-3 });
  expose({ trainer, info, losses });

  async function show(progress: Progress): Promise<void> {
    losses.push(...progress.losses);
    drawLosses();
    const { step, lastStep, loss, accuracy = 0, examplesPerSecond } = progress;
    byId("loss").textContent = loss.toFixed(3);
    byId("progress").textContent =
      `step ${step} of ${lastStep} · ${(100 * accuracy).toFixed(1)} % right · ${Math.round(examplesPerSecond)} images/s`;
    const { conv0 } = (await trainer.params()) as Record<"conv0", Record<"weight", NdArray>>;
    drawFilters(conv0.weight);
  }

  const enable = (...names: (keyof typeof buttons)[]) => {
    for (const [name, button] of Object.entries(buttons)) button.disabled = !names.includes(name as "start");
  };
  const ready = (text: string) => {
    buttons.start.textContent = "Start";
    enable("start", "step");
    say(text);
  };

  let running = false;
  buttons.start.onclick = async () => {
    enable("pause", "stop");
    say(`Training on ${info.adapter}.`);
    if (running) return trainer.resume();
    running = true;
    const { ended } = await trainer.start({ epochs: 3 }, show);
    running = false;
    const { accuracy = 0, examples } = await trainer.evaluate();
    ready(
      `${ended === "finished" ? "Done" : "Stopped"}: ${(100 * accuracy).toFixed(2)} % of ${examples} unseen digits are right.`,
    );
  };
  buttons.pause.onclick = async () => {
    await trainer.pause();
    if (!running) return;
    buttons.start.textContent = "Go on";
    enable("start", "step", "stop");
    say("Paused.");
  };
  buttons.step.onclick = async () => show(await trainer.step());
  buttons.stop.onclick = () => trainer.stop();
  ready(`Ready on ${info.adapter}: ${info.stepsPerEpoch} steps of ${info.batchSize} images an epoch.`);
});

/** The curve of all losses so far. */
function drawLosses(): void {
  const canvas = byId<HTMLCanvasElement>("losses");
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.strokeStyle = "#8fb0ff";
  context.lineWidth = 2;
  context.beginPath();
  const most = Math.max(...losses.slice(0, 5), 0.1);
  losses.forEach((loss, i) => {
    context.lineTo((i / Math.max(1, losses.length - 1)) * width, height - Math.min(1, loss / most) * (height - 4) - 2);
  });
  context.stroke();
}

/** Each filter of `weight` f32[k, k, 1, filters] as a small picture: blue below zero, orange above. */
function drawFilters({ data, shape }: NdArray): void {
  const [k, , , filters] = shape as [number, number, number, number];
  const box = byId("filters");
  const most = Math.max(...Array.from(data, Math.abs));
  for (let f = 0; f < filters; f++) {
    const canvas = (box.children[f] ?? box.appendChild(document.createElement("canvas"))) as HTMLCanvasElement;
    canvas.width = canvas.height = k;
    const image = new ImageData(k, k);
    for (let i = 0; i < k * k; i++) {
      const w = (data[i * filters + f] as number) / most;
      const [r, g, b] = w > 0 ? [245, 169, 107] : [107, 150, 255];
      image.data.set(
        [r, g, b].map((c) => 20 + (c - 20) * Math.abs(w)),
        4 * i,
      );
      image.data[4 * i + 3] = 255;
    }
    canvas.getContext("2d")?.putImageData(image, 0, 0);
  }
}

/** Shows how long frames of the page take. */
function measurePace(): void {
  let last = performance.now();
  let shown = last;
  let longest = 0;
  const tick = (now: number) => {
    longest = Math.max(longest, now - last);
    last = now;
    if (now - shown > 1000) {
      byId("pace").textContent = `${longest.toFixed(0)} ms`;
      shown = now;
      longest = 0;
    }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}
