// Files that are truncated, damaged or made to deceive: an error of ours, soon, and no more memory than twice the file.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as nn from "../../src/nn/index.ts";
import { builders } from "../../src/onnx/builders/index.ts";
import { fromOnnx, toOnnx } from "../../src/onnx/index.ts";
import { model as schema } from "../../src/onnx/model.ts";
import * as protobuf from "../../src/onnx/protobuf.ts";
import { Budget, decode, type Message, type Schema } from "../../src/onnx/protobuf.ts";
import { encode } from "../../src/onnx/protobufWriter.ts";
import { FormatError, UnsupportedError, WgradError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32 } from "../../src/shape/types.ts";
import { full } from "../../src/tensor.ts";
import { fileOf, node } from "../onnxFiles.ts";
import { peakMemory } from "../peakMemory.ts";

const model = nn.sequential(
  ...[nn.conv2d({ filters: 2, kernel: 3 }), nn.maxPool2d(2), nn.reshape(2, 4), nn.lstm({ units: 2, returns: "last" })],
  nn.dense({ units: 3 }),
);
const file = toOnnx(model, model.init(nn.keyOf(0), f32(1, 6, 6, 1)).params, f32(1, 6, 6, 1), {
  output: (y) => y.softmax(),
});

/** Reads a file and builds its graph, sizes that are open being 2. */
function build(bytes: Uint8Array): void {
  const { inputs, params, apply } = fromOnnx(bytes);
  const sizes = (shape: readonly (number | string)[] | undefined) =>
    (shape ?? []).map((n) => (typeof n === "number" ? n : 2));
  const given = inputs.map(({ name, dtype, shape }) => [name, full({ dtype, shape: sizes(shape) }, 0)] as const);
  const weights = Object.entries(params).map(([name, type]) => [name, full(type, 0)] as const);
  apply(Object.fromEntries(weights), Object.fromEntries(given));
}

/** The error of ours that `f` ends with, soon, if any; any other is a failure. */
function errorOf(f: () => void): WgradError | undefined {
  const start = performance.now();
  try {
    f();
    return undefined;
  } catch (error) {
    if (error instanceof WgradError) return error;
    throw error;
  } finally {
    expect(performance.now() - start).toBeLessThan(20_000);
  }
}

const runs = { numRuns: 300, seed: 5 };
const minutes = 120_000;

describe("damage", () => {
  test("the file is whole", () => expect(errorOf(() => build(file))).toBeUndefined());

  test("a file that is cut off anywhere is refused", () => {
    for (let length = 0; length < file.length; length++) {
      const error = errorOf(() => fromOnnx(file.subarray(0, length)));
      expect(error instanceof FormatError || error instanceof UnsupportedError, `${length} bytes`).toBe(true);
    }
  });

  test(
    "bits that flip are found, or give another graph",
    () => {
      const flips = fc.array(fc.nat(8 * file.length - 1), { minLength: 1, maxLength: 8 });
      fc.assert(
        fc.property(flips, (bits) => {
          const damaged = file.slice();
          for (const bit of bits) damaged[bit >> 3]! ^= 1 << (bit & 7);
          errorOf(() => build(damaged));
        }),
        { ...runs, numRuns: 600 },
      );
    },
    minutes,
  );

  test("bytes that are none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const error = errorOf(() => fromOnnx(bytes));
        expect(error instanceof FormatError || error instanceof UnsupportedError).toBe(true);
      }),
      runs,
    );
  });

  test("parts of the file that are doubled, left out or moved", () => {
    const cut = fc.record({ from: fc.nat(file.length), to: fc.nat(file.length), at: fc.nat(file.length) });
    fc.assert(
      fc.property(cut, ({ from, to, at }) => {
        const part = file.subarray(Math.min(from, to), Math.max(from, to));
        errorOf(() => build(Uint8Array.from([...file.subarray(0, at), ...part, ...file.subarray(at)])));
        errorOf(() =>
          build(Uint8Array.from([...file.subarray(0, Math.min(from, to)), ...file.subarray(Math.max(from, to))])),
        );
      }),
      runs,
    );
  });
});

