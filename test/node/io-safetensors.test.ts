// safetensors: what is written is read again; a file as others write it; and files that are cut, flipped or made to deceive.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.ts";
import { FormatError, ValueError, WgradError } from "../../src/shape/errors.ts";
import { allocate, type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { bool, type DType, f32, i32, numel, u8, u32 } from "../../src/shape/types.ts";
import { peakMemory } from "../peakMemory.ts";

/** A file of any header, true or not. */
function file(header: unknown, data: ArrayLike<number> = [], length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const entry = (dtype: string, shape: number[], start: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [start, end],
});
const bytesOf = (view: ArrayBufferView) => [...new Uint8Array(view.buffer)];

const values: Record<DType, fc.Arbitrary<number>> = {
  f32: fc.float({ noNaN: false }),
  i32: fc.integer(),
  u32: fc.nat(),
  u8: fc.nat(255),
  bool: fc.nat(1),
};
const array: fc.Arbitrary<NdArray> = fc
  .tuple(fc.constantFrom<DType>("f32", "i32", "u32", "u8", "bool"), fc.array(fc.nat(4), { maxLength: 3 }))
  .chain(([dtype, shape]) => {
    const n = numel(shape);
    return fc.array(values[dtype], { minLength: n, maxLength: n }).map((list) => {
      const data = allocate(dtype, n);
      data.set(list);
      return { dtype, shape, data };
    });
  });
const name = fc.string({ unit: "binary", minLength: 1 }).filter((s) => s !== "__metadata__");
const arrays = fc.array(fc.tuple(name, array), { maxLength: 6 }).map((list) => new Map(list));
const strings = fc.dictionary(fc.string(), fc.string({ unit: "binary" }), { maxKeys: 3 });

const all = (bytes: Uint8Array) => {
  const opened = readSafetensors(bytes);
  return new Map([...opened.types.keys()].map((name) => [name, opened.read(name)]));
};

test("what is written is read again, wherever it lies in memory", () => {
  fc.assert(
    fc.property(arrays, strings, fc.nat(9), (written, metadata, offset) => {
      const bytes = writeSafetensors(written, { metadata });
      const moved = new Uint8Array(offset + bytes.length);
      moved.set(bytes, offset);
      expect(all(moved.subarray(offset))).toEqual(written);
      expect(all(Buffer.from(moved.buffer, offset))).toEqual(written);
      expect(readSafetensors(bytes).metadata).toEqual(metadata);
    }),
  );
});

test("the order of the arrays does not show; 64 bits keep what the reference computes", () => {
  const [a, b] = [ndarray(u8(3), [1, 2, 3]), ndarray(f32(2), [0.1, -0])];
  expect(writeSafetensors({ a, b })).toEqual(writeSafetensors({ b, a }));
  expect(readSafetensors(writeSafetensors({ b }, { float64: true })).read("b")).toEqual(b);
  expect(readSafetensors(writeSafetensors({ b })).read("b").data).toEqual(Float64Array.of(Math.fround(0.1), -0));
  expect(() => writeSafetensors({ __metadata__: a })).toThrow(ValueError);
});

test("a file as the format's own library writes it, byte for byte", () => {
  const header =
    '{"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"n":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}';
  const data = [...bytesOf(Float32Array.of(1.5, -2)), 1];
  const padded = header + " ".repeat(8 - (header.length % 8));
  const written = { w: ndarray(f32(2, 1), [1.5, -2]), n: ndarray(bool(), [1]) };
  expect(writeSafetensors(written)).toEqual(file(padded, data));
});

test("dtypes of others become ours", () => {
  const read = (dtype: string, view: ArrayBufferView, n: number) =>
    readSafetensors(file({ x: entry(dtype, [n], 0, view.byteLength) }, bytesOf(view))).read("x");
  expect(read("F64", Float64Array.of(0.1), 1)).toEqual(ndarray(f32(1), [0.1]));
  expect(read("I64", BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n), 2)).toEqual(
    ndarray(i32(2), [-(2 ** 31), 2 ** 31 - 1]),
  );
  expect(read("U64", BigUint64Array.of(2n ** 32n - 1n), 1)).toEqual(ndarray(u32(1), [2 ** 32 - 1]));
  expect(read("I16", Int16Array.of(-7), 1)).toEqual(ndarray(i32(1), [-7]));
  expect(read("I8", Int8Array.of(-7), 1)).toEqual(ndarray(i32(1), [-7]));
  expect(read("U16", Uint16Array.of(65535), 1)).toEqual(ndarray(u32(1), [65535]));
  expect(read("BF16", Uint16Array.of(0x3f80, 0xc049, 0x7f80), 3)).toEqual(ndarray(f32(3), [1, -3.140625, Infinity]));
  // 1, −2, 65504, the smallest normal, the smallest, ∞, −0
  const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0x8000, 0x7e00);
  const wanted = [1, -2, 65504, 2 ** -14, 2 ** -24, Infinity, -0, Number.NaN];
  expect(read("F16", halves, 8)).toEqual(ndarray(f32(8), wanted));
  expect(() => read("I64", BigInt64Array.of(2n ** 31n), 1)).toThrow("an I64 value does not fit in i32");
  expect(() => read("U64", BigUint64Array.of(2n ** 32n), 1)).toThrow(FormatError);
});

