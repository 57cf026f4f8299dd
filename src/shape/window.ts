// Windows that slide over the two spatial axes of an NHWC image: convolution and pooling. Pairs are [height, width].
// Sizes are PyTorch's: out = ⌊(in + before + after − dilation·(kernel − 1) − 1)/stride⌋ + 1.
import { ShapeError, ValueError } from "./errors.ts";

/** Of [height, width]. */
export type Pair = readonly [number, number];

/** One number for all sides, [height, width], or [[top, bottom], [left, right]]. "valid" pads nothing; "same" gives
 *  ⌈in/stride⌉ windows, an odd cell of padding going to the end. */
export type Padding = number | Pair | readonly [Pair, Pair] | "same" | "valid";

export type Sides = readonly [Pair, Pair];

export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Sides;
  readonly dilation: Pair;
}

/** How a window moves over an image. */
export interface WindowOptions {
  /** Default: 1. */
  readonly stride?: number | Pair;
  /** Default: none ("valid"). */
  readonly padding?: Padding;
  /** Default: 1. */
  readonly dilation?: number | Pair;
}

/** Fills in the defaults (stride 1, no padding, dilation 1) and checks them; `size` is that of the image. */
export function resolveWindow(op: string, size: Pair, kernel: number | Pair, options: WindowOptions): Window {
  const k = pair(op, "kernel", kernel, 1);
  const stride = pair(op, "stride", options.stride ?? 1, 1);
  const dilation = pair(op, "dilation", options.dilation ?? 1, 1);
  const p = options.padding ?? 0;
  const side = (d: 0 | 1): Pair => {
    if (p === "valid") return [0, 0];
    if (p === "same") {
      const windows = Math.ceil(size[d] / stride[d]);
      const total = Math.max((windows - 1) * stride[d] + span(k[d], dilation[d]) - size[d], 0);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    }
    const given = typeof p === "number" ? p : p[d];
    return pair(op, "padding", given, 0);
  };
  return { kernel: k, stride, padding: [side(0), side(1)], dilation };
}

function pair(op: string, what: string, x: number | Pair, least: number): Pair {
  const [a, b] = typeof x === "number" ? [x, x] : x;
  if (![a, b].every((n) => Number.isInteger(n) && n >= least))
    throw new ValueError(`${op}: ${what} [${a},${b}] must hold integers ≥ ${least}; correct it`);
  return [a, b];
}

/** Cells from the first to the last tap. */
const span = (kernel: number, dilation: number) => dilation * (kernel - 1) + 1;

/** How many windows fit in each axis. With `ceil` the last may hang over the end, but never start beyond the image and the
 *  padding before it. */
export function windowCount(op: string, size: Pair, w: Window, ceil = false): Pair {
  const along = (d: 0 | 1): number => {
    const [before, after] = w.padding[d];
    const room = size[d] + before + after - span(w.kernel[d], w.dilation[d]);
    if (room < 0)
      throw new ShapeError(
        `${op}: the window is larger than the padded image (${span(w.kernel[d], w.dilation[d])} vs ${size[d] + before + after} in ${d === 0 ? "height" : "width"}); use a smaller kernel or more padding`,
      );
    if (!ceil) return Math.floor(room / w.stride[d]) + 1;
    const n = Math.ceil(room / w.stride[d]) + 1;
    return (n - 1) * w.stride[d] >= size[d] + before ? n - 1 : n;
  };
  return [along(0), along(1)];
}