describe("protobuf", () => {
  const schema = {
    i: protobuf.int(1),
    f: protobuf.float(2),
    s: protobuf.string(3),
    b: protobuf.bytes(4),
    is: protobuf.ints(5),
    fs: protobuf.floats(16),
    ss: protobuf.strings(17),
    m: protobuf.message({ i: protobuf.int(1), is: protobuf.ints(2000) }, 6),
    ms: protobuf.messages({ s: protobuf.string(1) }, 7),
  } satisfies Schema;
  const integer = fc.maxSafeInteger();
  const float = fc.float({ noNaN: true });
  const value: fc.Arbitrary<Message<typeof schema>> = fc.record(
    {
      ...{ i: integer, f: float, s: fc.string({ unit: "grapheme" }), b: fc.uint8Array() },
      ...{ is: fc.array(integer, { minLength: 1 }), fs: fc.array(float, { minLength: 1 }) },
      ss: fc.array(fc.string(), { minLength: 1 }),
      m: fc.record({ i: integer, is: fc.array(integer, { minLength: 1 }) }, { requiredKeys: [] }),
      ms: fc.array(fc.record({ s: fc.string() }), { minLength: 1 }),
    },
    { requiredKeys: [] },
  );

  test("what is written is read", () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(decode(schema, encode(schema, v), new Budget(1e9))).toEqual(v);
      }),
      runs,
    );
  });

  test("numbers of a list may stand in one piece; fields without a name are skipped", () => {
    const bytes = [
      0x2a,
      3,
      1,
      0xac,
      2,
      0x28,
      7,
      /* 31: */ 0xf8,
      1,
      5,
      0xfa,
      1,
      1,
      0,
      0xf9,
      1,
      ...Array(8).fill(0),
      8,
      9,
    ];
    expect(decode(schema, Uint8Array.from(bytes), new Budget(1e9))).toEqual({ is: [1, 300, 7], i: 9 });
  });

  test.each([
    ["a varint without an end", [8, ...Array(11).fill(0xff)], "longer than 64 bits"],
    ["a length beyond the end", [0x1a, 100, 65], "1 bytes left vs 100 announced"],
    ["a length of 2⁶²", [0x1a, ...Array(8).fill(0x80), 0x40, 65], "announced"],
    ["a negative length", [0x1a, ...Array(9).fill(0xff), 1], "a length is negative"],
    ["text that is none", [0x1a, 2, 0xc3, 0x28], "not UTF-8"],
    ["a group", [0x0b], "wire type 3"],
    ["another wire type", [0x0d, 0, 0, 0, 0], "i has wire type 5 (vs 0)"],
    ["field 0", [0, 0], "the number 0"],
  ])("%s", (_, bytes, message) => {
    const read = () => decode(schema, Uint8Array.from(bytes), new Budget(1e9));
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });
});

