// Samples of sources, of views, and of indexing and random numbers.
import type { OpName } from "../../src/ops/index.ts";
import * as ops from "../../src/ops/index.ts";
import { f32, i32, u8, u32 } from "../../src/shape/types.ts";
import {
  apply,
  concat,
  constant,
  full,
  iota,
  normal,
  randomBits,
  stack,
  type Tensor,
  uniform,
} from "../../src/tensor.ts";
import { given, random, type Sample, sample } from "./sample.ts";

const key = given(u32(2), [0x13198a2e, 0x03707344]);
const x345 = random(f32(3, 4, 5));

export const samples = {
  input: [sample("[2,3]", [random(f32(2, 3))], (x) => x)],
  constant: [
    sample("added", [random(f32(2, 3))], (x) => x.add(constant(f32(3), [0.5, -1.5, 2]))),
    sample("i32", [], () => constant(i32(2, 2), [1, -2, 3, -4])),
  ],
  full: [
    sample("f32", [], () => full(f32(2, 3), 0.1)),
    sample("i32 scalar", [], () => full(i32(), -3)),
    sample("scaled", [random(f32(3))], (x) => full(f32(2, 1), 3).mul(x)),
  ],

  reshape: [
    sample("[3,4,5] to [5,12]", [x345], (x) => x.reshape([5, 12])),
    sample("[1,1] to scalar", [random(f32(1, 1))], (x) => x.reshape([])),
    sample("u8", [random(u8(2, 3))], (x) => x.reshape([3, 2])),
  ],
  transpose: [
    sample("[3,4,5]", [x345], (x) => x.transpose()),
    sample("[3,4,5] by [2,0,1]", [x345], (x) => x.transpose([2, 0, 1])),
    sample("i32", [random(i32(2, 3))], (x) => x.transpose()),
  ],
  broadcastTo: [
    sample("[3,1] to [2,3,4]", [random(f32(3, 1))], (x) => x.broadcastTo([2, 3, 4])),
    sample("scalar to [2,3]", [random(f32())], (x) => x.broadcastTo([2, 3])),
  ],
  slice: [
    sample("a part", [x345], (x) => x.slice([1, 0, 2], [3, 4, 4])),
    sample("steps", [x345], (x) => x.slice([0, 1, 1], [3, 4, 5], [2, 3, 2])),
    sample("from the end", [x345], (x) => x.slice([-2, -1, -3], [3, 4, -1])),
    sample("u8", [random(u8(5, 3))], (x) => x.slice([1, 1], [4, 3])),
  ],
  pad: [
    sample("zeros", [random(f32(2, 3))], (x) => x.pad([1, 0], [2, 1])),
    sample("a value, and between", [random(f32(3, 2))], (x) => x.pad([1, 2], [0, 1], -0.5, [2, 1])),
    sample("i32", [random(i32(3))], (x) => x.pad([2], [1], 7)),
  ],
  flip: [sample("all axes", [random(f32(2, 3))], (x) => x.flip()), sample("one axis", [x345], (x) => x.flip(-2))],
  concat: [
    sample("axis 1 of three", [random(f32(2, 3)), random(f32(2, 1)), random(f32(2, 4))], (...list) => concat(list, 1)),
    sample("axis 0, one twice", [random(f32(2, 3)), random(f32(1, 3))], (a, b) => concat([a!, b!, a!], 0)),
    sample("stack", [random(f32(3)), random(f32(3), { seed: 2 })], (...list) => stack(list, -1)),
    sample("split and joined", [random(f32(7, 2))], (x) => concat(x!.split([3, 1, 3], 0).reverse(), 0)),
    sample("u32", [random(u32(2)), random(u32(3))], (...list) => concat(list, 0)),
  ],

  gather: [
    sample("rows", [random(f32(5, 3)), given(i32(4), [4, 0, 4, 2])], (x, i) => x.gather(i)),
    sample("axis 1, [2,2] indices", [x345, given(u32(2, 2), [3, 0, 1, 3])], (x, i) => x.gather(i, 1)),
    sample("one row", [random(f32(5, 3)), given(i32(), [2])], (x, i) => x.gather(i)),
    sample("u8 table and indices", [random(u8(5, 3)), given(u8(3), [1, 4, 1])], (x, i) => x.gather(i).cast("f32")),
  ],
  scatterAdd: [
    sample("rows, some twice", [random(f32(4, 3)), given(i32(4), [4, 0, 4, 2])], (x, i) => x.scatterAdd(i, 6)),
    sample("axis 1, [2,2] indices", [random(f32(3, 2, 2, 5)), given(u32(2, 2), [3, 0, 1, 3])], (x, i) =>
      x.scatterAdd(i, 4, 1),
    ),
    sample("a histogram", [random(f32(7)), given(u8(7), [0, 1, 1, 2, 1, 0, 2])], (x, i) => x.scatterAdd(i, 3)),
  ],
  oneHot: [
    sample("[4]", [given(i32(4), [2, 0, 1, 2])], (i) => i.oneHot(3)),
    sample("[2,2] of u8", [given(u8(2, 2), [2, 0, 1, 2])], (i) => i.oneHot(4)),
    sample("scalar", [given(u32(), [1])], (i) => i.oneHot(2)),
  ],
  iota: [
    sample("f32, axis 0", [random(f32(3, 2))], (x) => x.mul(iota(f32(3, 2)))),
    sample("i32, axis 1", [], () => iota(i32(3, 2), 1)),
    sample("u32", [], () => iota(u32(5))),
  ],

  randomBits: [
    sample("[3,5]", [key], (k) => randomBits(k, [3, 5])),
    sample("both words", [key], (k) => apply(ops.randomBits, [k], { shape: [7] })),
    sample("uniform", [key], (k) => uniform(k, [3, 5])),
    sample("normal", [key], (k) => normal(k, [3, 5])),
    sample("a mask", [key, random(f32(4))], (k, x) => x.where(uniform(k, [4]).less(0.5), 0)),
  ],
  shuffleIndex: [
    sample("13 of 13", [key], (k) => iota(u32(13)).shuffleIndex(k, 13)),
    sample("i32, beyond n", [key], (k) => iota(i32(9)).shuffleIndex(k, 5)),
    sample("a batch of 60000", [key, given(u32(4), [0, 1, 59998, 59999])], (k, i: Tensor) => i.shuffleIndex(k, 60000)),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;
