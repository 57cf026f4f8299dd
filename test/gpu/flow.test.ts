// What is made of gradients, on the GPU as on the reference: checkpointed functions, and the norms of gradientFlow.
import { afterAll, beforeAll, expect, test } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { checkpoint } from "../../src/autodiff/checkpoint.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { dense } from "../../src/nn/layers.ts";
import { mse } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { gru, lstm } from "../../src/nn/recurrentLayers.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { gradientFlow } from "../../src/train/gradientFlow.ts";
import { compare } from "../compare.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

test("checkpoint: loss and gradients are those of the function itself", async () => {
  const block = (x: Tensor, w: Tensor) => [x.matmul(w).tanh().matmul(w).sigmoid()];
  const values = { x: random(f32(9, 6)), w: random(f32(6, 6), { seed: 2 }) };
  const run = async (device: Device, f: typeof block) => {
    const program = await device.compile(
      ({ x, w }) => {
        const [y] = f(f(x, w)[0]!, w) as [Tensor];
        const loss = y.square().sum();
        const [dx, dw] = grad(loss, [x, w]) as [Tensor, Tensor];
        return { loss, dx, dw };
      },
      { x: f32(9, 6), w: f32(6, 6) },
    );
    const outputs = program.run(device.put(values)) as unknown as Record<string, DeviceArray>;
    return Promise.all(Object.values(outputs).map((a) => a.read()));
  };
  const want = await run(cpu, block);
  const got = await run(gpu, checkpoint(block) as typeof block);
  expect(want.map((w, k) => compare(got[k]!, w))).toEqual(["", "", ""]);
});

test("gradientFlow: the reference's norms, of an LSTM over a GRU", async () => {
  const batch = { x: random(f32(3, 5, 2)), y: random(f32(3, 1)) };
  const model = sequential(gru({ units: 3 }), lstm({ units: 4, returns: "last" }), dense({ units: 1 }));
  const variables = model.init([1, 2], batch.x);
  const flow = (device: Device) => gradientFlow({ device, model, variables, batch, loss: mse });
  const [got, want] = [await flow(gpu), await flow(cpu)];
  expect(want.runs.map(({ name }) => name)).toEqual(["gru layer0", "lstm layer0"]);
  const numbers = ({ loss, params, runs }: typeof want) => [
    ...[loss, ...Object.values(params)],
    ...runs.flatMap(({ h, c = [], forget = [] }) => [...h, ...c, ...forget]),
  ];
  const off = numbers(want).map((w, k) => Math.abs(numbers(got)[k]! - w) / Math.abs(w || 1));
  expect(off.length).toBe(1 + 9 + 6 + 18);
  expect(Math.max(...off)).toBeLessThan(1e-5);
});
