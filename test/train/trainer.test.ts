// The trainer on WebGPU, beside the same trainer on the CPU reference.

import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { Device } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { leaves } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import { uniformValues } from "../../src/nn/key.ts";
import * as optim from "../../src/optim/index.ts";
import { NonFiniteError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, u8 } from "../../src/shape/types.ts";
import type { Progress } from "../../src/train/fit.ts";
import { isNdArray } from "../../src/train/program.ts";
import { Trainer, type TrainerOptions } from "../../src/train/trainer.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

/** Byte images 6×6 that are brighter on the left (0), on the right (1) or nowhere (2). */
const n = 70;
const noise = uniformValues(nn.keyOf(5), [n, 36]);
const data: Dataset = {
  x: ndarray(u8(n, 6, 6, 1), (i) => {
    const [label, left] = [Math.floor(i / 36) % 3, i % 6 < 3];
    return Math.floor(100 * (noise[i] as number)) + (label === 0 && left ? 100 : label === 1 && !left ? 100 : 0);
  }),
  y: ndarray(u8(n), (i) => i % 3),
};
const model = nn.sequential(
  nn.conv2d({ filters: 4, kernel: 3, activation: "tanh" }),
  nn.avgPool2d(2),
  nn.flatten(),
  nn.dense({ units: 3 }),
);
const create = (device: Device, more: Partial<TrainerOptions> = {}) =>
  Trainer.create({
    ...{ device, model, data, batchSize: 16, loss: nn.softmaxCrossEntropy, seed: 2 },
    optimizer: optim.adam({ learningRate: optim.warmUp(5, 0.02), clip: optim.clipByGlobalNorm(5) }),
    ...more,
  });

async function collect(progress: AsyncIterable<Progress>): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const p of progress) all.push(p);
  return all;
}

test("the same start, shuffles and losses as the reference; it learns; two runs agree to the bit", async () => {
  await using a = await create(gpu);
  await using b = await create(gpu);
  await using c = await create(cpu);
  expect(await a.params()).toEqual(await c.params());

  const losses = async (t: Trainer, reportEvery: number) =>
    (await collect(t.fit({ steps: 40, reportEvery }))).flatMap((p) => p.losses);
  const [la, lb, lc] = [await losses(a, 16), await losses(b, 7), await losses(c, 40)];
  expect(lb).toEqual(la);
  expect(await b.params()).toEqual(await a.params());
  for (const [i, loss] of lc.entries()) expect(Math.abs((la[i] as number) - loss)).toBeLessThan(1e-4 * loss + 1e-6);
  expect(la.at(-1)).toBeLessThan((la[0] as number) / 3);

  const [ea, ec] = [await a.evaluate(data, { batchSize: 32 }), await c.evaluate(data)];
  expect(ea.confusion).toEqual(ec.confusion);
  expect(ea.loss).toBeCloseTo(ec.loss, 4);
  const y = await a.predict(data.x, { batchSize: 32 });
  expect(y.shape).toEqual([n, 3]);
  const hits = [...data.y.data].filter((label, i) => {
    const row = [...y.data.subarray(3 * i, 3 * i + 3)];
    return row.indexOf(Math.max(...row)) === label;
  });
  expect(hits).toHaveLength(ea.correct as number);
});

test("batch norm, dropout and sampling with replacement give the reference's losses", async () => {
  const layered = nn.sequential(
    nn.flatten(),
    nn.dense({ units: 8, activation: "tanh" }),
    nn.batchNorm(),
    nn.dropout(0.3),
    nn.dense({ units: 3 }),
  );
  const run = async (device: Device) => {
    await using t = await create(device, { model: layered, sampling: "replacement" });
    return (await collect(t.fit({ steps: 12 }))).flatMap((p) => p.losses);
  };
  const [got, want] = [await run(gpu), await run(cpu)];
  for (const [i, loss] of want.entries()) expect(Math.abs((got[i] as number) - loss)).toBeLessThan(1e-4 * loss + 1e-6);
});

test("a step that overflows stops training; the good weights come back", async () => {
  const wide: Dataset = {
    x: ndarray(f32(64, 1), (i) => (i === 41 ? 1e30 : 1)),
    y: ndarray(f32(64, 1), () => 0),
  };
  await using t = await create(gpu, {
    data: wide,
    batchSize: 1,
    model: nn.sequential(nn.dense({ units: 1, bias: false })),
    loss: nn.mse,
    sampling: "sequential",
    optimizer: optim.sgd({ learningRate: 0.1 }),
  });
  const error = await collect(t.fit({ epochs: 1, reportEvery: 8 })).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect((error as Error).message).toContain("in step 41 the loss is not finite");
  expect(t.step).toBe(40);
  expect(leaves(await t.params(), isNdArray).every(({ value }) => value.data.every(Number.isFinite))).toBe(true);
});

test("steady state: at least 16 steps a submit, reports and copies included", async () => {
  await using t = await create(gpu);
  let submits = 0;
  const { queue } = gpu.gpu;
  const original = queue.submit.bind(queue);
  queue.submit = (buffers) => {
    submits++;
    original(buffers);
  };
  const seen: [step: number, submits: number][] = [];
  try {
    for await (const { step } of t.fit({ steps: 600 })) seen.push([step, submits]);
  } finally {
    Reflect.deleteProperty(queue, "submit");
  }
  const [step0, submits0] = seen[1] as (typeof seen)[number];
  const [step1, submits1] = seen.at(-1) as (typeof seen)[number];
  expect((step1 - step0) / (submits1 - submits0)).toBeGreaterThanOrEqual(16);
});
