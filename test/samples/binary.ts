// Samples of the functions of two elements, and of where: equal shapes, broadcasting both ways, a constant, integers.
import type { OpName } from "../../src/ops/index.ts";
import { bool, f32, i32, u32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { given, random, type Sample, sample } from "./sample.ts";

type Binary = (a: Tensor, b: Tensor) => Tensor;

const broadcasting = (f: Binary, { low = -2, kinks = [] as number[] } = {}): readonly Sample[] => {
  // b lies in (2, 4): no tie with a, no division by 0
  const a = { low, kinks };
  const b = { low: 2.1, high: 4, seed: 2 };
  return [
    sample("[3,5]", [random(f32(3, 5), a), random(f32(3, 5), b)], f),
    sample("[3,1] with [5]", [random(f32(3, 1), a), random(f32(5), b)], f),
    sample("[] with [2,3]", [random(f32(), a), random(f32(2, 3), b)], f),
    sample("[2,3] with []", [random(f32(2, 3), a), random(f32(), b)], f),
  ];
};

const integers = (f: Binary): readonly Sample[] => [
  sample("i32", [given(i32(4), [-7, 0, 7, 1 << 30]), given(i32(4), [2, -3, 7, 5])], f),
  sample("u32", [given(u32(4), [7, 0, 9, 0xf0000001]), given(u32(), [3])], f),
];

const comparisons = (f: Binary): readonly Sample[] => [
  ...broadcasting(f),
  sample("equal and not", [given(f32(3), [1, 2, 3]), given(f32(3), [1, 3, 2])], f),
  ...integers(f),
];

const logic = (f: Binary): readonly Sample[] => [
  sample("[2,2]", [given(bool(2, 2), [0, 0, 1, 1]), given(bool(2, 2), [0, 1, 0, 1])], f),
  sample("[2,1] with [3]", [given(bool(2, 1), [0, 1]), given(bool(3), [0, 1, 1])], f),
];

const extreme = (f: (x: Tensor) => Tensor): Sample =>
  sample("extreme", [given(f32(6), [1e4, -1e4, 1000, -1000, 1e-4, -1e-4])], f);

const powers = [3, -2, 0, 7, -1, 2].map((b) =>
  sample(`[5] to ${b}`, [random(f32(5), { kinks: [0] })], (a) => a.pow(b)),
);

export const samples = {
  add: [...broadcasting((a, b) => a.add(b)), ...integers((a, b) => a.add(b)), extreme((x) => x.add(1))],
  sub: [...broadcasting((a, b) => a.sub(b)), ...integers((a, b) => a.sub(b)), extreme((x) => x.sub(1))],
  mul: [...broadcasting((a, b) => a.mul(b)), ...integers((a, b) => a.mul(b)), extreme((x) => x.mul(x))],
  div: [...broadcasting((a, b) => a.div(b)), ...integers((a, b) => a.div(b)), extreme((x) => x.div(-3))],
  rem: integers((a, b) => a.rem(b)),
  pow: [
    ...broadcasting((a, b) => a.pow(b), { low: 0.2 }),
    ...powers,
    sample("0 cubed", [given(f32(3), [0, -1.5, 2])], (a) => a.pow(3)),
    sample("to 0.5", [random(f32(5), { low: 0.2 })], (a) => a.pow(0.5)),
    extreme((x) => x.pow(3)),
  ],
  minimum: [
    ...broadcasting((a, b) => b.minimum(a.add(2)), { kinks: [0, 1, 2] }),
    ...integers((a, b) => a.minimum(b)),
    extreme((x) => x.minimum(0)),
  ],
  maximum: [...broadcasting((a, b) => a.maximum(b)), ...integers((a, b) => a.maximum(b)), extreme((x) => x.maximum(0))],
  prelu: [
    ...broadcasting((x, alpha) => x.prelu(alpha), { kinks: [0] }),
    sample("extreme", [given(f32(4), [1e4, -1e4, 1e-4, -1e-4]), given(f32(), [0.25])], (x, alpha) => x.prelu(alpha)),
  ],
  greater: comparisons((a, b) => a.greater(b)),
  greaterEqual: comparisons((a, b) => a.greaterEqual(b)),
  less: comparisons((a, b) => a.less(b)),
  lessEqual: comparisons((a, b) => a.lessEqual(b)),
  equal: comparisons((a, b) => a.equal(b)),
  notEqual: comparisons((a, b) => a.notEqual(b)),
  and: logic((a, b) => a.and(b)),
  or: logic((a, b) => a.or(b)),
  where: [
    sample("[3,5]", [random(bool(3, 5)), random(f32(3, 5)), random(f32(3, 5), { seed: 2 })], (c, a, b) =>
      a.where(c, b),
    ),
    sample("[3,1], [5], []", [random(bool(3, 1)), random(f32(5)), random(f32(), { seed: 2 })], (c, a, b) =>
      a.where(c, b),
    ),
    sample("a number", [random(bool(4)), random(f32(4))], (c, a) => a.where(c, -1)),
    sample("i32", [random(bool(4)), random(i32(4)), random(i32(), { seed: 2 })], (c, a, b) => a.where(c, b)),
    sample("bool", [random(bool(4)), random(bool(4), { seed: 3 }), random(bool(4), { seed: 2 })], (c, a, b) =>
      a.where(c, b),
    ),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;
