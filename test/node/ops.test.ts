// Facts about single ops: known values, types and messages, what a graph prints. (What holds of all ops: gradients.test.ts.)
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { printGraph } from "../../src/graph/print.ts";
import { shuffledIndex, threefry } from "../../src/ops/counter.ts";
import { erf, erfc } from "../../src/ops/special.ts";
import { bool, f32, i32, numel, type TensorType, u8, u32 } from "../../src/shape/types.ts";
import { concat, constant, full, iota, normal, randomBits, stack, type Tensor, uniform } from "../../src/tensor.ts";

const values = (t: Tensor): number[] => [...evaluate([t], new Map())[0]!.data];
const vector = (...xs: number[]): Tensor => constant(f32(xs.length), xs);
const zeros = (type: TensorType): Tensor => full(type, 0);
const count = (type: TensorType): Tensor => iota(f32(numel(type.shape))).reshape(type.shape);

describe("values", () => {
  test("erf and erfc (Abramowitz and Stegun, table 7.1; DLMF)", () => {
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
    expect(erf(1)).toBeCloseTo(0.8427007929497149, 15);
    expect(erf(-2)).toBeCloseTo(-0.9953222650189527, 15);
    expect(erfc(3) / 2.209049699858544e-5).toBeCloseTo(1, 14);
    expect(erfc(10) / 2.088487583762545e-45).toBeCloseTo(1, 14);
    expect(erf(1.9999999)).toBeCloseTo(erf(2.0000001), 8);
  });

  test("activations", () => {
    expect(values(vector(0, 1, -1000).sigmoid())).toEqual([0.5, 1 / (1 + Math.exp(-1)), 0]);
    expect(values(vector(0, 1000, -1000).softplus())).toEqual([Math.LN2, 1000, 0]);
    expect(values(vector(-1e-9).elu())[0]).toBe(Math.expm1(-1e-9));
    expect(values(vector(1).gelu())[0]).toBeCloseTo(0.8413447460685429, 15);
    expect(values(vector(1).gelu("tanh"))[0]).toBeCloseTo(0.8411919906082768, 15);
    expect(values(vector(1, -1).selu())).toEqual([1.0507009873554805, expect.closeTo(-1.1113307378125625, 15)]);
    expect(values(vector(-3, 0.2, 3).clip({ low: -1, high: 1 }))).toEqual([-1, 0.2, 1]);
    expect(values(vector(-2, 3).prelu(vector(0.25, 9)))).toEqual([-0.5, 3]);
  });

  test("pow at integer exponents, negative and zero bases", () => {
    const x = vector(-2, 0, 3);
    expect(values(x.pow(3))).toEqual([-8, 0, 27]);
    expect(values(grad(x.pow(3).sum(), [x])[0]!)).toEqual([12, 0, 27]);
    expect(values(grad(x.pow(0).sum(), [x])[0]!).map(Math.abs)).toEqual([0, 0, 0]);
    const b = vector(2, 2, 2);
    expect(values(grad(x.pow(b).sum(), [b])[0]!)).toEqual([0, 0, 9 * Math.log(3)]);
  });

  test("a tie shares the gradient", () => {
    const a = vector(1, 2, 3);
    const b = vector(3, 2, 1);
    expect(grad(a.maximum(b).sum(), [a, b]).map(values)).toEqual([
      [0, 0.5, 1],
      [1, 0.5, 0],
    ]);
    expect(grad(a.minimum(b).sum(), [a, b]).map(values)).toEqual([
      [1, 0.5, 0],
      [0, 0.5, 1],
    ]);
  });

  test("integers wrap, divide towards zero, and survive a zero divisor", () => {
    const a = constant(u32(2), [0xffffffff, 0x10001]);
    expect(values(a.mul(a))).toEqual([1, 0x20001]);
    expect(values(a.add(2))).toEqual([1, 0x10003]);
    const b = constant(i32(3), [-7, 7, 5]);
    const by = constant(i32(3), [2, -2, 0]);
    expect(values(b.div(by))).toEqual([-3, -3, 5]);
    expect(values(b.rem(by))).toEqual([-1, 1, 0]);
  });

  test("cast stays within the range, and between integers keeps the low bits", () => {
    const x = vector(-3e9, -1.9, 1.9, 3e9, 300);
    expect(values(x.cast("i32"))).toEqual([-2147483648, -1, 1, 2147483520, 300]);
    expect(values(x.cast("u32"))).toEqual([0, 0, 1, 3e9, 300]);
    expect(values(x.cast("u8"))).toEqual([0, 0, 1, 255, 255]);
    expect(values(x.sub(x).cast("bool"))).toEqual([0, 0, 0, 0, 0]);
    expect(values(constant(i32(2), [-1, 256]).cast("u8"))).toEqual([255, 0]);
    expect(x.cast("f32")).toBe(x);
  });

  test("views", () => {
    const x = count(f32(2, 3));
    expect(values(x.slice([0, 0], [2, 3], [1, 2]))).toEqual([0, 2, 3, 5]);
    expect(values(x.slice([-1, -2]))).toEqual([4, 5]);
    expect(values(x.pad([1, 0], [0, 1], 9))).toEqual([9, 9, 9, 9, 0, 1, 2, 9, 3, 4, 5, 9]);
    expect(values(vector(1, 2).pad([0], [0], 0, [2]))).toEqual([1, 0, 0, 2]);
    expect(values(x.flip())).toEqual([5, 4, 3, 2, 1, 0]);
    expect(values(concat([x, x.slice([0, 0], [2, 1])], 1))).toEqual([0, 1, 2, 0, 3, 4, 5, 3]);
    expect(values(stack([vector(1, 2), vector(3, 4)], 1))).toEqual([1, 3, 2, 4]);
    expect(x.split([1, 2], 1).map(values)).toEqual([
      [0, 3],
      [1, 2, 4, 5],
    ]);
    expect(x.unsqueeze([0, -1]).shape).toEqual([1, 2, 3, 1]);
    expect(x.unsqueeze([0, -1]).squeeze().shape).toEqual([2, 3]);
    expect(x.unsqueeze([0, -1]).squeeze(0).shape).toEqual([2, 3, 1]);
  });

  test("indexing", () => {
    const x = count(f32(3, 2));
    const i = constant(i32(3), [2, 0, 2]);
    expect(values(x.gather(i))).toEqual([4, 5, 0, 1, 4, 5]);
    expect(values(x.gather(constant(u8(2), [1, 1]), 1))).toEqual([1, 1, 3, 3, 5, 5]);
    expect(values(x.scatterAdd(i, 4))).toEqual([2, 3, 0, 0, 4, 6, 0, 0]);
    expect(values(i.oneHot(3))).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 1]);
    expect(values(iota(i32(2, 3), -1))).toEqual([0, 1, 2, 0, 1, 2]);
  });
});

