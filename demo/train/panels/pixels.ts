// Small pictures of numbers, drawn pixel by pixel and scaled up by the browser.
import { h } from "../../common/dom.ts";
import { type Rgb, rgb } from "../../common/theme.ts";

/** The colour of a value, as a pixel of an ImageData: four bytes, red first. */
export type Shade = (value: number) => number;

/** Pictures of one size side by side, `columns` to a row, one pixel apart. */
export function drawPictures(
  canvas: HTMLCanvasElement,
  pictures: {
    readonly count: number;
    readonly height: number;
    readonly width: number;
    readonly data: ArrayLike<number>;
  },
  columns: number,
  shade: Shade,
): void {
  const { count, height, width, data } = pictures;
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + 1) - 1;
  canvas.height = rows * (height + 1) - 1;
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let k = 0; k < count; k++) {
    const [left, top] = [(k % columns) * (width + 1), Math.floor(k / columns) * (height + 1)];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        pixels[(top + y) * image.width + left + x] = shade(data[(k * height + y) * width + x] as number);
  }
  context.putImageData(image, 0, 0);
}

const levels = 256;

/** From one colour to another, in so many levels. */
function ramp(from: Rgb, to: Rgb): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * levels);
  for (let i = 0; i < levels; i++)
    bytes.set([...from.map((v, c) => v + (i / (levels - 1)) * (to[c]! - v)), 255], 4 * i);
  return new Uint32Array(bytes.buffer);
}

/** Negative values in one colour, positive in another, zero as the card; `limit` is full colour. */
export function diverging(limit: number): Shade {
  const [positive, negative] = [ramp(rgb("sunk"), rgb("accent")), ramp(rgb("sunk"), rgb("second"))];
  const scale = (levels - 1) / (limit || 1);
  return (v) => (v > 0 ? positive : negative)[Math.min(levels - 1, Math.round(Math.abs(v) * scale))] as number;
}

/** 0 … 255, ink on the card. */
export function ink(): Shade {
  const shades = ramp(rgb("sunk"), rgb("text"));
  return (v) => shades[v] as number;
}

export function largest(data: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < data.length; i++) most = Math.max(most, Math.abs(data[i] as number));
  return most;
}

export const pictureCanvas = (label: string): HTMLCanvasElement =>
  h("canvas", { width: 28, height: 28, attr: { role: "img", "aria-label": label } });
