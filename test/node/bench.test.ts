// The arithmetic of the benchmarks.
import { expect, test } from "vitest";
import { calibrate, spread, time } from "../../bench/measure.ts";
import { batches, firstBatch } from "../../bench/peers/contestant.ts";
import { crossover } from "../../bench/sizes.ts";
import { short, table } from "../../bench/table.ts";

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
