import { vjp } from "../../src/autodiff/backward.ts";
import type { OpName } from "../../src/ops/index.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { distinct, given, random, type Sample, sample } from "./sample.ts";

const x = random(f32(3, 5, 7));
const y = distinct(f32(3, 5, 7));
const ties = given(f32(2, 4), [1, 3, 3, 0, -2, -2, -5, -5]);
const upstream = random(f32(2));

export const samples = {
  sum: [
    sample("all", [x], (x) => x.sum()),
    sample("a middle axis", [x], (x) => x.sum(1)),
    sample("two axes, kept", [x], (x) => x.sum([0, -1], true)),
    sample("many rows", [random(f32(257, 3))], (x) => x.sum(0)),
    sample("one element", [random(f32(1))], (x) => x.sum()),
    sample("integers", [random(i32(3, 4))], (x) => x.sum(0)),
  ],
  max: [
    sample("all", [y], (y) => y.max()),
    sample("a middle axis", [y], (y) => y.max(1)),
    sample("two axes, kept", [y], (y) => y.max([0, 2], true)),
    sample("ties", [ties, upstream], (t, d) => [t.max(1), ...vjp([t.max(1)], [d], [t])], {
      differentiable: [1],
    }),
    sample("unsigned integers", [random(u32(3, 4))], (x) => x.max(1)),
  ],
  min: [
    sample("all", [y], (y) => y.min()),
    sample("a middle axis", [y], (y) => y.min(1)),
    sample("two axes, kept", [y], (y) => y.min([0, 2], true)),
    sample("ties", [ties, upstream], (t, d) => [t.min(1), ...vjp([t.min(1)], [d], [t])], {
      differentiable: [1],
    }),
    sample("integers", [random(i32(3, 4))], (x) => x.min()),
  ],
  argmax: [
    sample("all", [y], (y) => y.argmax(), { differentiable: [] }),
    sample("an axis", [y], (y) => y.argmax(-1), { differentiable: [] }),
    sample("two axes", [y], (y) => y.argmax([0, 2]), { differentiable: [] }),
    sample("ties", [ties], (t) => t.argmax(1), { differentiable: [] }),
  ],
  argmin: [
    sample("all", [y], (y) => y.argmin(), { differentiable: [] }),
    sample("an axis, kept", [y], (y) => y.argmin(0, true), { differentiable: [] }),
    sample("ties", [ties], (t) => t.argmin(1), { differentiable: [] }),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;

export const compositions: readonly Sample[] = [
  sample("mean", [x], (x) => [x.mean(), x.mean([0, 1], true)]),
  sample("variance", [x], (x) => [x.variance(), x.variance(1), x.variance([0, 2], true, 1)]),
  sample("variance around a large mean", [random(f32(4, 9), { low: 1000, high: 1002 })], (x) => x.variance(1), {
    tolerance: 1e-4,
  }),
];
