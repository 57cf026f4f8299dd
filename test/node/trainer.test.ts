// The trainer on the CPU reference: two blobs, a net of a few weights.

import { expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import * as nn from "../../src/nn/index.ts";
import { uniformValues } from "../../src/nn/key.ts";
import * as optim from "../../src/optim/index.ts";
import { ArrayError, DTypeError, NonFiniteError, ShapeError, ValueError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, u8 } from "../../src/shape/types.ts";
import type { Progress } from "../../src/train/fit.ts";
import { Trainer, type TrainerOptions } from "../../src/train/trainer.ts";

const device = new CpuDevice();

/** n points in the plane; the label says on which side of a line they lie. */
function blobs(n: number, seed = 1): Dataset {
  const x = uniformValues(nn.keyOf(seed), [n, 2]);
  return {
    x: ndarray(f32(n, 2), x),
    y: ndarray(i32(n), (i) => Number((x[2 * i] as number) > (x[2 * i + 1] as number))),
  };
}

const model = nn.sequential(nn.dense({ units: 6, activation: "tanh" }), nn.dense({ units: 2 }));
const data = blobs(67);
const options = (more: Partial<TrainerOptions> = {}): TrainerOptions => ({
  ...{ device, model, data, batchSize: 16, loss: nn.softmaxCrossEntropy, seed: 3 },
  optimizer: optim.adam({ learningRate: 0.05 }),
  ...more,
});

async function collect(progress: AsyncIterable<Progress>): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const p of progress) all.push(p);
  return all;
}

test("it learns; progress adds up; evaluation covers a ragged end; prediction agrees with it", async () => {
  const trainer = await Trainer.create(options());
  expect(trainer.stepsPerEpoch).toBe(4);
  const reports = await collect(trainer.fit({ epochs: 15, reportEvery: 7 }));
  expect(reports.map((r) => r.step)).toEqual([7, 14, 21, 28, 35, 42, 49, 56, 60]);
  expect(reports.flatMap((r) => r.losses)).toHaveLength(60);
  const last = reports.at(-1) as Progress;
  expect(last.epoch).toBe(15);
  expect(last.secondsLeft).toBe(0);
  expect(last.loss).toBeLessThan((reports[0] as Progress).loss / 2);

  const test = blobs(33, 9);
  const whole = await trainer.evaluate(test);
  const parts = await trainer.evaluate({ ...test }, { batchSize: 10 });
  expect(parts.confusion).toEqual(whole.confusion);
  expect(parts.loss).toBeCloseTo(whole.loss, 12);
  expect(whole.confusion?.flat().reduce((a, b) => a + b)).toBe(33);
  expect(whole.accuracy).toBeGreaterThan(0.85);

  const y = await trainer.predict(test.x, { batchSize: 10 });
  expect(y.shape).toEqual([33, 2]);
  const hits = [...test.y.data].filter(
    (label, i) => Number((y.data[2 * i + 1] as number) > (y.data[2 * i] as number)) === label,
  );
  expect(hits).toHaveLength(whole.correct as number);
});

test("the first report is of one step; on the reference none waits for steps after it", async () => {
  const trainer = await Trainer.create(options());
  const losses: number[] = [];
  for await (const report of trainer.fit({ epochs: 200 })) {
    if (losses.length === 0) expect(report.step).toBe(1);
    expect(trainer.step).toBe(report.step);
    losses.push(...report.losses);
  }
  expect(losses).toHaveLength(800);
});

test("at most three submits are in flight, however rarely it reports, and they grow meanwhile", async () => {
  const submits: number[] = [];
  let [done, most] = [0, 0];
  class Slow extends CpuDevice {
    override async synchronize(): Promise<void> {
      const submitted = submits.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
      done = submitted;
    }
  }
  const trainer = await Trainer.create(options({ device: new Slow() }));
  const { program } = trainer;
  const run = program.run.bind(program);
  program.run = (inputs, { repeat = 1 } = {}) => {
    submits.push(repeat);
    most = Math.max(most, submits.length - done);
    return run(inputs, { repeat });
  };
  const reports = await collect(trainer.fit({ steps: 600, reportEvery: 500 }));
  expect(reports.map((r) => r.step)).toEqual([500, 600]);
  expect(submits.slice(0, 3)).toEqual([1, 1, 1]);
  expect(submits.reduce((a, b) => a + b)).toBe(600);
  expect(submits.length).toBeLessThan(100);
  expect(most).toBe(3);
});

test("one seed gives one result, however it is reported; another seed another", async () => {
  const after = async (seed: number, reportEvery: number) => {
    const trainer = await Trainer.create(options({ seed }));
    await collect(trainer.fit({ steps: 9, reportEvery }));
    return trainer.params();
  };
  const weights = await after(3, 2);
  expect(await after(3, 5)).toEqual(weights);
  expect(await after(4, 5)).not.toEqual(weights);
});

