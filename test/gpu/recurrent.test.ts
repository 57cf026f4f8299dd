// Recurrent kernels beyond the samples: the tiles that a GPU takes, also where the adapter is a CPU, and the dispatches of a training step.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import * as recurrence from "../../src/compositions/recurrence.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { dense } from "../../src/nn/layers.ts";
import { softmaxCrossEntropy } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { lstm } from "../../src/nn/recurrentLayers.ts";
import { reshape } from "../../src/nn/sequence.ts";
import { adam } from "../../src/optim/rules.ts";
import type { Plan } from "../../src/plan/data.ts";
import { gpuTarget, softwareTarget } from "../../src/plan/target.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, u8 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
  Object.assign(gpu, { target: gpuTarget });
});
afterAll(() => gpu.dispose());

type Form = "loop" | "step" | number;
const build: Record<string, { gates: number; f: (x: Tensor, w: Tensor, b: Tensor, form: Form) => Tensor }> = {
  rnn: { gates: 1, f: (x, w, b, form) => recurrence.rnn(x.add(b), w, "tanh", undefined, form) },
  lstm: { gates: 4, f: (x, w, b, form) => recurrence.lstm(x, w.add(b.sum()), undefined, form).hs },
  peepholes: {
    gates: 4,
    f: (x, w, b, form) => recurrence.lstm(x, w, undefined, form, b.broadcastTo([3, b.shape[0]!])).hs,
  },
  gru: { gates: 3, f: (x, w, b, form) => recurrence.gru(x, w, b, undefined, form).hs },
  gruResetBefore: { gates: 3, f: (x, w, b, form) => recurrence.gruResetBefore(x, w.add(b.sum()), undefined, form) },
};

/** ‖got − want‖ / ‖want‖ */
function distance(got: NdArray, want: NdArray): number {
  const norm = (v: readonly number[]) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  return norm(Array.from(want.data, (w, i) => w - got.data[i]!)) / norm([...want.data]);
}

/** Values and gradients against the float64 reference. */
async function check(name: string, [T, B, H]: readonly [number, number, number], form: Form): Promise<void> {
  const { gates, f } = build[name]!;
  const high = H <= 24 ? 0.5 : 2 / Math.sqrt(H); // in large nets errors would grow from step to step
  const values = {
    x: random(f32(T, B, gates * H), { seed: 1, low: -1, high: 1 }),
    w: random(f32(H, gates * H), { seed: 2, low: -high, high }),
    b: random(f32(H), { seed: 3, low: -0.1, high: 0.1 }),
    c: random(f32(T + 1, B, H), { seed: 4 }),
  };
  const types = { x: f32(T, B, gates * H), w: f32(H, gates * H), b: f32(H), c: f32(T + 1, B, H) };
  const run = async (device: Device) => {
    const program = await device.compile(({ x, w, b, c }) => {
      const hs = f(x, w, b, form);
      const [dx, dw] = vjp([hs], [c], [x, w]) as [Tensor, Tensor];
      return { hs, dx, dw };
    }, types);
    const outputs = program.run(device.put(values) as never) as unknown as Record<string, DeviceArray>;
    return Promise.all(Object.values(outputs).map((a) => a.read()));
  };
  const [got, want] = [await run(gpu), await run(new CpuDevice())];
  for (const [k, w] of want.entries()) expect(distance(got[k]!, w)).toBeLessThan(1e-5);
}

describe.each(["loop", "step", 3] as const)("%s, with a GPU's tiles", (form) => {
  test.each([
    ["rnn", 28, 6, 20],
    ["rnn", 7, 3, 5],
    ["lstm", 28, 6, 20],
    ["lstm", 7, 65, 12],
    ["lstm", 7, 3, 5],
    ["peepholes", 7, 6, 20],
    ["gru", 28, 6, 20],
    ["gru", 7, 3, 5],
    ["gruResetBefore", 28, 6, 20],
    ["gruResetBefore", 7, 65, 12],
    ["gruResetBefore", 7, 3, 5],
  ] as const)("%s [%i,%i,%i]", (name, T, B, H) => check(name, [T, B, H], form));
});

