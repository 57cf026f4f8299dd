// A drawing as MNIST would have it: scaled into a box of 20×20 pixels, its centre of mass at the centre of 28×28.

const [size, box] = [28, 20];

/** The grey levels of a drawing whose ink is opaque on a transparent ground; all 0 if there is none. */
export function toDigit(drawing: HTMLCanvasElement): Uint8Array {
  const source = pixelsOf(drawing);
  const { left, top, right, bottom } = bounds(source);
  const digit = new Uint8Array(size * size);
  if (right < left) return digit;
  const [width, height] = [right - left + 1, bottom - top + 1];
  const scale = box / Math.max(width, height);
  const centre = centreOfMass(source);
  const canvas = new OffscreenCanvas(size, size);
  const context = canvas.getContext("2d", { willReadFrequently: true }) as OffscreenCanvasRenderingContext2D;
  context.imageSmoothingQuality = "high";
  // keeps all of it in the picture where the mass lies far off the middle of the box
  const place = (offset: number, extent: number) => Math.min(Math.max(offset, 0), size - extent);
  const x = place(size / 2 - (centre.x - left) * scale, width * scale);
  const y = place(size / 2 - (centre.y - top) * scale, height * scale);
  context.drawImage(drawing, left, top, width, height, x, y, width * scale, height * scale);
  const { data } = context.getImageData(0, 0, size, size);
  return digit.map((_, i) => data[4 * i + 3] as number);
}

interface Alpha {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

const pixelsOf = (canvas: HTMLCanvasElement): Alpha =>
  (canvas.getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, canvas.width, canvas.height);

/** Calls `f` at each pixel that has ink. */
function eachInk({ width, height, data }: Alpha, f: (x: number, y: number, alpha: number) => void): void {
  for (let i = 0; i < width * height; i++) {
    const alpha = data[4 * i + 3] as number;
    if (alpha > 0) f(i % width, Math.floor(i / width), alpha);
  }
}

function bounds(source: Alpha) {
  let [left, top, right, bottom] = [source.width, source.height, -1, -1];
  eachInk(source, (x, y) => {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  });
  return { left, top, right, bottom };
}

function centreOfMass(source: Alpha) {
  let [mass, x, y] = [0, 0, 0];
  eachInk(source, (px, py, alpha) => {
    mass += alpha;
    x += alpha * (px + 0.5);
    y += alpha * (py + 0.5);
  });
  return { x: x / mass, y: y / mass };
}
