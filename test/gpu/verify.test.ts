// verify: passes what is right, names the dispatch whose kernel is wrong, and changes nothing.
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/pipelines.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import { leaves } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import type { Plan } from "../../src/plan/data.ts";
import { gpuTarget } from "../../src/plan/target.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, u8 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { isDeviceArray } from "../../src/train/program.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { random } from "../samples/sample.ts";

let gpu: GPU;
let device: GpuDevice;
beforeAll(async () => {
  gpu = await createGpu();
  device = await GpuDevice.request({ gpu });
});
afterAll(() => device.dispose());

/** One step of training, on images of noise. */
async function trainer(model: nn.Layer, shape: readonly number[]): Promise<Trainer> {
  const x = random(u8(32, ...shape), { low: 0, high: 255, seed: 3 });
  const y = ndarray(i32(32), (i) => i % 10);
  const optimizer = optim.adam({ learningRate: 1e-2 });
  return Trainer.create({
    ...{ device, model, data: { x, y }, batchSize: 16, seed: 5, optimizer },
    loss: nn.softmaxCrossEntropy,
  });
}

const check = ({ program, state, data }: Trainer) => (program as unknown as GpuProgram).verify({ state, data }, {});

const cnn = () =>
  nn.sequential(
    nn.conv2d({ filters: 4, kernel: 3, activation: "relu" }),
    nn.maxPool2d(2),
    nn.conv2d({ filters: 6, kernel: 3, activation: "tanh" }),
    nn.flatten(),
    nn.dense({ units: 10 }),
  );

const valuesOf = async (t: Trainer): Promise<NdArray[]> =>
  Promise.all(leaves(t.state, isDeviceArray).map(({ value }) => value.read()));

describe("what is right passes", () => {
  test.each([
    ["an MLP", () => nn.sequential(nn.dense({ units: 24, activation: "relu" }), nn.dense({ units: 10 })), [36]],
    ["a CNN", cnn, [12, 12, 1]],
    ["an LSTM", () => nn.sequential(nn.lstm({ units: 16, returns: "last" }), nn.dense({ units: 10 })), [6, 8]],
  ] as const)("%s, at the start and when it has learned a little; nothing is changed", async (_, model, shape) => {
    const t = await trainer(model(), shape);
    for (const steps of [0, 20]) {
      if (steps) for await (const __ of t.fit({ steps }));
      const before = await valuesOf(t);
      const result = await check(t);
      expect(result.passed, String(result)).toBe(true);
      expect(result.first).toBeNull();
      expect(result.dispatches.map((d) => d.label)).toEqual((t.program.plan as Plan).dispatches.map((d) => d.label));
      expect(result.dispatches.at(-1)?.values.length).toBeGreaterThan(0);
      expect(await valuesOf(t)).toEqual(before);
    }
    t.dispose();
  });

  test("sums in two passes are judged by their total, with a plan for a GPU", async () => {
    const wide = await GpuDevice.request({ gpu });
    Object.assign(wide, { target: { ...gpuTarget, maxBuffers: wide.target.maxBuffers } });
    const program = await wide.compile(({ x }) => ({ sum: x.sum(), max: x.max(0), least: x.cast("i32").min(0) }), {
      x: f32(5000, 3),
    });
    const x = random(f32(5000, 3), { low: -9, high: -1, seed: 1 });
    const result = await program.verify({ x: wide.put(x) });
    expect(result.dispatches.flatMap((d) => d.values.map((v) => v.name)).join()).toMatch(/sum\.parts.*,sum/);
    expect(result.passed, String(result)).toBe(true);
    wide.dispose();
  });

  test("a program that is gone is not verified", async () => {
    const program = await device.compile(({ x }) => ({ y: x.mul(2) }), { x: f32(3) });
    const inputs = device.put({ x: ndarray(f32(3), [1, 2, 3]) });
    program.dispose();
    await expect(program.verify(inputs)).rejects.toThrow("it was disposed");
    await expect(program.profile(inputs)).rejects.toThrow("it was disposed");
  });

  test("what hangs on a rounding decides nothing", async () => {
    // each row of x adds up to nought but for a rounding: its sign is anybody's, its size is not
    const x = random(f32(64, 32), { seed: 1, low: -1, high: 1 });
    for (let row = 0; row < 64; row++) {
      const rest = [...x.data.subarray(32 * row, 32 * row + 31)].reduce((sum, v) => sum + Math.fround(v), 0);
      x.data[32 * row + 31] = -rest;
    }
    const program = await device.compile(({ x }) => ({ sign: x.sum(1).sign(), size: x.abs().sum(1) }), { x: x });
    const result = await program.verify(device.put({ x }));
    expect(result.passed, String(result)).toBe(true);
    expect(result.dispatches.flatMap((d) => d.values).find((v) => v.name === "sign")?.undecided).toBeGreaterThan(0);
  });
});

describe("a wrong kernel is named", () => {
  /** From now on the device makes the kernel of that label wrong: of what it stores last. */
  function sabotage(label: string): void {
    const { pipelines } = device;
    vi.spyOn(pipelines, "get").mockImplementation((name, wgsl, access) => {
      if (name !== label) return Pipelines.prototype.get.call(pipelines, name, wgsl, access);
      const floats = [...wgsl.matchAll(/read_write> (b\d+): array<(?:vec4<)?f32/g)].map(([, b]) => b);
      const last = [...wgsl.matchAll(new RegExp(`(?:${floats.join("|")})\\[.*\\] = (.*);`, "g"))].at(-1);
      const [store, value] = last as unknown as [string, string];
      const broken = wgsl.replace(store, store.replace(`= ${value};`, `= (${value}) * 1.001 + 0.001;`));
      return Pipelines.prototype.get.call(pipelines, name, broken, access);
    });
  }
  afterEach(() => vi.restoreAllMocks());

  test("whichever of a training step's it is", async () => {
    const good = await trainer(cnn(), [12, 12, 1]);
    const labels = (good.program.plan as Plan).dispatches.map((d) => d.label);
    good.dispose();
    expect(new Set(labels).size).toBe(labels.length);
    for (const [i, label] of labels.entries()) {
      sabotage(label);
      const bad = await trainer(cnn(), [12, 12, 1]);
      const result = await check(bad);
      expect(result.first, `${label}\n${result}`).toBe(i);
      expect(String(result).split("\n").at(-1)).toContain(`dispatch ${i} (${label}) differs: `);
      bad.dispose();
    }
  });

  test("and what follows from it is not blamed", async () => {
    const f = ({ x, w }: Record<"x" | "w", Tensor>) => {
      const y = x.matmul(w).tanh().matmul(w).tanh().matmul(w);
      return { y, dw: grad(y.square().sum(), [w])[0] as Tensor };
    };
    const types = { x: f32(16, 16), w: f32(16, 16) };
    const values = { x: random(types.x, { seed: 1 }), w: random(types.w, { seed: 2, low: -0.5, high: 0.5 }) };
    const { plan } = (await device.compile(f, types)) as unknown as GpuProgram;
    const label = plan.dispatches[0]?.label as string;
    sabotage(label);
    const program = await device.compile(f, types);
    const seen: boolean[] = [];
    const result = await program.verify(device.put(values), { onProgress: ({ passed }) => void seen.push(passed) });
    expect(seen).toEqual(plan.dispatches.map((d) => d.label !== label));
    expect(result.dispatches.map((d) => d.passed)).toEqual(seen);
  });
});