describe("with a CPU's tiles, whose columns quads share", () => {
  test.each(
    Object.keys(build).flatMap((name) => [
      [name, 5, 35, 16], // held
      [name, 5, 9, 20], // five vectors, which are not shared out
      [name, 5, 70, 24],
    ]) as [string, number, number, number][],
  )("%s [%i,%i,%i]", (name, T, B, H) => onCpu(() => check(name, [T, B, H], "loop")));

  // columns held, of one chunk, two and five; then large enough for tiles of 32 columns
  test.each([
    ["gru", 3, 16, 48],
    ["gru", 2, 48, 32], // cells of one row and a half at once
    ["lstm", 4, 64, 128],
    ["lstm", 2, 16, 256],
    ["lstm", 2, 33, 240],
    ["rnn", 16, 64, 136],
    ["lstm", 6, 64, 104],
  ] as const)("%s [%i,%i,%i]", (name, T, B, H) => onCpu(() => check(name, [T, B, H], "loop")));

  test.each(["lstm", "gru"])("%s in three dispatches", (name) => onCpu(() => check(name, [7, 20, 16], 3)));

  test.each([
    [28, 64, 128, 1, true],
    [4, 20, 16, 1, true],
    [6, 20, 16, 1, false], // quads share out fours
    [256, 20, 128, 1, false], // more columns than a lane can hold
    [4, 20, 16, 2, false], // a row of the product is two rows
  ])(
    "of the product of %i features, [%i,%i], its rows %i as long: it takes that over: %s",
    (F, B, H, long, takesOver) =>
      onCpu(async () => {
        const T = 3;
        const values = {
          x: random(f32((T * B) / long, F), { seed: 1 }),
          wx: random(f32(F, 4 * H * long), { seed: 2, low: -0.1, high: 0.1 }),
          b: random(f32(4 * H * long), { seed: 3 }),
          wh: random(f32(H, 4 * H), { seed: 4, low: -0.1, high: 0.1 }),
          up: random(f32(T + 1, B, H), { seed: 5 }),
        };
        const f = ({ x, wx, b, wh, up }: Record<keyof typeof values, Tensor>) => {
          const rows = x.matmul(wx).add(b);
          const { hs } = recurrence.lstm(rows.reshape([T, B, 4 * H]), wh);
          const [dx, dwx, db, dwh] = vjp([hs], [up], [x, wx, b, wh]) as Tensor[];
          return { hs, dx: dx!, dwx: dwx!, db: db!, dwh: dwh! };
        };
        const run = async (device: Device) => {
          const program = await device.compile(f, values);
          const outputs = program.run(device.put(values) as never) as unknown as Record<string, DeviceArray>;
          return { program, results: await Promise.all(Object.values(outputs).map((a) => a.read())) };
        };
        const [got, want] = [await run(gpu), await run(new CpuDevice())];
        for (const [k, w] of want.results.entries()) expect(distance(got.results[k]!, w)).toBeLessThan(1e-5);
        const labels = (got.program.plan as Plan).dispatches.map((d) => d.label);
        const before = labels.slice(0, labels.indexOf("lstm"));
        expect(before.some((label) => label.includes("matmul"))).toBe(!takesOver);
      }),
  );

  test("from states that are given", () =>
    onCpu(async () => {
      const [T, B, H] = [3, 20, 16];
      const values = {
        ...{ x: random(f32(T, B, 4 * H), { seed: 1 }), w: random(f32(H, 4 * H), { seed: 2 }) },
        ...{ h: random(f32(B, H), { seed: 3 }), c: random(f32(B, H), { seed: 4 }), up: random(f32(T + 1, B, H)) },
      };
      const f = ({ x, w, h, c, up }: Record<keyof typeof values, Tensor>) => {
        const { hs, cs } = recurrence.lstm(x, w, { h, c }, "loop");
        const [dx, dw, dh, dc] = vjp([hs, cs], [up, up], [x, w, h, c]) as Tensor[];
        return { hs, cs, dx: dx!, dw: dw!, dh: dh!, dc: dc! };
      };
      const run = async (device: Device) => {
        const program = await device.compile(f, values);
        const outputs = program.run(device.put(values) as never) as unknown as Record<string, DeviceArray>;
        return Promise.all(Object.values(outputs).map((a) => a.read()));
      };
      const [got, want] = [await run(gpu), await run(new CpuDevice())];
      for (const [k, w] of want.entries()) expect(distance(got[k]!, w)).toBeLessThan(1e-5);
    }));

  async function onCpu(f: () => Promise<void>): Promise<void> {
    Object.assign(gpu, { target: softwareTarget });
    await f().finally(() => Object.assign(gpu, { target: gpuTarget }));
  }
});

// tfjs takes 1 914, jax-js 1 026; a dispatch a step is 28 forward and 28 backward alone
test.each([
  [true, 16],
  ["loop", 16],
  [3, 40],
  ["step", 16 + 2 * 27],
] as const)("mnist-lstm by %s takes at most %i dispatches a step", async (fused, most) => {
  const model = sequential(reshape(28, 28), lstm({ units: 128, returns: "last", fused }), dense({ units: 10 }));
  const data = { x: random(u8(128, 28, 28, 1), { high: 255 }), y: random(u8(128), { high: 10 }) };
  const optimizer = adam({ learningRate: 0.001 });
  await using trainer = await Trainer.create({
    device: gpu,
    model,
    loss: softmaxCrossEntropy,
    batchSize: 64,
    optimizer,
    data,
  });
  expect((trainer.program.plan as Plan).dispatches.length).toBeLessThanOrEqual(most);
});

test("what a custom kernel makes can be returned twice, and carried", async () => {
  const program = await gpu.compile(
    ({ x, w }) => {
      const hs = recurrence.rnn(x, w);
      return { a: hs, b: hs, x: hs.slice([1, 0, 0]) };
    },
    { x: f32(2, 3, 4), w: f32(4, 4) },
    { carry: ["x"] },
  );
  const inputs = { ...gpu.put({ x: random(f32(2, 3, 4)) }), ...gpu.put({ w: random(f32(4, 4), { seed: 2 }) }) };
  const { a, b } = program.run(inputs);
  const [first, second, carried] = await Promise.all([a, b, inputs.x].map((array) => array.read()));
  expect(first!.data.some((v) => v !== 0)).toBe(true);
  expect(second!.data).toEqual(first!.data);
  expect(carried!.data).toEqual(first!.data.subarray(12));
});
