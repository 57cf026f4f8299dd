// The arithmetic of the benchmarks, and what they cover.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cases } from "../../bench/cases.ts";
import { calibrate, spread, time } from "../../bench/measure.ts";
import { opCases } from "../../bench/ops.ts";
import { batches, firstBatch } from "../../bench/peers/contestant.ts";
import { sections } from "../../bench/reportPage.ts";
import { lastRun, Recorder, readResults } from "../../bench/results.ts";
import { crossover } from "../../bench/sizes.ts";
import { crossoverText } from "../../bench/suites/gpuVsCpuTable.ts";
import { short, table } from "../../bench/table.ts";
import { differenceOf } from "../../bench/values.ts";
import { toposort } from "../../src/graph/node.ts";
import type { Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";

test("the spread of samples", () => {
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, quartiles: [1.75, 3.25], samples: 4 });
  expect(spread([7]).median).toBe(7);
});

test("a sample is made long enough, in whole units", async () => {
  const wait = async (count: number) => {
    const end = performance.now() + 0.5 * count;
    while (performance.now() < end);
    return 0;
  };
  const count = await calibrate(wait, 20, 8);
  expect(count % 8).toBe(0);
  expect(count * (await time(wait, count)).milliseconds).toBeGreaterThan(8);
});

test("the crossover is where the GPU is ahead for good", () => {
  const points = [
    { size: 1, gpu: 3, wasm: 1 },
    { size: 2, gpu: 1, wasm: 2 },
    { size: 4, gpu: 3, wasm: 2 },
    { size: 8, gpu: 3, wasm: 4 },
    { size: 16, gpu: 3 },
  ];
  expect(crossover(points, "gpu", "wasm")).toBe(8);
  expect(crossover(points.slice(0, 3), "gpu", "wasm")).toBeNull();
  const texts = [points, points.slice(0, 3), points.slice(3, 4)].map((p) => crossoverText(p, "gpu", "wasm"));
  expect(texts).toEqual(["8", "never", "≤ 8"]);
  expect(crossoverText(points, "gpu", "reference")).toBe("–");
});

test("an epoch of batches takes each example at most once", () => {
  const next = batches(10, 4);
  const epoch = [...next(), ...next()];
  expect(new Set(epoch).size).toBe(8);
  expect([...firstBatch(2, 4)]).toEqual([8, 9, 10, 11]);
});

test("tables line up", () => {
  expect(
    table(
      ["a", "b"],
      [
        ["long name", "1"],
        ["x", "1,000"],
      ],
    ),
  ).toBe("a              b\nlong name      1\nx          1,000");
  expect([1234.5, 12.345, 0.001234].map(short)).toEqual(["1,235", "12.3", "0.00123"]);
});

test("every op is benchmarked by a function that contains it", () => {
  for (const [name, { sizes, typical, inputs, build }] of Object.entries(opCases)) {
    expect(typical, name).toBeLessThanOrEqual(sizes.at(-1) as number);
    const f = ({ x }: { x: Tensor[] }) => ({ y: [build(...x)].flat() });
    const { outputs } = trace(f as never, { x: [...inputs(sizes[0] as number)] } as never);
    const found = toposort(outputs.map(({ value }) => value)).map((node) => node.op.name);
    expect(found, name).toContain(name);
  }
  expect(new Set(cases.map((c) => c.name)).size).toBe(cases.length);
});

test("results: rows are kept as they come, replaced by name, and a run is resumed", () => {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-results-"));
  try {
    const rows = (run: string, ...values: readonly (readonly [string, number])[]) => {
      const recorder = new Recorder<{ device: string }, { name: string; ms: number }>(folder, "train", run);
      recorder.take({ about: { device: "A fast GPU" } });
      for (const [name, ms] of values) recorder.take({ row: { name, ms } });
      return recorder.result;
    };
    expect(lastRun(folder, "train")).toBeNull();
    rows("2026-01-01", ["mlp", 1], ["cnn", 2]);
    expect(rows("2026-01-02", ["cnn", 3]).rows).toEqual([{ name: "cnn", ms: 3 }]);
    expect(lastRun(folder, "train")).toEqual({ run: "2026-01-02", names: new Set(["cnn"]) });
    const file = JSON.parse(readFileSync(join(folder, "a-fast-gpu.json"), "utf8"));
    expect(file.suites.train.rows).toEqual([
      { name: "mlp", ms: 1, run: "2026-01-01" },
      { name: "cnn", ms: 3, run: "2026-01-02" },
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("every result that is kept can be printed, rows of earlier versions too", () => {
  const files = readResults(fileURLToPath(new URL("../../bench/results", import.meta.url)));
  expect(files.length).toBeGreaterThan(0);
  for (const { device, suites } of files)
    for (const [name, result] of Object.entries(suites)) {
      const text = sections[name as keyof typeof sections].table(result as never);
      expect(text, name).toContain(device);
      for (const row of result.rows) expect(text, name).toContain(row.name);
      expect(text, name).not.toMatch(/undefined|NaN|\[object/);
    }
});

test("a difference is relative to the greatest value, and infinite between lengths", () => {
  expect(differenceOf([1, 2, 3.5], [1, 2, 4])).toBe(0.125);
  expect(differenceOf([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
});