describe("random numbers", () => {
  const key = constant(u32(2), [1, 2]);

  test("Threefry-2x32-20: the known answers of Random123", () => {
    const ones = 0xffffffff;
    expect(threefry(0, 0, 0, 0)).toEqual([0x6b200159, 0x99ba4efe]);
    expect(threefry(ones, ones, ones, ones)).toEqual([0x1cb996fc, 0xbb002be7]);
    expect(threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual([0xc4923a9c, 0x483df7a0]);
    expect(values(randomBits(constant(u32(2), [0, 0]), [1]))).toEqual([0x6b200159]);
  });

  test("an element depends on its flat index alone", () => {
    expect(values(randomBits(key, [2, 3]))).toEqual(values(randomBits(key, [9])).slice(0, 6));
  });

  test("uniform: in [0, 1), exact in f32, mean ½, variance 1⁄12", () => {
    const n = 20000;
    const u = values(uniform(key, [n]));
    expect(u.every((x) => x >= 0 && x < 1 && Math.fround(x) === x)).toBe(true);
    const mean = u.reduce((a, b) => a + b) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 / Math.sqrt(12 * n));
    expect(u.reduce((a, x) => a + (x - mean) ** 2, 0) / n).toBeCloseTo(1 / 12, 2);
  });

  test("normal: moments 0, 1, 0, 3", () => {
    const n = 20000;
    const z = values(normal(key, [n]));
    const moment = (k: number) => z.reduce((a, x) => a + x ** k, 0) / n;
    expect([1, 2, 3, 4].map(moment)).toEqual([0, 1, 0, 3].map((m, k) => expect.closeTo(m, k < 2 ? 1 : 0)));
  });

  const word = fc.integer({ min: 0, max: 0xffffffff });
  const shuffled = (n: number, a: number, b: number) => Array.from({ length: n }, (_, i) => shuffledIndex(i, a, b, n));

  test("shuffleIndex permutes 0 … n−1, for every n and key", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 700 }), word, word, (n, a, b) => {
        expect(shuffled(n, a, b).sort((x, y) => x - y)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
      { seed: 1 },
    );
    expect(new Set(shuffled(60000, 1, 2)).size).toBe(60000);
  });

  test("shuffleIndex sends each position everywhere, and neighbours apart", () => {
    const n = 5;
    const keys = 4000;
    const hits = Array.from({ length: n }, () => new Array<number>(n).fill(0));
    for (let k = 0; k < keys; k++) for (const [i, to] of shuffled(n, k, 7).entries()) hits[i]![to]! += 1;
    for (const row of hits) for (const h of row) expect(Math.abs(h / keys - 1 / n)).toBeLessThan(0.03);
    const long = shuffled(10000, 3, 4);
    const distance = long.slice(1).reduce((sum, x, i) => sum + Math.abs(x - long[i]!), 0) / 9999;
    expect(distance / 10000).toBeCloseTo(1 / 3, 1);
  });
});

