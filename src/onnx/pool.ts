// Pooling of [N, C, spatial…], of any rank and with dilation: the library's where it has it (one or two spatial axes, no
// dilation), else made of strided slices, axis by axis. Sizes are PyTorch's.

import { UnsupportedError } from "../shape/errors.ts";
import { iota, type Tensor } from "../tensor.ts";
import { channelsFirst, channelsLast } from "./layout.ts";

export interface Pooling {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** [before, after] of each spatial axis. */
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
}

export const maxPool = (x: Tensor, p: Pooling): Tensor =>
  isPlain(x, p) ? planar(x, p, (y, q) => y.maxPool2d(q.kernel, q)) : eachAxis(x, p, maxAlong);

export const avgPool = (x: Tensor, p: Pooling): Tensor =>
  isPlain(x, p) ? planar(x, p, (y, q) => y.avgPool2d(q.kernel, q)) : eachAxis(x, p, averageAlong);

/** The library has it. */
export const isPlain = (x: Tensor, p: Pooling): boolean => x.rank <= 4 && p.dilation.every((d) => d === 1);

type Pair = readonly [number, number];

interface PlanarOptions {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: readonly [Pair, Pair];
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
}

/** Pools a signal [N, C, L] as an image of height 1. */
function planar(x: Tensor, p: Pooling, pool: (image: Tensor, p: PlanarOptions) => Tensor): Tensor {
  if (x.rank < 3) throw new UnsupportedError(`pooling of rank ${x.rank}`);
  const signal = x.rank === 3;
  const two = <T>(list: readonly T[], one: T) => (signal ? [one, list[0]] : [list[0], list[1]]) as [T, T];
  const y = pool(channelsLast(signal ? x.unsqueeze(2) : x), {
    kernel: two(p.kernel, 1),
    stride: two(p.stride, 1),
    padding: two<Pair>(p.padding, [0, 0]),
    ceilMode: p.ceilMode,
    countIncludePad: p.countIncludePad,
  });
  return signal ? channelsFirst(y).squeeze(2) : channelsFirst(y);
}

/** Where the windows of one axis lie. */
interface Along {
  readonly axis: number;
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
  readonly dilation: number;
  /** How many there are. */
  readonly count: number;
  readonly countIncludePad: boolean;
}

function eachAxis(x: Tensor, p: Pooling, pool: (x: Tensor, along: Along) => Tensor): Tensor {
  return p.kernel.reduce((y, kernel, d) => {
    const [before, after] = p.padding[d]!;
    const [stride, dilation, size] = [p.stride[d]!, p.dilation[d]!, x.shape[d + 2]!];
    const room = size + before + after - dilation * (kernel - 1) - 1;
    let count = (p.ceilMode ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
    if ((count - 1) * stride >= size + before) count--; // a window never starts in the padding after
    const { countIncludePad } = p;
    return pool(y, { axis: d + 2, size, kernel, stride, before, after, dilation, count, countIncludePad });
  }, x);
}

/** The values of every window, one tensor a tap. */
function taps(x: Tensor, a: Along, fill: number): Tensor[] {
  const reach = (a.count - 1) * a.stride + a.dilation * (a.kernel - 1) + 1;
  const only = (n: number, otherwise: number[]) => otherwise.map((v, d) => (d === a.axis ? n : v));
  const none = x.shape.map(() => 0);
  const padded = x.pad(only(a.before, none), only(Math.max(reach - a.size - a.before, 0), none), fill);
  return Array.from({ length: a.kernel }, (_, k) => {
    const start = k * a.dilation;
    return padded.slice(
      only(start, none),
      only(start + (a.count - 1) * a.stride + 1, [...padded.shape]),
      only(
        a.stride,
        none.map(() => 1),
      ),
    );
  });
}

const lowest = -3.4028234663852886e38;

const maxAlong = (x: Tensor, a: Along): Tensor => taps(x, a, lowest).reduce((y, t) => y.maximum(t));

function averageAlong(x: Tensor, a: Along): Tensor {
  const [from, to] = a.countIncludePad ? [-a.before, a.size + a.after] : [0, a.size];
  const shape = x.shape.map((_, d) => (d === a.axis ? a.count : 1));
  const starts = iota({ dtype: "i32", shape }, a.axis).mul(a.stride).sub(a.before);
  /** How many cells of each window lie before a place. */
  const cellsBefore = (place: number) =>
    starts
      .neg()
      .add(place)
      .maximum(0)
      .add(a.dilation - 1)
      .div(a.dilation)
      .minimum(a.kernel);
  const counts = cellsBefore(to).sub(cellsBefore(from)).cast("f32");
  return taps(x, a, 0)
    .reduce((y, t) => y.add(t))
    .div(counts);
}
