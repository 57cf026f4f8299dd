// Draw a digit: the model says what it takes it for, while one draws and while it learns.
import { h } from "../../common/dom.ts";
import { percent } from "../../common/format.ts";
import { color, onThemeChange } from "../../common/theme.ts";
import type { Run } from "../run.ts";
import { toDigit } from "./digit.ts";
import { attempt, card, type Panel } from "./panel.ts";
import { largest } from "./pixels.ts";

const side = 200; // css pixels, and those of the canvas
const pen = 17;
const invitation = "Draw a digit from 0 to 9.";

export interface DrawPanel extends Panel {
  /** The digit as the model sees it, or null while nothing is drawn. */
  readonly digit: Uint8Array | null;
  onDraw(f: () => void): void;
}

/** `example` gives the pixels of some image of the test set, `learned` whether the model has been trained at all. */
export function drawPanel(run: Run, example: () => Promise<Uint8Array>, learned: () => boolean): DrawPanel {
  const pad = h("canvas", {
    ...{ width: side, height: side, className: "pad", id: "pad" },
    attr: { role: "img", "aria-label": "Draw a digit here with mouse, pen or finger" },
  });
  const context = pad.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  const verdict = h("p", { className: "row", id: "verdict", attr: { role: "status" } }, invitation);
  const rows = Array.from({ length: 10 }, (_, k) => {
    const fill = h("div", { className: "fill" });
    const value = h("span", { className: "value" }, "–");
    return { fill, value, row: h("li", {}, h("b", {}, k), h("div", { className: "track" }, fill), value) };
  });
  const listeners: (() => void)[] = [];
  let digit: Uint8Array | null = null;
  let waiting = false;
  let asked = false;

  /** Asks the model about the latest drawing; one question at a time. */
  const recognise = async () => {
    if (waiting) {
      asked = true;
      return;
    }
    waiting = true;
    try {
      do {
        asked = false;
        if (digit) show(await run.host.recognise(digit));
      } while (asked);
    } finally {
      waiting = false;
    }
  };

  const show = (probabilities: readonly number[] | null) => {
    rows.forEach(({ fill, value }, k) => {
      const p = probabilities?.[k];
      fill.style.transform = `scaleX(${p ?? 0})`;
      value.textContent = p === undefined ? "–" : percent(p);
    });
    const best = probabilities?.indexOf(Math.max(...probabilities));
    const text =
      best === undefined ? invitation : learned() ? `It looks like a ${best}.` : `Not trained yet, it guesses ${best}.`;
    if (verdict.textContent !== text) verdict.textContent = text; // else it would be read out time and again
  };

  const drawn = () => {
    const pixels = toDigit(pad);
    digit = largest(pixels) > 0 ? pixels : null;
    if (digit) attempt(run, pad, recognise());
    else show(null);
    for (const f of listeners) f();
  };

  const clear = () => {
    context.clearRect(0, 0, side, side);
    drawn();
  };

  const takeExample = async () => {
    const pixels = await example();
    const image = new ImageData(28, 28);
    const [r, g, b] = inkColor();
    for (const [i, v] of pixels.entries()) image.data.set([r, g, b, v], 4 * i);
    context.clearRect(0, 0, side, side);
    context.imageSmoothingQuality = "high";
    context.drawImage(await createImageBitmap(image), 0, 0, side, side);
    digit = pixels;
    attempt(run, pad, recognise());
    for (const f of listeners) f();
  };

  const inkColor = (): [number, number, number] => {
    context.fillStyle = color("text");
    const hex = context.fillStyle as string;
    return [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)) as [number, number, number];
  };

  const at = ({ clientX, clientY }: PointerEvent): [number, number] => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    return [((clientX - left) * side) / width, ((clientY - top) * side) / height];
  };
  let last: [number, number] | null = null;
  const stroke = (event: PointerEvent) => {
    if (!last) return;
    Object.assign(context, { lineWidth: pen, lineCap: "round", lineJoin: "round", strokeStyle: color("text") });
    context.beginPath();
    context.moveTo(...last);
    for (const each of event.getCoalescedEvents?.() ?? [event]) context.lineTo(...at(each));
    last = at(event);
    context.lineTo(...last);
    context.stroke();
    drawn();
  };
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    last = at(event);
    stroke(event);
  });
  pad.addEventListener("pointermove", stroke);
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => (last = null));
  onThemeChange(pad, () => {
    context.globalCompositeOperation = "source-in"; // the same strokes in the new colour
    context.fillStyle = color("text");
    context.fillRect(0, 0, side, side);
    context.globalCompositeOperation = "source-over";
  });

  const buttons = h(
    "p",
    { className: "row" },
    h("button", { type: "button", id: "clear", onclick: clear }, "Clear"),
    h("button", { type: "button", onclick: () => attempt(run, pad, takeExample()) }, "Take a test digit"),
  );
  const bars = h(
    "ul",
    { className: "bars", attr: { "aria-label": "Probability of each digit" } },
    rows.map(({ row }) => row),
  );
  const element = card(
    "Draw a digit",
    "It is centred and scaled as the training images are.",
    h("div", { className: "drawing" }, h("div", {}, pad), bars),
    verdict,
    buttons,
  );
  return {
    element,
    refresh: recognise,
    get digit() {
      return digit;
    },
    onDraw: (f) => void listeners.push(f),
  };
}