describe("deceit", () => {
  const relu = { nodes: [node("Relu", "x", "y")], inputs: { x: f32(2) }, outputs: ["y"] };
  const withWeight = (weight: object) =>
    fileOf({ ...relu, graph: { initializer: [{ name: "w", dataType: 1, ...weight }] } });
  const twice = [node("Relu", "x", "y"), node("Neg", "x", "y")];
  const loop = [node("Add", "x b", "a"), node("Relu", "a", "b"), node("Neg", "b", "y")];
  const four = new Uint8Array(16);

  test.each<[string, Uint8Array, typeof FormatError | typeof UnsupportedError, string]>([
    ["a cycle", fileOf({ ...relu, nodes: loop }), FormatError, "reads b before it is made"],
    ["a node that reads itself", fileOf({ ...relu, nodes: [node("Relu", "y", "y")] }), FormatError, "reads y before"],
    ["two values of one name", fileOf({ ...relu, nodes: twice }), FormatError, "two values are called y"],
    ["an output that nothing makes", fileOf({ ...relu, outputs: ["z"] }), FormatError, "no node makes the output z"],
    ["no output", fileOf({ ...relu, outputs: [] }), FormatError, "no output"],
    [
      "an unknown operator",
      fileOf({ ...relu, nodes: [node("toString", "x", "y")] }),
      UnsupportedError,
      "toString of ai.onnx",
    ],
    ["control flow", fileOf({ ...relu, nodes: [node("Loop", "x", "y")] }), UnsupportedError, "Loop"],
    ["sizes without data", withWeight({ dims: [2 ** 40, 2 ** 40] }), FormatError, "0 bytes of data"],
    [
      "sizes that overflow",
      withWeight({ dims: Array(40).fill(2 ** 53 - 1), rawData: four }),
      FormatError,
      "16 bytes of data",
    ],
    ["a negative size", withWeight({ dims: [-4], rawData: four }), FormatError, "sizes [-4]"],
    ["more data than elements", withWeight({ dims: [3], rawData: four }), FormatError, "16 bytes of data (vs 12)"],
    [
      "fewer numbers than elements",
      withWeight({ dims: [9], dataType: 7, int64Data: four.subarray(0, 8) }),
      FormatError,
      "≥ 9",
    ],
    [
      "more numbers than elements",
      withWeight({ dims: [9], dataType: 7, int64Data: four }),
      FormatError,
      "more than 9 numbers",
    ],
    ["data in another file", withWeight({ dims: [1], dataLocation: 1 }), UnsupportedError, "in another file"],
    [
      "an element type that is none",
      withWeight({ dims: [4], dataType: 99, rawData: four }),
      UnsupportedError,
      "element type 99",
    ],
    ["half floats", withWeight({ dims: [8], dataType: 10, rawData: four }), UnsupportedError, "element type 10"],
    ["sparse tensors", fileOf({ ...relu, graph: { sparseInitializer: [four] } }), UnsupportedError, "sparse"],
    ["a number of 64 bits", fileOf({ ...relu, initialisers: { w: [2 ** 40] } }), UnsupportedError, "more than 32 bits"],
    ["no graph", encode(schema, { irVersion: 9 }), FormatError, "no graph"],
  ])("%s", (_, bytes, type, message) => {
    expect(() => fromOnnx(bytes)).toThrow(type);
    expect(() => fromOnnx(bytes)).toThrow(message);
  });

  test("a name that means something to JavaScript is a name", () => {
    const nodes = [node("Mul", "x __proto__", "constructor"), node("Add", "constructor toString", "y")];
    const initialisers = { ["__proto__"]: ndarray(f32(1), [2]), toString: ndarray(f32(1), [3]) };
    const { params } = fromOnnx(fileOf({ ...relu, nodes, initialisers }));
    expect(Object.keys(params)).toEqual(["__proto__", "toString"]);
    expect(Object.getPrototypeOf(params)).toBe(Object.prototype);
    build(fileOf({ ...relu, nodes, initialisers }));
  });

  test("nesting is skipped, however deep", () => {
    // sub-graphs in attributes: { graph: { node: { attribute: { graph: … } } } }
    let nested = Uint8Array.of();
    const wrap = (tag: number) => Uint8Array.from([tag, ...varint(nested.length), ...nested]);
    for (let depth = 0; depth < 300; depth++) for (const tag of [0x0a, 0x2a, 0x32]) nested = wrap(tag);
    const attribute = Uint8Array.from([0x0a, 1, 65, ...nested]);
    const one = Uint8Array.from([
      0x22,
      4,
      ...new TextEncoder().encode("Relu"),
      0x2a,
      ...varint(attribute.length),
      ...attribute,
    ]);
    const graph = Uint8Array.from([0x0a, ...varint(one.length), ...one]);
    const bytes = Uint8Array.from([0x42, 2, 0x10, 20, 0x3a, ...varint(graph.length), ...graph]);
    expect(() => fromOnnx(bytes)).toThrow("no output");
  });

  test.each([
    ["a constant", [node("ConstantOfShape", "huge", "a"), node("Add", "a x", "y")]],
    ["an expansion", [node("Expand", "x huge", "y")]],
    ["padding", [node("Pad", "x pads", "y")]],
    ["tiles", [node("Unsqueeze", "x zero", "a"), node("Tile", "a huge", "y")]],
    ["a range", [node("Range", "start limit step", "a"), node("Neg", "a", "y")]],
    [
      "one-hot",
      [node("Constant", "", "values", { value: ndarray(f32(2), [0, 1]) }), node("OneHot", "ids limit values", "y")],
    ],
    ["pooling", [node("Reshape", "x image", "a"), node("MaxPool", "a", "y", { kernel_shape: [2 ** 30, 2 ** 30] })]],
    [
      "a window in padding",
      [
        node("Reshape", "x image", "a"),
        node("AveragePool", "a", "y", { kernel_shape: [60, 60], pads: [59, 59, 59, 59] }),
      ],
    ],
    ["steps", [node("Expand", "x long", "a"), node("GRU", "a w r", "y", { hidden_size: 1 })]],
    [
      "a window with gaps",
      [node("Expand", "x signal", "a"), node("AveragePool", "a", "y", { kernel_shape: [2], dilations: [2] })],
    ],
  ])("sizes that are made of nothing: %s", (_, nodes) => {
    const initialisers = {
      ...{ huge: [2 ** 30, 2 ** 30], pads: [2 ** 30, 2 ** 30], zero: [0], image: [1, 1, 1, 2], long: [2 ** 30, 1, 2] },
      signal: [1, 2 ** 28, 2],
      ...{
        start: ndarray(i32(), [0]),
        limit: ndarray(i32(), [2 ** 31 - 1]),
        step: ndarray(i32(), [1]),
        ids: ndarray(i32(2), [0, 1]),
      },
      ...{ w: ndarray(f32(1, 3, 2), () => 0), r: ndarray(f32(1, 3, 1), () => 0) },
    };
    errorOf(() => build(fileOf({ ...relu, nodes, initialisers, opset: 18 })));
  });

  /** A node of a kind, many times. */
  const times = (n: number, op: string, inputs: string, attributes = {}) =>
    Array.from({ length: n }, (_, i) => node(op, inputs, `u${i}`, attributes));
  const doubled = Array.from({ length: 20_000 }, (_, i) => node("Add", `v${i} v${i}`, `v${i + 1}`));
  test.each([
    ["constants of constants", [node("ConstantOfShape", "list", "v0"), ...doubled]],
    [
      "images of constants",
      [node("ConstantOfShape", "image", "a"), ...times(100, "Conv", "a a", { pads: Array(4).fill(32) })],
    ],
    [
      "windows with gaps",
      [node("Expand", "x signal", "a"), ...times(100, "MaxPool", "a", { kernel_shape: [4096], dilations: [2] })],
    ],
    ["recurrences", [node("Expand", "x long", "a"), ...times(40, "GRU", "a w r", { hidden_size: 1 })]],
  ])("much that is made of little: %s", (_, nodes) => {
    const initialisers = {
      ...{ list: [4096], image: [1, 1, 64, 64], signal: [1, 1, 2 ** 14], long: [2 ** 16, 1, 2] },
      ...{ w: ndarray(f32(1, 3, 2), () => 0), r: ndarray(f32(1, 3, 1), () => 0) },
    };
    const before = process.memoryUsage().heapUsed;
    errorOf(() => build(fileOf({ ...relu, nodes: [...nodes, node("Relu", "x", "y")], initialisers })));
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 28);
  });

  test(
    "nodes of any kind, with any arguments",
    () => {
      const values = ["x", "i", "b", "w", "s", "n", "-"];
      const numbers = fc.array(fc.oneof(fc.integer({ min: -3, max: 5 }), fc.integer()), { maxLength: 5 });
      const attribute = fc.oneof(
        fc.integer({ min: -3, max: 5 }),
        fc.integer(),
        numbers,
        fc.float().map((float) => ({ float })),
        fc.constantFrom("SAME_UPPER", "constant", "reverse", "x"),
      );
      const names = [
        ...[
          "axis",
          "axes",
          "perm",
          "kernel_shape",
          "strides",
          "pads",
          "dilations",
          "group",
          "to",
          "keepdims",
          "hidden_size",
          "direction",
        ],
        ...[
          "num_groups",
          "auto_pad",
          "ceil_mode",
          "value_ints",
          "start",
          "end",
          "layout",
          "output_padding",
          "output_shape",
          "ratio",
          "mode",
        ],
      ];
      const step = fc.record({
        op: fc.constantFrom(...Object.keys(builders)),
        inputs: fc.array(fc.constantFrom(...values, "v0", "v1"), { maxLength: 6 }),
        attributes: fc.dictionary(fc.constantFrom(...names), attribute, { maxKeys: 4 }),
      });
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 3 }), fc.integer({ min: 7, max: 28 }), (steps, opset) => {
          const nodes = steps.map(({ op, inputs, attributes }, k) =>
            node(
              op,
              inputs.map((name) => (name.startsWith("v") && Number(name[1]) >= k ? "x" : name)).join(" "),
              `v${k} u${k}`,
              attributes,
            ),
          );
          const bytes = fileOf({
            ...{ nodes, opset, outputs: [`v${steps.length - 1}`] },
            inputs: { x: f32(1, 2, 4, 4), i: i32(2, 2), b: { dtype: "bool", shape: [2] } },
            initialisers: { w: ndarray(f32(2, 2, 3, 3), (k) => k), s: [2, -1], n: [] },
          });
          errorOf(() => build(bytes));
        }),
        { ...runs, numRuns: 3000 },
      );
    },
    minutes,
  );
});

