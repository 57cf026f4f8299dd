// IDX files, good and bad; the MNIST loader; slices of data sets.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { mnistFolder } from "../../src/cli/mnistFiles.ts";
import { chunks } from "../../src/data/chunks.ts";
import { takeExamples } from "../../src/data/dataset.ts";
import { gunzip, mnist, parseIdx } from "../../src/data/index.ts";
import { ValueError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, u8 } from "../../src/shape/types.ts";

const idx = (shape: number[], values: number[], type = 8) =>
  new Uint8Array([0, 0, type, shape.length, ...shape.flatMap((n) => [n >>> 24, n >>> 16, n >>> 8, n]), ...values]);

test("an IDX file is its bytes in its shape, gzipped or not, wherever it lies in a buffer", async () => {
  const file = idx([2, 3], [1, 2, 3, 4, 5, 255]);
  expect(parseIdx(file)).toEqual(ndarray(u8(2, 3), [1, 2, 3, 4, 5, 255]));
  const inside = new Uint8Array([9, 9, 9, ...file]).subarray(3);
  expect(parseIdx(inside).data).toEqual(parseIdx(file).data);
  expect(await gunzip(new Uint8Array(gzipSync(file)))).toEqual(file);
  expect(await gunzip(file)).toBe(file);
});

test.each<[string, Uint8Array, string]>([
  ["empty", new Uint8Array(0), "0 bytes hold no header"],
  ["something else", new Uint8Array([0x50, 0x4b, 3, 4]), "no IDX file, it starts with 50 4b 03 04"],
  ["floats", idx([1], [0, 0, 0, 0], 13), "holds f32 values (type 13 vs 8"],
  ["an unknown type", idx([1], [0], 7), "holds type 7 values"],
  ["no dimensions", idx([], []), "has 0 dimensions"],
  ["cut in the header", idx([2, 3], []).subarray(0, 9), "is truncated in its header (9 vs ≥ 12 bytes)"],
  ["cut in the values", idx([2, 3], [1, 2, 3]), "is truncated for sizes [2,3] (15 vs 18 bytes)"],
  ["too long", idx([2], [1, 2, 3]), "is too long for sizes [2] (11 vs 10 bytes)"],
  ["as large as 2^32", idx([2 ** 32 - 1], [1]), "is truncated for sizes [4294967295]"],
  [
    "larger than numbers go",
    idx([2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1], [1]),
    "sizes [4294967295,4294967295,4294967295] are impossible",
  ],
])("a file that is %s is refused", (_, bytes, message) => {
  expect(() => parseIdx(bytes, "x.idx")).toThrow(ValueError);
  expect(() => parseIdx(bytes, "x.idx")).toThrow(`idx: x.idx: ${message}`);
});

test("broken gzip is refused", async () => {
  const bytes = new Uint8Array(gzipSync(idx([2], [1, 2]))).subarray(0, 15);
  await expect(gunzip(bytes, "x.gz")).rejects.toThrow("idx: x.gz: is gzipped and does not unpack");
});

test("MNIST, all 70 000", async () => {
  const { train, test } = await mnist({ read: (name) => readFile(join(mnistFolder, name)) });
  expect(train.x.shape).toEqual([60000, 28, 28, 1]);
  expect(test.x.shape).toEqual([10000, 28, 28, 1]);
  expect([...train.y.data.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
  expect([...test.y.data.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  expect([...train.x.data.subarray(0, 784)].reduce((a, b) => a + b)).toBe(27525);
});

test("files that do not go together are refused", async () => {
  const files = (labels: number[]) => async (name: string) =>
    name.includes("images") ? idx([2, 1, 1], [7, 8]) : idx([labels.length], labels);
  await expect(mnist({ read: files([1]) })).rejects.toThrow("differ in length (2 vs 1)");
  await expect(mnist({ read: files([1, 10]) })).rejects.toThrow("label 10 of example 1 is out of range");
});

test("a part of a data set, and its rows in chunks", () => {
  const data = { x: ndarray(f32(5, 2), (i) => i), y: ndarray(u8(5), (i) => i) };
  const part = takeExamples(data, 1, 4);
  expect([...part.x.data]).toEqual([2, 3, 4, 5, 6, 7]);
  expect([...part.y.data]).toEqual([1, 2, 3]);
  expect(() => takeExamples(data, 3, 9)).toThrow(ValueError);
  const all = [...chunks(part.x, 2)].map(({ chunk, count }) => [[...chunk.data], count]);
  expect(all).toEqual([
    [[2, 3, 4, 5], 2],
    [[6, 7, 0, 0], 1],
  ]);
});