describe("types", () => {
  test("follow from the inputs'", () => {
    expect(zeros(f32(3, 1)).add(zeros(f32(5))).type).toEqual(f32(3, 5));
    expect(zeros(i32(3)).greater(1).type).toEqual(bool(3));
    expect(zeros(u8(4, 2)).gather(zeros(i32(3, 3))).type).toEqual(u8(3, 3, 2));
    expect(zeros(u8(4)).oneHot(10).type).toEqual(f32(4, 10));
    expect(zeros(f32(7, 2)).slice([0, 0], [7, 2], [3, 1]).type).toEqual(f32(3, 2));
    expect(zeros(f32(7, 2)).pad([1, 0], [0, 1], 0, [1, 0]).type).toEqual(f32(14, 3));
  });

  const x = zeros(f32(2, 3));
  const wrong: [string, () => unknown][] = [
    [
      "add: shapes [2,3] and [2] do not broadcast (3 vs 2 in dimension -1); sizes must be equal or 1",
      () => x.add(zeros(f32(2))),
    ],
    ["add: dtypes differ, f32[2,3], i32[3] (f32 vs i32); cast one", () => x.add(zeros(i32(3)))],
    ["exp: got i32[3] (i32 vs f32); cast it", () => zeros(i32(3)).exp()],
    ["add: got u8[3], u8[] (u8 vs f32 or i32 or u32); cast it", () => zeros(u8(3)).add(1)],
    ["mul: 0.5 cannot be a constant of i32[3]; give a finite integer, or cast to f32", () => zeros(i32(3)).mul(0.5)],
    [
      "maximum: -Infinity cannot be a constant of f32[2,3]; give a finite number",
      () => x.maximum(Number.NEGATIVE_INFINITY),
    ],
    ["div: 0 divides no integer, got i32[3] by 0 (0 vs ≠ 0); cast to f32", () => zeros(i32(3)).div(0)],
    ["where: the condition must be bool, got f32[2,3] (f32 vs bool); compare it", () => x.where(x, 0)],
    ["clip: the bounds are out of order (low 1 vs high 0); swap them", () => x.clip({ low: 1, high: 0 })],
    [
      "slice: 2 … 9 by 1 is no part of dimension 1 of f32[2,3] (size 3); give 0 ≤ start < end ≤ 3 and a step ≥ 1",
      () => x.slice([0, 2], [2, 9]),
    ],
    ["slice: starts [0] of f32[2,3] (1 vs 2 numbers); give one for each dimension", () => x.slice([0])],
    ["pad: low of dimension 1 of f32[2,3] must be a count (-1 vs ≥ 0); slice to crop", () => x.pad([0, -1], [0, 0])],
    ["flip: axis 2 is out of range for rank 2; give -2 … 1", () => x.flip(2)],
    ["concat: no tensors (0 vs ≥ 1); give at least one", () => concat([], 0)],
    [
      "concat: f32[2,3], f32[3,3] differ in more than axis 1 ([2,3] vs [3,3]); make the other sizes equal",
      () => concat([x, zeros(f32(3, 3))], 1),
    ],
    [
      "split: axis 1 of f32[2,3] has no parts [1,1] (size 3 vs 2); give positive sizes that add up",
      () => x.split([1, 1], 1),
    ],
    [
      "split: axis 1 of f32[2,3] has no parts [1.5,1.5] (size 3 vs 3); give positive sizes that add up",
      () => x.split(2, 1),
    ],
    ["squeeze: axis 0 of f32[2,3] does not go (size 2 vs 1); leave it out", () => x.squeeze(0)],
    ["gather: indices must be i32 or u32 or u8, got f32[3]; cast it", () => x.gather(zeros(f32(3)))],
    [
      "scatterAdd: updates f32[2,3] do not hold the indices i32[4] at axis 0 ([2] vs [4]); give one update an index",
      () => x.scatterAdd(zeros(i32(4)), 5),
    ],
    [
      "oneHot: the depth must be a positive integer (0 vs ≥ 1); give the number of classes",
      () => zeros(i32(4)).oneHot(0),
    ],
    [
      "randomBits: the key must be two words (u32[3] vs u32[2]); give one made from a seed",
      () => randomBits(zeros(u32(3)), [2]),
    ],
    [
      "shuffleIndex: n must be a count (0 vs 1 … 2³¹); give the size of what is shuffled",
      () => zeros(i32(3)).shuffleIndex(zeros(u32(2)), 0),
    ],
    ["gather: index 2 is out of range (2 vs 0 … 1); check the indices", () => values(x.gather(constant(i32(1), [2])))],
    [
      "oneHot: index 10 is out of range (10 vs 0 … 9); check the indices",
      () => values(constant(u8(1), [10]).oneHot(10)),
    ],
  ];
  test.each(wrong)("%s", (message, f) => {
    expect(f).toThrow(message);
  });

  test("a graph prints as a list of its nodes", () => {
    const k = zeros(u32(2));
    expect(`\n${printGraph([x.clip({ low: 0 }).slice([0, 1]), uniform(k, [4])])}\n`).toMatchInlineSnapshot(`
      "
      %0: f32[2,3] = full() {"type":{"dtype":"f32","shape":[2,3]},"value":0}
      %1: u32[2] = full() {"type":{"dtype":"u32","shape":[2]},"value":0}
      %2: f32[2,3] = clip(%0) {"low":0,"high":3.4028234663852886e+38}
      %3: f32[2,2] = slice(%2) {"starts":[0,1],"ends":[2,3],"steps":[1,1]}
      %4: u32[4], u32[4] = randomBits(%1) {"shape":[4]}
      %5: u32[] = full() {"type":{"dtype":"u32","shape":[]},"value":256}
      %6: u32[4] = div(%4.0, %5)
      %7: f32[4] = cast(%6) {"dtype":"f32"}
      %8: f32[] = full() {"type":{"dtype":"f32","shape":[]},"value":5.960464477539063e-8}
      %9: f32[4] = mul(%7, %8)
      return %3, %9
      "
    `);
  });
});
