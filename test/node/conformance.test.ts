// The runner of outside cases, on cases made here: what passes, fails and is unsupported, and what happens to damaged input.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { root } from "../../src/cli/browsers.mjs";
import { FileError } from "../../src/cli/conformance/case.ts";
import { compare } from "../../src/cli/conformance/compare.ts";
import { readCases } from "../../src/cli/conformance/file.ts";
import { uniforms } from "../../src/cli/conformance/onnx/numpy.ts";
import { printOps } from "../../src/cli/conformance/report.ts";
import { type Result, runCases } from "../../src/cli/conformance/run.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";

const base64 = (values: ArrayBufferView) => Buffer.from(values.buffer).toString("base64");
const floats = (name: string, shape: number[], values: number[]) => ({
  name,
  shape,
  dtype: "float32",
  data: base64(new Float32Array(values)),
});
const longs = (name: string, values: bigint[]) => ({
  name,
  shape: [values.length],
  dtype: "int64",
  data: base64(new BigInt64Array(values)),
});

/** y = x², with the gradient of ⟨y, 1⟩. */
const square = {
  name: "square_2",
  op: "square",
  attrs: {},
  inputs: [floats("x", [2], [3, -2])],
  outputs: [floats("y", [2], [9, 4])],
  cotangents: [floats("y", [2], [1, 1])],
  grads: [floats("x", [2], [6, -4])],
};
const torch = (...cases: unknown[]) => ({ format: "torch-grad/1", cases });

const flatten = {
  name: "flatten",
  op: "Flatten",
  opset: 25,
  attrs: { axis: -1 },
  node_inputs: ["a"],
  node_outputs: ["b"],
  inputs: [floats("a", [1, 2, 3], [1, 2, 3, 4, 5, 6])],
  outputs: [floats("b", [2, 3], [1, 2, 3, 4, 5, 6])],
};
const onnx = (...cases: unknown[]) => ({ format: "onnx-node/1", tolerance: { rtol: 1e-3, atol: 1e-7 }, cases });

const bytes = (file: unknown) => Buffer.from(JSON.stringify(file));

async function run(file: Uint8Array): Promise<Result[]> {
  const results: Result[] = [];
  const readMnist = () => Promise.reject(new Error("no data here"));
  await runCases(await readCases(file), { device: new CpuDevice(), readMnist }, (result) => results.push(result));
  return results;
}

