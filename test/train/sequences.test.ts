// Every task over sequences, run small: what it learns, what it prints.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { addingData } from "../../src/train/sequences/adding.ts";
import { windows } from "../../src/train/sequences/charRnn.ts";
import { type SequenceTaskName, sequenceTasks } from "../../src/train/sequences/index.ts";
import { reverseData } from "../../src/train/sequences/reverse.ts";
import { sineData } from "../../src/train/sequences/sine.ts";
import type { SequenceArgs } from "../../src/train/sequences/task.ts";

vi.setConfig({ testTimeout: 10 * 60_000 });

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

async function run(name: SequenceTaskName, args: Partial<SequenceArgs>, device: Device = gpu) {
  const lines: string[] = [];
  const result = await sequenceTasks[name].run(device, { seed: 1, ...args }, (line) => lines.push(line));
  return { result, lines };
}

test("adding: an LSTM learns it, and both cells are shown", async () => {
  const { result, lines } = await run("adding", { length: 6, steps: 300, batch: 32, lr: 0.01 });
  expect(Object.keys(result)).toEqual(["rnnTestLoss", "lstmTestLoss"]);
  expect(result.lstmTestLoss).toBeLessThan(0.02);
  expect(lines.join("\n")).toMatch(/rnn: test loss 0\.\d+/);
  const { x, y } = addingData(50, 7, 3);
  for (let i = 0; i < 50; i++) {
    const rows = Array.from({ length: 7 }, (_, t) => [x.data[(i * 7 + t) * 2]!, x.data[(i * 7 + t) * 2 + 1]!] as const);
    expect(rows.filter(([, mark]) => mark === 1)).toHaveLength(2);
    expect(y.data[i]).toBeCloseTo(
      rows.reduce((sum, [v, mark]) => sum + v * mark, 0),
      6,
    );
  }
});

test("char-rnn: goes on with what it has read, the state carried from window to window", async () => {
  const text = "0123456789".repeat(120);
  const { result, lines } = await run("char-rnn", { text, steps: 120, batch: 4, length: 8, temperature: 0.01 });
  expect(result.natsPerCharacter).toBeLessThan(0.1);
  const sample = lines.at(-1)!.replace(/[^0-9]/g, "");
  expect(sample.length).toBeGreaterThan(200);
  expect(text).toContain(sample.slice(0, 100));
  // stream b goes on in row b of the next window, and y is the character after x
  const { x, y } = windows([...Array(21).keys()], 2, 3);
  const rows = (data: ArrayLike<number>) =>
    Array.from({ length: 6 }, (_, r) => Array.from(data).slice(3 * r, 3 * r + 3));
  expect(rows(x.data)).toEqual([0, 10, 3, 13, 6, 16].map((from) => [from, from + 1, from + 2]));
  expect(rows(y.data)).toEqual([1, 11, 4, 14, 7, 17].map((from) => [from, from + 1, from + 2]));
});

test("reverse: attention runs from the end of the source to its start", async () => {
  const { result, lines } = await run("reverse", { length: 3, steps: 150, batch: 32 });
  expect(result.exactSequences).toBeGreaterThan(0.95);
  const picture = lines.slice(-4, -1).map((line) => line.slice(4));
  expect(picture.map((row) => row.indexOf("█"))).toEqual([4, 2, 0]);
  const { x, y } = reverseData(1, 3, 7);
  const source = [...x.data.subarray(0, 3)];
  expect([...x.data.subarray(3)]).toEqual([10, ...source.toReversed().slice(0, 2)]);
  expect([...y.data]).toEqual(source.toReversed());
});

test("sine: one-to-many", async () => {
  const { result, lines } = await run("sine", { length: 6, steps: 150, batch: 16, lr: 0.02 });
  expect(result.testLoss).toBeLessThan(0.01);
  expect(lines.at(-3)).toMatch(/^wanted [▁-█]{6}$/);
  const { x, y } = sineData(3, 5, 1);
  const [a, f, p] = x.data.subarray(3, 6) as unknown as [number, number, number];
  expect(y.data[5 + 4]).toBeCloseTo(a * Math.sin(4 * f + p), 6);
});

test("netbp: the whole run, its curve and its boundary", async () => {
  const { result, lines } = await run("netbp", {});
  expect(result.cost).toBeLessThan(1e-3);
  const curve = lines.find((line) => line.startsWith("cost"))!;
  expect(curve).toMatch(/█[▁-█]+▁$/);
  // each point lies on its side: right and left of it is the shade of its class
  const picture = lines.slice(-20);
  const count = (point: string, neighbours: RegExp) =>
    picture.flatMap((row) =>
      [...row.matchAll(new RegExp(point, "g"))].map(({ index }) => neighbours.test(row[index - 1]!)),
    );
  expect(count("o", /[░ox]/)).toEqual(Array(5).fill(true));
  expect(count("x", /[ ox]/)).toEqual(Array(5).fill(true));
});

test("linear: the gradient is the closed form's", async () => {
  const { result } = await run("linear", { steps: 400 });
  expect(result.cost).toBeLessThan(1e-6);
  expect(result.worstDifference).toBeLessThan(1e-5);
});

test("hessian: the eigenvalue that the reference finds, and where descent ends", async () => {
  const [early, reference] = [await run("hessian", { steps: 1 }), await run("hessian", { steps: 1 }, new CpuDevice())];
  expect(early.result.residual).toBeLessThan(1e-4);
  expect(early.result.eigenvalue! / reference.result.eigenvalue!).toBeCloseTo(1, 4);
  const { eigenvalue } = (await run("hessian", {})).result;
  expect(eigenvalue! * 0.05).toBeGreaterThan(1.8);
  expect(eigenvalue! * 0.05).toBeLessThan(2.2);
});
