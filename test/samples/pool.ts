import { vjp } from "../../src/autodiff/backward.ts";
import type { AvgPoolOptions, PoolOptions } from "../../src/compositions/window.ts";
import type { OpName } from "../../src/ops/index.ts";
import { f32, type TensorType } from "../../src/shape/types.ts";
import type { Pair } from "../../src/shape/window.ts";
import { distinct, given, random, type Sample, sample } from "./sample.ts";

interface Case {
  readonly name: string;
  readonly x: TensorType;
  readonly y: TensorType;
  readonly kernel: number | Pair;
  readonly options?: PoolOptions;
}

const cases: Case[] = [
  { name: "2×2", x: f32(2, 4, 6, 3), y: f32(2, 2, 3, 3), kernel: 2 },
  { name: "2×2 of odd sizes", x: f32(1, 7, 5, 2), y: f32(1, 3, 2, 2), kernel: 2 },
  { name: "ceil", x: f32(2, 7, 5, 2), y: f32(2, 4, 3, 2), kernel: 2, options: { ceilMode: true } },
  { name: "overlapping", x: f32(1, 7, 9, 2), y: f32(1, 3, 4, 2), kernel: 3, options: { stride: 2 } },
  { name: "gaps", x: f32(1, 8, 7, 2), y: f32(1, 3, 2, 2), kernel: 2, options: { stride: 3 } },
  {
    name: "rectangular",
    x: f32(2, 5, 8, 1),
    y: f32(2, 4, 4, 1),
    kernel: [2, 3],
    options: { stride: [1, 2], padding: [0, 1] },
  },
  {
    name: "a window in the padding dropped",
    x: f32(1, 10, 9, 2),
    y: f32(1, 4, 4, 2),
    kernel: 5,
    options: { stride: 3, padding: 2, ceilMode: true },
  },
  { name: "same", x: f32(1, 5, 6, 2), y: f32(1, 3, 3, 2), kernel: 3, options: { stride: 2, padding: "same" } },
];

const negative = random(f32(1, 3, 3, 2), { low: -3, high: -1 });
const ties = given(f32(1, 2, 4, 1), [1, 2, 0, 0, 2, 2, 0, 0]);

const max = cases.map((c) => sample(c.name, [distinct(c.x)], (x) => x.maxPool2d(c.kernel, c.options)));

/** The gradient as a function of the upstream gradient. */
const maxGrad = cases.map((c) =>
  sample(c.name, [distinct(c.x), random(c.y)], (x, dy) => vjp([x.maxPool2d(c.kernel, c.options)], [dy], [x]), {
    differentiable: [1],
  }),
);

/** The gradient of that, as a function of its upstream gradient. */
const maxGather = cases.map((c) =>
  sample(
    c.name,
    [distinct(c.x), random(c.y), random(c.x)],
    (x, dy, u) => vjp(vjp([x.maxPool2d(c.kernel, c.options)], [dy], [x]), [u], [dy]),
    { differentiable: [2] },
  ),
);

const avg = cases.flatMap((c) =>
  [true, false].map((countIncludePad) => ({
    ...c,
    name: countIncludePad ? c.name : `${c.name}, without padding`,
    options: { ...c.options, countIncludePad } satisfies AvgPoolOptions,
  })),
);

export const samples = {
  maxPool2d: [
    ...max,
    sample("padding below every value", [negative], (x) => x.maxPool2d(3, { stride: 2, padding: 1 }), {
      differentiable: [],
    }),
  ],
  maxPool2dGrad: [
    ...maxGrad,
    sample("ties go to the first", [ties, random(f32(1, 1, 2, 1))], (x, dy) => vjp([x.maxPool2d(2)], [dy], [x]), {
      differentiable: [1],
    }),
  ],
  maxPool2dGather: maxGather,
  avgPool2d: avg.map((c) => sample(c.name, [random(c.x)], (x) => x.avgPool2d(c.kernel, c.options))),
  avgPool2dGrad: avg.map((c) =>
    sample(c.name, [random(c.x), random(c.y)], (x, dy) => vjp([x.avgPool2d(c.kernel, c.options)], [dy], [x])),
  ),
} satisfies Partial<Record<OpName, readonly Sample[]>>;

export const compositions: readonly Sample[] = [
  sample("max pooling behind bias and ReLU", [distinct(f32(2, 4, 6, 3)), given(f32(3), [0.33, -0.21, 0.04])], (x, b) =>
    x.add(b).relu().maxPool2d(2),
  ),
  sample("global pooling", [distinct(f32(2, 3, 5, 3))], (x) => [x.globalAveragePool(), x.globalMaxPool()]),
];
