import { type ConvOptions, conv1d, convTranspose2d } from "../../src/compositions/window.ts";
import type { OpName } from "../../src/ops/index.ts";
import { f32 } from "../../src/shape/types.ts";
import { random, type Sample, sample } from "./sample.ts";

interface Case {
  readonly name: string;
  readonly x: readonly [number, number, number, number];
  /** [kh, kw, C/groups, K] */
  readonly w: readonly [number, number, number, number];
  /** [Ho, Wo] */
  readonly y: readonly [number, number];
  readonly options?: ConvOptions;
}

const cases: Case[] = [
  { name: "3×3", x: [2, 6, 7, 3], w: [3, 3, 3, 4], y: [4, 5] },
  { name: "1×1", x: [2, 3, 5, 4], w: [1, 1, 4, 3], y: [3, 5] },
  { name: "as large as the image", x: [3, 4, 3, 2], w: [4, 3, 2, 5], y: [1, 1] },
  { name: "same", x: [1, 5, 6, 2], w: [3, 2, 2, 3], y: [5, 6], options: { padding: "same" } },
  { name: "stride 2, padding 1", x: [2, 7, 8, 3], w: [3, 3, 3, 2], y: [4, 4], options: { stride: 2, padding: 1 } },
  {
    name: "all of it differs",
    x: [1, 9, 8, 2],
    w: [3, 2, 2, 3],
    y: [4, 3],
    options: {
      stride: [2, 3],
      padding: [
        [1, 2],
        [0, 1],
      ],
      dilation: [2, 1],
    },
  },
  { name: "two groups", x: [2, 5, 4, 4], w: [3, 3, 2, 6], y: [5, 4], options: { groups: 2, padding: 1 } },
  { name: "depthwise, stride 2", x: [1, 7, 5, 3], w: [3, 3, 1, 3], y: [3, 2], options: { groups: 3, stride: 2 } },
];

const size = (c: Case): [number, number] => [c.x[1], c.x[2]];
const kernel = (c: Case): [number, number] => [c.w[0], c.w[1]];
const output = (c: Case) => random(f32(c.x[0], ...c.y, c.w[3]), { seed: 3 });
const image = (c: Case) => random(f32(...c.x));
const filter = (c: Case) => random(f32(...c.w), { seed: 2 });

export const samples = {
  conv2d: cases.map((c) => sample(c.name, [image(c), filter(c)], (x, w) => x.conv2d(w, c.options))),
  conv2dInputGrad: cases.map((c) =>
    sample(c.name, [output(c), filter(c)], (dy, w) => dy.conv2dInputGrad(w, size(c), c.options)),
  ),
  conv2dFilterGrad: cases.map((c) =>
    sample(c.name, [image(c), output(c)], (x, dy) => x.conv2dFilterGrad(dy, kernel(c), c.options)),
  ),
} satisfies Partial<Record<OpName, readonly Sample[]>>;

export const compositions: readonly Sample[] = [
  sample("conv1d", [random(f32(2, 9, 3)), random(f32(3, 3, 4))], (x, w) => [
    conv1d(x, w),
    conv1d(x, w, { stride: 2, padding: "same" }),
    conv1d(x, w, { padding: [4, 0], dilation: 2 }),
  ]),
  sample("convTranspose2d", [random(f32(2, 3, 4, 3)), random(f32(3, 2, 4, 3))], (x, w) => [
    convTranspose2d(x, w),
    convTranspose2d(x, w, { stride: 2, padding: [1, 0], outputPadding: [1, 0] }),
    convTranspose2d(x, w, { stride: 3, padding: "same" }),
  ]),
];