describe("a case", () => {
  test("passes, gzipped or not", async () => {
    for (const file of [bytes(torch(square)), gzipSync(bytes(torch(square)))])
      expect(await run(file)).toEqual([{ name: "square_2", op: "square", backend: "cpu", status: "passed", worst: 0 }]);
    expect(await run(bytes(onnx(flatten)))).toMatchObject([{ status: "passed" }]);
  });

  test("fails on a wrong value, a wrong gradient and a wrong shape", async () => {
    const wrong = { ...square, outputs: [floats("y", [2], [9, 4.1])] };
    const wrongGradient = { ...square, grads: [floats("x", [2], [6, 4])] };
    const wrongShape = { ...square, outputs: [floats("y", [1, 2], [9, 4])] };
    const results = await run(bytes(torch(wrong, wrongGradient, wrongShape, square)));
    expect(results.map(({ status }) => status)).toEqual(["failed", "failed", "failed", "passed"]);
    expect(results.map(({ reason }) => reason)).toEqual([
      "y at [1]: got 9 4, want 9 4.1",
      "grad x at [1]: got 6 -4, want 6 4",
      "y is f32[2], wanted f32[1,2]",
      undefined,
    ]);
    expect(results[0]?.worst).toBeCloseTo(0.1 / (1e-5 + 1e-4 * 4.1), 2);
  });

  test("is unsupported for an unknown op, dtype or empty tensor, with the reason", async () => {
    const empty = { ...flatten, inputs: [floats("a", [0, 2], [])], outputs: [floats("b", [0, 2], [])] };
    const results = [
      ...(await run(bytes(torch({ ...square, op: "fft" }, { ...square, op: "toString" })))),
      ...(await run(bytes(onnx({ ...flatten, inputs: [{ ...flatten.inputs[0], dtype: "bfloat16" }] }, empty)))),
    ];
    expect(results.map(({ status, reason }) => `${status}: ${reason}`)).toEqual([
      "unsupported: op fft",
      "unsupported: op toString",
      "unsupported: dtype bfloat16",
      "unsupported: a tensor without elements ([0,2])",
    ]);
  });

  test("that is malformed fails, and the next one is run", async () => {
    const results = await run(
      bytes(
        torch(
          null,
          { name: "no op" },
          { ...square, inputs: [] },
          { ...square, inputs: [{ ...square.inputs[0], data: "AAAA" }] },
          { ...square, inputs: [{ ...square.inputs[0], data: "?" }] },
          { ...square, outputs: "y", grads: [] },
          { ...square, op: "transpose" },
          { ...square, op: "transpose", attrs: { perm: [3, 1] } },
          square,
        ),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual([...Array(8).fill("failed"), "passed"]);
    expect(results.map(({ reason }) => reason?.slice(0, 60))).toMatchInlineSnapshot(`
      [
        "CaseError: a case must be an object with a name and an op",
        "CaseError: a case must be an object with a name and an op",
        "CaseError: input x is missing; there are ",
        "CaseError: x: 3 bytes of data for float32[2], which takes 8",
        "CaseError: x: data is not base64",
        "CaseError: outputs must be a list, got "y"",
        "FormatError: attribute perm is missing",
        "ShapeError: transpose: [3,1] is no permutation of the axes o",
        undefined,
      ]
    `);
  });

  test("of integers takes its shape and axes from the values", async () => {
    const reshape = {
      ...flatten,
      op: "Reshape",
      attrs: {},
      node_inputs: ["a", "shape"],
      inputs: [flatten.inputs[0], longs("shape", [-1n, 3n])],
    };
    const tooLarge = { ...reshape, inputs: [flatten.inputs[0], longs("shape", [2n ** 40n])] };
    expect(await run(bytes(onnx(reshape, tooLarge)))).toMatchObject([{ status: "passed" }, { status: "unsupported" }]);
  });
});

describe("a file", () => {
  const damaged: [string, Uint8Array][] = [
    ["cut off", gzipSync(bytes(torch(square))).subarray(0, 60)],
    ["not JSON", Buffer.from("{")],
    ["of no known format", bytes({ format: "torch-grad/9", cases: [] })],
    ["no object", bytes([1, 2])],
    ["without cases", bytes({ format: "torch-grad/1" })],
    ["with cases that are no list", bytes({ format: "onnx-node/1", cases: {} })],
    ["without nets", bytes({ format: "mnist-golden/1" })],
  ];
  test.each(damaged)("that is %s is a FileError", async (_, file) => {
    await expect(readCases(file)).rejects.toThrow(FileError);
  });

  test("of golden numbers gives a case per net, which fails where the net cannot be read", async () => {
    const file = { format: "mnist-golden/1", task: {}, nets: { mlp: {}, transformer: {} } };
    const results = await run(bytes(file));
    expect(results.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "golden/mlp failed",
      "golden/transformer unsupported",
    ]);
  });
});

test("a value that is not finite is wrong, unless it is wanted", () => {
  const wanted = (x: number) => ({ what: "y", array: ndarray(f32(), [x]), tolerance: { rtol: 1, atol: 1, l2: 1 } });
  const got = (x: number) => ndarray(f32(), [x]);
  for (const x of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(compare(got(x), wanted(x))).toBe(0);
    expect(() => compare(got(x), wanted(1))).toThrow("y at []");
    expect(() => compare(got(1), wanted(x))).toThrow("y at []");
  }
});

test("the uniform numbers are numpy's", () => {
  expect(uniforms(0, 3)).toEqual([0.5488135039273248, 0.7151893663724195, 0.6027633760716439]);
});

test("an op is a line; its failures and the reasons for what is unsupported stand below", () => {
  const result = (status: Result["status"], worst: number | null, reason?: string): Result => ({
    name: "a",
    op: "relu",
    backend: "cpu",
    status,
    worst,
    ...(reason ? { reason } : {}),
  });
  const lines = printOps([
    result("passed", 0.25),
    result("failed", 3, "y is off"),
    result("unsupported", null, "dtype q4"),
    result("unsupported", null, "dtype q4"),
  ]);
  expect(lines.split("\n")).toEqual([
    "  relu  1 passed (worst error 0.250 of what is tolerated), 1 failed, 2 unsupported",
    "    failed a: y is off (3.00 times what is tolerated)",
    "    unsupported: dtype q4 (2 cases)",
  ]);
});

describe("the command", () => {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-conformance-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, data: Uint8Array) => {
    writeFileSync(join(folder, name), data);
    return join(folder, name);
  };
  const conformance = (...args: string[]) =>
    spawnSync(
      join(root, "node_modules/.bin/tsx"),
      [join(root, "src/cli/conformance.ts"), "--backend", "cpu", ...args],
      {
        encoding: "utf8",
      },
    );

  test("exits with 0 where all passed, and writes JSON", () => {
    const out = join(folder, "new/out.json");
    const { status, stdout } = conformance("--json", out, write("good.json", bytes(torch(square))));
    expect(stdout).toContain("total: 1 passed, 0 failed, 0 unsupported");
    expect(status).toBe(0);
    expect(JSON.parse(readFileSync(out, "utf8"))).toEqual({
      cases: [{ name: "square_2", op: "square", backend: "cpu", status: "passed", worst: 0 }],
      totals: { passed: 1, failed: 0, unsupported: 0 },
    });
  });

  test("exits with 1 where something failed; a damaged file is one failure, and the next is read", () => {
    const cut = write("cut.json.gz", gzipSync(bytes(torch(square))).subarray(0, 40));
    const { status, stdout } = conformance(cut, write("good.json", bytes(onnx(flatten))));
    expect(stdout).toContain("failed cut.json.gz: FileError");
    expect(stdout).toContain("total: 1 passed, 1 failed, 0 unsupported");
    expect(status).toBe(1);
  });

  test.each([[[]], [["no such file"]], [["--backend", "tpu", "x"]], [["--what"]]])("exits with 2 on %j", (args) => {
    expect(conformance(...args).status).toBe(2);
  });
});