describe("refuses", () => {
  const x = entry("U8", [2], 0, 2);
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "is truncated, it has no header (0 vs ≥ 8 bytes)"],
    ["a header beyond the end", file({ x }, [1, 2], 2n ** 40n), "its header says 1099511627776 bytes"],
    ["something else", new TextEncoder().encode("GIF89a__ and so on"), "is truncated or none"],
    ["a header of no object", file("[]"), "its header is no object of such objects"],
    ["a header that ends early", file('{"x":{"dtype":"U8"'), "its header is no object of such objects"],
    ["a header with something behind it", file(`${JSON.stringify({ x })}x`, [1, 2]), "its header is no object of such"],
    ["deep nesting", file("[".repeat(1e6)), "its header is no object of such objects"],
    ["many arrays", file(`{"__metadata__":{"a":[${"[],".repeat(1e5)}[]]}}`), "its header is no object of such objects"],
    ["bad UTF-8", file('{"x\u0000":{}}'.replace("\u0000", ""), []).map((b, i) => (i === 10 ? 0xff : b)), "no UTF-8"],
    ["bad JSON", file('{"x":{"dtype":U8}}'), "its header is no JSON at"],
    ["a bad name", file('{"\\x":{}}'), 'its header is no JSON at "\\"\\\\x\\""'],
    [
      "two of a name",
      file('{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      "it has two arrays x",
    ],
    ["two __metadata__", file('{"__metadata__":{},"__metadata__":{}}'), "it has two __metadata__"],
    ["metadata that are numbers", file('{"__metadata__":{"n":1}}'), "its metadata are not all strings"],
    ["an unknown dtype", file({ x: entry("F4", [2], 0, 1) }, [0]), "x holds F4 values; they must be one of U64"],
    ["a dtype of Object", file({ x: entry("toString", [2], 0, 1) }, [0]), "x holds toString values"],
    ["no dtype", file({ x: {} }), "x holds undefined values"],
    ["a negative size", file({ x: entry("U8", [-1, -2], 0, 2) }, [0, 0]), "x has the shape [-1,-2]"],
    ["half a size", file({ x: entry("U8", [1.5], 0, 2) }, [0, 0]), "x has the shape [1.5]"],
    ["no range", file({ x: { dtype: "U8", shape: [0] } }), "x lies at undefined"],
    ["a range backwards", file({ x: entry("U8", [2], 2, 0) }, [0, 0]), "takes 2 bytes (vs -2 at 2 … 0)"],
    ["a huge shape", file({ x: entry("F32", [2 ** 40, 2 ** 40], 0, 2) }, [0, 0]), "(vs 2 at 0 … 2)"],
    ["a shape beyond numbers", file({ x: entry("F32", [...Array(40).fill(2 ** 50), 0], 0, 0) }), "takes NaN bytes"],
    [
      "a range beyond the data",
      file({ x: entry("U8", [9], 0, 9) }, [0, 0]),
      "its arrays take 9 bytes (vs 2 there are)",
    ],
    ["data beyond the ranges", file({ x }, [1, 2, 3]), "its arrays take 2 bytes (vs 3 there are)"],
    ["a gap", file({ x, y: entry("U8", [1], 3, 4) }, [1, 2, 3, 4]), "y begins at byte 3 (vs 2"],
    ["an overlap", file({ x, y: entry("U8", [2], 1, 3) }, [1, 2, 3]), "y begins at byte 1 (vs 2"],
    [
      "an entry of kilobytes",
      file(`{"x":{"dtype":"U8","shape":[${"1,".repeat(4000)}1],"data_offsets":[0,1]}}`, [1]),
      "it has an entry x of 8047 bytes (vs at most 4096)",
    ],
  ])("%s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes, "x.safetensors")).toThrow(FormatError);
    expect(() => readSafetensors(bytes, "x.safetensors")).toThrow(message);
  });

  test("a header larger than any", () => {
    expect(() => readSafetensors(file(" ".repeat(2 ** 24 + 1)))).toThrow(
      "its header has 16777217 bytes (vs at most 16777216)",
    );
  });

  test("an array that is not there", () => {
    const opened = readSafetensors(writeSafetensors({ x: ndarray(u8(1), [1]) }));
    expect(() => opened.read("y")).toThrow("has no array y; it has x");
  });
});

