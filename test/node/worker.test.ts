// A trainer led through a message channel, as a page leads one in a worker: runs, pauses, questions on the way, errors, weights.
import { expose } from "comlink";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import { leaves } from "../../src/graph/tree.ts";
import { dense } from "../../src/nn/layers.ts";
import { softmaxCrossEntropy } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { adam } from "../../src/optim/rules.ts";
import { FormatError, NonFiniteError, ShapeError, ValueError } from "../../src/shape/errors.ts";
import { isNdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32 } from "../../src/shape/types.ts";
import type { Progress } from "../../src/train/fit.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { type Connected, connectTrainer, TrainerHost } from "../../src/worker/index.ts";

interface Setup {
  readonly learningRate: number;
}

/** Points of the plane, labelled by the side of a line. */
const points = (n: number, seed: number) => {
  const xs = Array.from({ length: 2 * n }, (_, i) => Math.sin(12.9898 * (i + seed)) ** 2 - 0.5);
  const labels = Array.from({ length: n }, (_, i) => Number(xs[2 * i]! + xs[2 * i + 1]! > 0));
  return { x: ndarray(f32(n, 2), xs), y: ndarray(i32(n), labels) };
};

const host = () =>
  new TrainerHost(async ({ learningRate }: Setup) => ({
    trainer: await Trainer.create({
      ...{ device: new CpuDevice(), data: points(64, 1), batchSize: 16, loss: softmaxCrossEntropy },
      model: sequential(dense({ units: 8, activation: "tanh" }), dense({ units: 2 })),
      optimizer: adam({ learningRate }),
    }),
    test: points(40, 7),
  }));

let trainer: Connected<TrainerHost<Setup>>;
let ports: MessageChannel;
beforeEach(() => {
  ports = new MessageChannel();
  expose(host(), ports.port1);
  trainer = connectTrainer(ports.port2);
  return () => ports.port1.close();
});
afterEach(() => trainer.dispose());

test("a run reports, ends, and has learned", async () => {
  const info = await trainer.create({ learningRate: 0.05 });
  expect(info).toMatchObject({ adapter: "CPU reference (float64)", batchSize: 16, stepsPerEpoch: 4 });
  const before = await trainer.evaluate();
  const reports: Progress[] = [];
  const end = await trainer.start({ epochs: 10, validate: true }, (p) => void reports.push(p));
  expect(end).toEqual({ step: 40, ended: "finished" });
  expect(reports.at(-1)).toMatchObject({ step: 40, lastStep: 40 });
  expect(reports.flatMap((r) => r.losses)).toHaveLength(40);
  expect(reports.filter((r) => r.validation)).toHaveLength(10);
  const after = await trainer.evaluate();
  expect(after.loss).toBeLessThan(before.loss);
  expect(after.accuracy).toBeGreaterThan(0.9);
  expect(await trainer.evaluate(points(8, 3))).toMatchObject({ examples: 8 });
});

test("a run pauses, lets single steps pass, goes on, and ends where it was to", async () => {
  await trainer.create({ learningRate: 0.05 });
  const steps: number[] = [];
  let paused: () => void = () => {};
  const atThree = new Promise<void>((resolve) => {
    paused = resolve;
  });
  const run = trainer.start({ steps: 20, reportEvery: 1 }, ({ step }) => {
    steps.push(step);
    if (step === 3) paused();
  });
  await atThree;
  await trainer.pause();
  const seen = steps.length;
  const one = await trainer.step();
  expect(one.losses).toHaveLength(1);
  expect((await trainer.step(5)).step).toBe(one.step + 5);
  expect(steps).toHaveLength(seen); // nothing goes on by itself
  await trainer.resume();
  expect(await run).toEqual({ step: 20, ended: "finished" });
  expect(steps.at(-1)).toBe(20);
});

test("a run is stopped, also while it is paused; what is asked for meanwhile is answered", async () => {
  await trainer.create({ learningRate: 0.05 });
  const run = trainer.start({ epochs: 1000, reportEvery: 1 }, () => {});
  const { y } = { y: await trainer.predict(ndarray(f32(3, 2), [1, 1, -1, -1, 0, 0.1])) };
  expect(y.shape).toEqual([3, 2]);
  await expect(trainer.step()).rejects.toThrow("step: a run is under way; pause it first");
  await expect(trainer.start({}, () => {})).rejects.toThrow("start: a run is under way; stop it first");
  await trainer.pause();
  await trainer.stop();
  const { step, ended } = await run;
  expect(ended).toBe("stopped");
  expect(step).toBeLessThan(4000);
  expect((await trainer.step()).step).toBe(step + 1);
});

test("weights go to the page and back", async () => {
  await trainer.create({ learningRate: 0.05 });
  const start = await trainer.params();
  await trainer.step(10);
  const trained = leaves(await trainer.params(), isNdArray).map(({ value }) => [...value.data]);
  await trainer.setParams(start);
  const values = (tree: typeof start) => leaves(tree, isNdArray).map(({ value }) => [...value.data]);
  expect(values(await trainer.params())).toEqual(values(start));
  expect(values(start)).not.toEqual(trained);
});

test("training goes on from a checkpoint that the page kept, in another worker's trainer too", async () => {
  await trainer.create({ learningRate: 0.05 });
  await trainer.step(5);
  const kept = await trainer.checkpoint();
  await trainer.step(5);
  const ten = await trainer.checkpoint();
  await trainer.restore(kept);
  expect((await trainer.step(5)).step).toBe(10);
  expect(await trainer.checkpoint()).toEqual(ten);
  await trainer.create({ learningRate: 0.05 }); // disposes of the first
  await trainer.restore(kept);
  await trainer.step(5);
  expect(await trainer.checkpoint()).toEqual(ten);
  await expect(trainer.restore(kept.subarray(1))).rejects.toBeInstanceOf(FormatError);

  const run = trainer.start({ epochs: 1000, reportEvery: 1 }, () => {});
  await trainer.checkpoint(); // between two reports
  await expect(trainer.restore(kept)).rejects.toThrow("restore: a run is under way; pause it first");
  await trainer.pause();
  await trainer.restore(kept);
  expect((await trainer.step()).step).toBe(6);
  await trainer.stop();
  expect(await run).toEqual({ step: 6, ended: "stopped" });
});

test("errors come with their class and say the same", async () => {
  await expect(trainer.evaluate()).rejects.toThrow(
    new ValueError("worker: there is no trainer yet; call create first"),
  );
  await expect(trainer.create({ learningRate: -1 })).rejects.toBeInstanceOf(ValueError);
  await trainer.create({ learningRate: 0.05 });
  await expect(trainer.start({ epochs: 1, steps: 1 }, () => {})).rejects.toThrow("give one");
  await expect(trainer.setParams({})).rejects.toBeInstanceOf(ShapeError);
  const failing = () => {
    throw new Error("the page's own");
  };
  await expect(trainer.start({ steps: 3, reportEvery: 1 }, failing)).rejects.toThrow("the page's own");
  const nan = mapped(await trainer.params());
  await trainer.setParams(nan);
  await expect(trainer.start({ steps: 3 }, () => {})).rejects.toBeInstanceOf(NonFiniteError);
  await trainer.step().catch(() => {});
  await trainer.create({ learningRate: 0.1 }); // a new one, and all is well
  expect(await trainer.plan()).toContain("softmaxCrossEntropy");
  expect((await trainer.step()).step).toBe(1);
});

const mapped = (tree: Awaited<ReturnType<typeof trainer.params>>) => {
  for (const { value } of leaves(tree, isNdArray)) (value.data as Float64Array).fill(Number.NaN);
  return tree;
};
