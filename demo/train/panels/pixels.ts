// Small pictures of numbers, drawn pixel by pixel and scaled up by the browser.
import { h } from "../../common/dom.ts";
import { type Rgb, rgb } from "../../common/theme.ts";

/** Pictures of one size side by side, `columns` to a row, one pixel apart. `shade` gives the colour of a value. */
export function drawPictures(
  canvas: HTMLCanvasElement,
  pictures: {
    readonly count: number;
    readonly height: number;
    readonly width: number;
    readonly data: ArrayLike<number>;
  },
  columns: number,
  shade: (value: number) => Rgb,
): void {
  const { count, height, width, data } = pictures;
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + 1) - 1;
  canvas.height = rows * (height + 1) - 1;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let k = 0; k < count; k++) {
    const [left, top] = [(k % columns) * (width + 1), Math.floor(k / columns) * (height + 1)];
    for (let i = 0; i < height * width; i++) {
      const at = 4 * ((top + Math.floor(i / width)) * canvas.width + left + (i % width));
      const [r, g, b] = shade(data[k * height * width + i] as number);
      image.data[at] = r;
      image.data[at + 1] = g;
      image.data[at + 2] = b;
      image.data[at + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
}

const mix = (from: Rgb, to: Rgb, t: number): Rgb => [
  from[0] + t * (to[0] - from[0]),
  from[1] + t * (to[1] - from[1]),
  from[2] + t * (to[2] - from[2]),
];

/** Negative values in one colour, positive in another, zero as the card; `limit` is full colour. */
export function diverging(limit: number): (value: number) => Rgb {
  const [card, positive, negative] = [rgb("sunk"), rgb("accent"), rgb("second")];
  return (v) => mix(card, v > 0 ? positive : negative, Math.min(1, Math.abs(v) / (limit || 1)));
}

/** 0 … 255, ink on the card. */
export function ink(): (value: number) => Rgb {
  const [card, text] = [rgb("sunk"), rgb("text")];
  return (v) => mix(card, text, v / 255);
}

export function largest(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i] as number));
  return most;
}

export const pictureCanvas = (label: string): HTMLCanvasElement =>
  h("canvas", { width: 28, height: 28, attr: { role: "img", "aria-label": label } });