describe("damage", () => {
  /** Reads all there is: values, or a typed error, and nothing that the file does not have bytes for. */
  const survives = (bytes: Uint8Array) => {
    try {
      for (const { data } of all(bytes).values()) expect(data.byteLength).toBeLessThanOrEqual(4 * bytes.length);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(WgradError);
      return false;
    }
  };

  test("a file that is cut anywhere is refused", () => {
    fc.assert(
      fc.property(arrays, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (written, share) => {
        const bytes = writeSafetensors(written);
        expect(survives(bytes.subarray(0, Math.floor(share * bytes.length)))).toBe(false);
      }),
    );
  });

  test("a file with flipped bits is read or refused", () => {
    const flips = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(7)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(arrays, flips, (written, list) => {
        const bytes = writeSafetensors(written);
        for (const [share, bit] of list) bytes[Math.floor(share * bytes.length)]! ^= 1 << bit;
        survives(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test("so are any bytes, and any header", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void survives(bytes)));
    fc.assert(fc.property(fc.json(), fc.uint8Array(), (json, data) => void survives(file(json, data))));
    const members = fc.dictionary(
      fc.string(),
      fc.record(
        {
          dtype: fc.constantFrom("F32", "U8", "x"),
          shape: fc.array(fc.integer()),
          data_offsets: fc.array(fc.integer({ min: -1, max: 9 })),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(fc.property(members, fc.uint8Array(), (header, data) => void survives(file(header, data))));
  });
});

describe("memory", () => {
  const megabytes = 2 ** 20;
  const ones = (rank: number) => Array(rank).fill("1,").join("");
  const empty = (i: number, rank = 0, key = String(i)) =>
    `"${key}":{"dtype":"U8","shape":[${ones(rank)}0],"data_offsets":[0,0]}`;
  const entries = (n: number, rank = 0) => file(`{${Array.from({ length: n }, (_, i) => empty(i, rank))}}`);
  const named = (name: string) => file(`{"${name}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`);
  const inMetadata = (text: string) => file(`{"__metadata__":{${text}}}`);

  test.each<[string, Uint8Array, string]>([
    ["many arrays", entries(250_000), "arrays takes more memory than its"],
    ["sizes without number", entries(4000, 2000), "arrays takes more memory than its"],
    ["some sizes each", entries(80_000, 70), "arrays takes more memory than its"],
    ["a name without end", named("x".repeat(15 * megabytes)), "it has a name of 15728642 bytes (vs at most 4096)"],
    ["a name beyond Latin", named(`${"x".repeat(15 * megabytes)}あ`), "it has a name of"],
    ["escapes", named("\\u0041".repeat(2.5 * megabytes)), "it has a name of"],
    [
      "texts without number",
      inMetadata(Array.from({ length: 10 ** 6 }, (_, i) => `"${i}":""`).join()),
      "has metadata of",
    ],
    ["nesting", file("[".repeat(15 * megabytes)), "its header is no object of such objects"],
    ["spaces", file(" ".repeat(15 * megabytes)), "its header is no object of such objects"],
  ])("of twice a file is enough to refuse %s", (_, bytes, message) => {
    const peak = peakMemory(() => {
      try {
        return readSafetensors(bytes);
      } catch (error) {
        return error;
      }
    });
    expect(peak.result).toBeInstanceOf(FormatError);
    expect((peak.result as Error).message).toContain(message);
    expect(peak.bytes).toBeLessThan(2 * bytes.length + 8 * megabytes);
  });

  test("files of ten thousand arrays, or of metadata, are read", () => {
    expect(readSafetensors(entries(10_000)).types.size).toBe(10_000);
    expect(readSafetensors(entries(500, 64)).types.size).toBe(500);
    expect(readSafetensors(inMetadata(`"notes":"${"x".repeat(megabytes / 2)}"`)).metadata.notes).toHaveLength(
      megabytes / 2,
    );
  });

  test("an array takes what arrays on the host take: of 16-bit floats, four times the file", () => {
    const n = 4 * megabytes;
    const halves = file({ x: entry("F16", [n], 0, 2 * n) }, new Uint8Array(2 * n));
    const { bytes } = peakMemory(() => readSafetensors(halves).read("x"));
    expect(bytes / halves.length).toBeGreaterThan(3.9);
    expect(bytes / halves.length).toBeLessThan(5.5); // what it copied piece by piece may be there yet
  });
});