describe("memory", () => {
  const megabytes = 2 ** 20;
  const size = 64 * megabytes; // so that twice the file is much beside what reading any file may take
  const relu = { nodes: [node("Relu", "x", "y")], inputs: { x: f32(2) }, outputs: ["y"] };
  const withWeight = (weight: object) => fileOf({ ...relu, graph: { initializer: [{ name: "w", ...weight }] } });
  const zeros = new Uint8Array(size);
  /** A graph of one field, empty, over and over. */
  const repeated = (tag: number) => {
    const head = [0x42, 2, 0x10, 20, 0x3a, ...varint(size)];
    const bytes = new Uint8Array(head.length + size);
    bytes.set(head);
    for (let at = head.length; at < bytes.length; at += 2) bytes[at] = tag;
    return bytes;
  };

  test.each<[string, () => Uint8Array]>([
    ["floats", () => withWeight({ dims: [size / 4], dataType: 1, rawData: zeros })],
    ["small integers in long lists", () => withWeight({ dims: [size], dataType: 6, int32Data: zeros })],
    ["64-bit integers in a byte each", () => withWeight({ dims: [size], dataType: 7, int64Data: zeros })],
    ["sizes that lie", () => withWeight({ dims: [2 ** 31], dataType: 1, rawData: zeros })],
    ["sizes without end", () => withWeight({ dims: Array(100_000).fill(1), dataType: 1, rawData: zeros })],
    ["empty nodes", () => repeated(0x0a)],
    ["empty initialisers", () => repeated(0x2a)],
    ["empty inputs", () => repeated(0x5a)],
  ])("%s", (_, made) => {
    const bytes = made();
    const { bytes: peak } = peakMemory(() => errorOf(() => fromOnnx(bytes)));
    expect(peak).toBeLessThan(2 * bytes.length + 32 * megabytes); // half of that is garbage
  });
});

function varint(n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...varint(Math.floor(n / 128))];
}