test("an epoch of shuffled batches takes each example at most once, the next one in another order", async () => {
  const n = 12;
  const seen: number[] = [];
  // a loss whose gradient with respect to the one weight is the sum of 2^example: the weight records the batch
  const trainer = await Trainer.create(
    options({
      data: { x: ndarray(f32(n, 1), (i) => 2 ** i), y: ndarray(f32(n, 1), () => 0) },
      batchSize: 5,
      model: nn.dense({ units: 1, bias: false, initialiser: nn.initialisers.zeros }),
      loss: (y) => y.sum(),
      optimizer: optim.sgd({ learningRate: 1 }),
    }),
  );
  for (let step = 0; step < 4; step++) {
    await collect(trainer.fit({ steps: 1 }));
    const { weight } = (await trainer.params()) as unknown as { weight: { data: Float64Array } };
    seen.push(-(weight.data[0] as number));
  }
  const batches = seen.map((sum, i) => sum - (seen[i - 1] ?? 0));
  const bits = (x: number) => x.toString(2).replaceAll("0", "").length;
  expect(batches.map(bits)).toEqual([5, 5, 5, 5]);
  expect(bits((batches[0] as number) + (batches[1] as number))).toBe(10);
  expect(batches[2]).not.toBe(batches[0]);
});

test("sequential sampling goes in the order of the data, and starts over", async () => {
  const trainer = await Trainer.create(
    options({
      data: { x: ndarray(f32(5, 1), (i) => 10 ** i), y: ndarray(f32(5, 1), () => 0) },
      batchSize: 2,
      model: nn.dense({ units: 1, bias: false, initialiser: nn.initialisers.ones }),
      loss: (y) => y.sum(),
      optimizer: optim.sgd({ learningRate: 0 }),
      sampling: "sequential",
    }),
  );
  const [report] = await collect(trainer.fit({ steps: 3, reportEvery: 3 }));
  expect(report?.losses).toEqual([11, 1100, 11]);
});

test("images stay bytes and reach the model in [0, 1]", async () => {
  const trainer = await Trainer.create(
    options({
      data: { x: ndarray(u8(4, 1), [0, 51, 102, 255]), y: ndarray(f32(4, 1), [0, 0.2, 0.4, 1]) },
      batchSize: 4,
      model: nn.dense({ units: 1, bias: false, initialiser: nn.initialisers.ones }),
      loss: nn.mse,
    }),
  );
  const { loss } = await trainer.evaluate({
    x: ndarray(u8(4, 1), [0, 51, 102, 255]),
    y: ndarray(f32(4, 1), [0, 0.2, 0.4, 1]),
  });
  expect(loss).toBeLessThan(1e-15);
});

test("training stops at a loss that is not finite, says where it began, and has the good weights again", async () => {
  const trainer = await Trainer.create(
    options({
      // far from the others, and beyond the square root of the largest number
      data: { x: ndarray(f32(8, 1), (i) => (i === 5 ? 1e200 : 1)), y: ndarray(f32(8, 1), () => 0) },
      batchSize: 1,
      model: nn.sequential(nn.dense({ units: 1, initialiser: nn.initialisers.ones })),
      loss: nn.mse,
      optimizer: optim.sgd({ learningRate: 0.1 }),
      sampling: "sequential",
    }),
  );
  const before = await trainer.params();
  const reports: Progress[] = [];
  const run = async () => {
    for await (const p of trainer.fit({ steps: 8, reportEvery: 2 })) reports.push(p);
  };
  await expect(run()).rejects.toThrow(NonFiniteError);
  expect(reports.map((r) => r.step)).toEqual([2, 4]);
  expect(trainer.step).toBe(4);
  const kept = await trainer.params();
  expect(kept).not.toEqual(before);
  await expect(collect(trainer.fit({ steps: 4, reportEvery: 2 }))).rejects.toThrow(
    "fit: in step 5 the loss is not finite; lower the learning rate, clip the gradients or check the data; the trainer has the weights of step 4 again",
  );
  expect(await trainer.params()).toEqual(kept);
});

test("a gradient that is not finite is named, though the loss is finite", async () => {
  const trainer = await Trainer.create(
    options({
      data: { x: ndarray(f32(4, 1), () => 1), y: ndarray(f32(4, 1), () => 0) },
      batchSize: 2,
      model: nn.sequential(nn.dense({ units: 1, bias: false, initialiser: nn.initialisers.zeros })),
      loss: (y) => y.square().sum().sqrt(), // 0, but its derivative is 0/0
    }),
  );
  await expect(collect(trainer.fit({ steps: 1 }))).rejects.toThrow(
    "in step 0 the gradient of dense0.weight is not finite",
  );
});

test("abort ends it with its reason, and it can go on after that", async () => {
  const trainer = await Trainer.create(options());
  const abort = new AbortController();
  const reports: Progress[] = [];
  const run = async () => {
    for await (const p of trainer.fit({ epochs: 50, reportEvery: 2, signal: abort.signal })) {
      reports.push(p);
      if (reports.length === 2) abort.abort(new Error("enough"));
    }
  };
  await expect(run()).rejects.toThrow("enough");
  expect(reports).toHaveLength(2);
  expect(trainer.step).toBeLessThan(10);
  const [next] = await collect(trainer.fit({ steps: 1 }));
  expect(next?.step).toBe(trainer.step);
});

