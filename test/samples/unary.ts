// Samples of the functions of one element, activations among them: an odd shape, a scalar, and extreme values.
import type { OpName } from "../../src/ops/index.ts";
import { bool, f32, i32, u8, u32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { given, random, type Sample, sample } from "./sample.ts";

interface Domain {
  readonly low?: number;
  readonly high?: number;
  readonly kinks?: readonly number[];
  readonly extreme: readonly number[];
}

const of = (f: (x: Tensor) => Tensor, { extreme, ...range }: Domain): readonly Sample[] => [
  sample("[3,5]", [random(f32(3, 5), range)], f),
  sample("scalar", [random(f32(), range)], f),
  sample("extreme", [given(f32(extreme.length), extreme)], f),
];

// the gradient check moves each value by up to a thirtieth of itself
const large = [1e4, -1e4, 1000, -1000, 100, -100, 20, -20, 1e-4, -1e-4];
const smooth: Domain = { extreme: [...large, 0] };
const kinkAtZero: Domain = { kinks: [0], extreme: large };

export const samples = {
  neg: [...of((x) => x.neg(), smooth), sample("i32", [given(i32(3), [-7, 0, 7])], (x) => x.neg())],
  abs: [...of((x) => x.abs(), kinkAtZero), sample("i32", [given(i32(3), [-7, 0, 7])], (x) => x.abs())],
  sign: [...of((x) => x.sign(), kinkAtZero), sample("i32", [given(i32(3), [-7, 0, 7])], (x) => x.sign())],
  floor: of((x) => x.floor(), { kinks: [-2, -1, 0, 1, 2], extreme: [10.5, -10.5, 0.25, -0.25] }),
  square: of((x) => x.square(), smooth),
  reciprocal: of((x) => x.reciprocal(), kinkAtZero),
  sqrt: of((x) => x.sqrt(), { low: 0.2, extreme: [1e-6, 1e-3, 1, 1e4, 1e8] }),
  rsqrt: of((x) => x.rsqrt(), { low: 0.2, extreme: [1e-6, 1e-3, 1, 1e4, 1e8] }),
  exp: of((x) => x.exp(), { extreme: [-1e4, -1000, -80, -1e-4, 0, 1e-4, 20] }),
  log: of((x) => x.log(), { low: 0.2, extreme: [1e-30, 1e-6, 1, 1e4, 1e30] }),
  sin: of((x) => x.sin(), { extreme: [0, 1e-4, 3.25, -20, 100, -1000, 8000] }),
  cos: of((x) => x.cos(), { extreme: [0, 1e-4, 3.25, -20, 100, -1000, 8000] }),
  tanh: of((x) => x.tanh(), { extreme: [...large, 0, 0.5, 0.75, -5, 9, -9.5] }),
  erf: of((x) => x.erf(), { extreme: [...large, 0, 0.9, 1.1, -1.9, 2.1, -4] }),
  clip: [
    ...of((x) => x.clip({ low: -1, high: 0.5 }), { kinks: [-1, 0.5], extreme: large }),
    sample("below only", [random(f32(4), { kinks: [0] })], (x) => x.clip({ low: 0 })),
  ],
  finite: of((x) => x.finite(), smooth),
  not: [sample("[2,3]", [random(bool(2, 3))], (x) => x.not())],
  cast: [
    sample("f32 to i32", [given(f32(6), [1.9, -1.9, 0, 3e9, -3e9, 12345])], (x) => x.cast("i32")),
    sample("f32 to u32", [given(f32(5), [1.9, -1.9, 0, 5e9, 3e9])], (x) => x.cast("u32")),
    sample("f32 to u8", [given(f32(7), [1.9, -1.9, 0, 300, 255, 17, 128])], (x) => x.cast("u8")),
    sample("f32 to bool", [given(f32(4), [1.9, -1e-3, 0, 300])], (x) => x.cast("bool")),
    sample("i32 to f32", [given(i32(4), [-7, 0, 7, 1 << 20])], (x) => x.cast("f32")),
    sample("i32 to u32", [given(i32(3), [-7, 0, 7])], (x) => x.cast("u32")),
    sample("u32 to i32", [given(u32(3), [0, 7, 4294967289])], (x) => x.cast("i32")),
    sample("u32 to u8", [given(u32(5), [0, 7, 255, 256, 300])], (x) => x.cast("u8")),
    sample("u32 to bool", [given(u32(3), [0, 1, 300])], (x) => x.cast("bool")),
    sample("u8 to f32", [random(u8(3, 7), { high: 256 })], (x) => x.cast("f32").mul(1 / 255)),
    sample("u8 to i32", [random(u8(5), { high: 256 })], (x) => x.cast("i32")),
    sample("bool to f32", [random(bool(2, 3))], (x) => x.cast("f32")),
    sample("bool to i32", [random(bool(3))], (x) => x.cast("i32")),
  ],
  relu: of((x) => x.relu(), kinkAtZero),
  leakyRelu: of((x) => x.leakyRelu(0.1), kinkAtZero),
  elu: [...of((x) => x.elu(), kinkAtZero), sample("alpha 0.5", [random(f32(4), { kinks: [0] })], (x) => x.elu(0.5))],
  selu: of((x) => x.selu(), kinkAtZero),
  softplus: of((x) => x.softplus(), smooth),
  sigmoid: of((x) => x.sigmoid(), smooth),
  silu: of((x) => x.silu(), smooth),
  gelu: [...of((x) => x.gelu(), smooth), ...of((x) => x.gelu("tanh"), smooth)],
} satisfies Partial<Record<OpName, readonly Sample[]>>;