test("leaving the loop ends the fit; two fits at once are refused", async () => {
  const trainer = await Trainer.create(options());
  for await (const _ of trainer.fit({ epochs: 2, reportEvery: 1 })) {
    await expect(collect(trainer.fit({ steps: 1 }))).rejects.toThrow("fit: the trainer is in a fit");
    break;
  }
  expect(await collect(trainer.fit({ steps: 1 }))).toHaveLength(1);
});

test("early stopping ends after patience epochs and brings the best weights back", async () => {
  const validation = blobs(20, 5);
  const trainer = await Trainer.create(options({ optimizer: optim.sgd({ learningRate: 0 }) }));
  const before = await trainer.params();
  const reports = await collect(
    trainer.fit({ epochs: 9, reportEvery: 100, validation, earlyStopping: { patience: 2 } }),
  );
  expect(reports.map((r) => r.epoch)).toEqual([1, 2, 3]);
  expect(reports.map((r) => r.stopped ?? false)).toEqual([false, false, true]);
  expect(reports[0]?.validation?.examples).toBe(20);
  expect(await trainer.params()).toEqual(before);
});

test("given parameters are taken, or refused by name", async () => {
  const first = await Trainer.create(options());
  await collect(first.fit({ steps: 2 }));
  const params = await first.params();
  const second = await Trainer.create(options({ params, seed: 8 }));
  expect(await second.params()).toEqual(params);
  second.setParams(params);
  await expect(
    Trainer.create(options({ params: { dense0: (params as Record<string, never>).dense0 as never } })),
  ).rejects.toThrow("params: dense1.weight is missing; the model wants f32[6,2]");
});

test("batch norm and dropout train, and are still outside training", async () => {
  const trainer = await Trainer.create(
    options({
      model: nn.sequential(
        nn.batchNorm(),
        nn.dense({ units: 8, activation: "relu" }),
        nn.dropout(0.2),
        nn.dense({ units: 2 }),
      ),
    }),
  );
  const reports = await collect(trainer.fit({ epochs: 10 }));
  expect(reports.at(-1)?.loss).toBeLessThan(reports[0]?.loss as number);
  const once = await trainer.predict(data.x);
  expect(await trainer.predict(data.x)).toEqual(once);
});

test.each<[string, Partial<TrainerOptions>, new (...args: never[]) => Error, string]>([
  [
    "an empty data set",
    { data: { x: ndarray(f32(0, 2), []), y: ndarray(i32(0), []) } },
    ValueError,
    "data: there are no examples, x f32[0,2]",
  ],
  [
    "a batch larger than the data",
    { batchSize: 68 },
    ValueError,
    "a batch is larger than the data (68 vs 67 examples)",
  ],
  ["a batch of a half", { batchSize: 0.5 }, ValueError, "batchSize must be a positive integer, got 0.5"],
  [
    "a label out of range",
    { data: { x: data.x, y: ndarray(i32(67), (i) => Number(i === 3) * 2) } },
    ValueError,
    "label 2 of example 3 is out of range (2 vs 0 … 1)",
  ],
  [
    "x and y of two lengths",
    { data: { x: data.x, y: ndarray(i32(66), () => 0) } },
    ShapeError,
    "x and y differ in length",
  ],
  [
    "a NaN in the data",
    { data: { x: ndarray(f32(67, 2), (i) => (i === 9 ? Number.NaN : 0)), y: data.y } },
    ValueError,
    "x holds NaN at element 9",
  ],
  ["inputs in i32", { data: { x: ndarray(i32(67, 2), () => 0), y: data.y } }, DTypeError, "x must be f32 or u8"],
  [
    "a model for images",
    { model: nn.conv2d({ filters: 1, kernel: 3 }) },
    ShapeError,
    "conv2d: input must be [N, H, W, C], got f32[16,2]",
  ],
  ["a negative seed", { seed: -1 }, ValueError, "seed: must be an integer"],
  ["an unknown sampling", { sampling: "random" as "shuffle" }, ValueError, "no sampling random"],
  [
    "arrays of another device",
    { data: new CpuDevice().put(data as never) as never },
    ArrayError,
    "is of another device",
  ],
])("%s is refused", async (_, wrong, kind, message) => {
  const error = await Trainer.create(options(wrong)).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toContain(message);
});

test.each([
  [{ epochs: 0 }, "epochs must be a positive integer, got 0"],
  [{ epochs: 1, steps: 1 }, "give one"],
  [{ reportEvery: 2000 }, "at most 1024"],
  [{ earlyStopping: { patience: 1 } }, "needs validation data"],
])("fit refuses %j", async (wrong, message) => {
  const trainer = await Trainer.create(options());
  await expect(collect(trainer.fit(wrong))).rejects.toThrow(message);
});
