// wgrad in another app: on its device, in its encoder, from and into its buffers, and nothing of it changed.
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { leaves, type Tree } from "../../src/graph/tree.ts";
import { keyOf } from "../../src/nn/key.ts";
import { predict } from "../../src/nn/layer.ts";
import { conv2d, dense, flatten, maxPool2d } from "../../src/nn/layers.ts";
import { mse, softmaxCrossEntropy } from "../../src/nn/losses.ts";
import { sequential } from "../../src/nn/model.ts";
import { lstm } from "../../src/nn/recurrentLayers.ts";
import { adam, sgd } from "../../src/optim/rules.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { gpuTarget } from "../../src/plan/target.ts";
import { ArrayError, ShapeError } from "../../src/shape/errors.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType, u8 } from "../../src/shape/types.ts";
import { isTensor, type Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { random } from "../samples/sample.ts";
import { watch } from "./watch.ts";

let api: GPU;
beforeAll(async () => {
  api = await createGpu();
});

let host: GPUDevice;
let device: GpuDevice;
let errors: string[];
beforeEach(async () => {
  host = await (await api.requestAdapter())!.requestDevice();
  errors = [];
  host.addEventListener("uncapturederror", ({ error }) => errors.push(error.message));
  device = GpuDevice.from(host);
});
afterEach(async () => {
  await host.queue.onSubmittedWorkDone();
  expect(errors).toEqual([]); // the host's validation stays clean
  host.destroy();
});

const { STORAGE, VERTEX, COPY_SRC, COPY_DST } = { STORAGE: 128, VERTEX: 32, COPY_SRC: 4, COPY_DST: 8 };

/** A buffer of the host's, with its values. */
function hostBuffer(bytes: number, values: readonly number[] = [], offset = 0): GPUBuffer {
  const buffer = host.createBuffer({ size: bytes, usage: STORAGE | VERTEX | COPY_SRC | COPY_DST });
  host.queue.writeBuffer(buffer, offset, new Float32Array(values));
  return buffer;
}

const valuesAt = async (type: TensorType, buffer: GPUBuffer, offset = 0) => [
  ...(await device.wrap(type, buffer, offset).read()).data,
];

describe("outputs", () => {
  const affine = ({ x }: { x: Tensor }) => ({ y: x.mul(2).add(1), sum: x.sum(), nested: { twice: x.mul(2) } });

  test("are stored straight in the host's buffer, at an offset; the rest of it is untouched", async () => {
    const program = await device.compile(affine, { x: f32(4) });
    const x = device.wrap(f32(4), hostBuffer(256, [1, 2, 3, 4]));
    const target = hostBuffer(1024, Array<number>(256).fill(-1));
    const outputs = { y: device.wrap(f32(4), target, 512) };
    const encoder = host.createCommandEncoder();
    const result = program.encode(encoder, { x }, { outputs });
    expect(result.y).toBe(outputs.y);
    host.queue.submit([encoder.finish()]);
    const all = await valuesAt(f32(256), target);
    expect(all.slice(128, 132)).toEqual([3, 5, 7, 9]);
    expect(all.filter((v) => v === -1)).toHaveLength(252);
    expect([...(await result.sum.read()).data]).toEqual([10]); // the program's own
    expect([...(await result.nested.twice.read()).data]).toEqual([2, 4, 6, 8]);
    result.y.dispose();
    program.dispose();
    expect(await valuesAt(f32(4), target, 512)).toEqual([3, 5, 7, 9]); // the host's buffer is the host's
  });

  test("two lie in one buffer of the host's, or in the input of another program", async () => {
    const program = await device.compile(affine, { x: f32(3) });
    const next = await device.compile(({ x }: { x: Tensor }) => ({ y: x.neg() }), { x: f32(3) });
    const target = hostBuffer(512);
    const x = device.wrap(f32(3), hostBuffer(12, [1, 2, 3]));
    const between = device.put(ndarray(f32(3), [0, 0, 0]));
    const outputs = {
      y: device.wrap(f32(3), target, 256),
      nested: { twice: between },
      sum: device.wrap(f32(), target),
    };
    const encoder = host.createCommandEncoder();
    const pass = encoder.beginComputePass();
    program.encode(pass, { x }, { outputs });
    const { y } = next.encode(pass, { x: between });
    pass.end();
    host.queue.submit([encoder.finish()]);
    expect(await valuesAt(f32(3), target, 256)).toEqual([3, 5, 7]);
    expect(await valuesAt(f32(), target)).toEqual([6]);
    expect([...(await y.read()).data]).toEqual([-2, -4, -6]);
  });

  test("of one run go here, of the next there; in steady state nothing is created", async () => {
    const { gpu, calls, reset } = watch(host);
    device = GpuDevice.from(gpu);
    const program = await device.compile(affine, { x: f32(4) });
    const x = device.wrap(f32(4), hostBuffer(16, [1, 2, 3, 4]));
    const [even, odd] = [hostBuffer(16), hostBuffer(16)];
    const turns = [even, odd].map((buffer) => ({ y: device.wrap(f32(4), buffer) }));
    for (const outputs of turns) program.run({ x }, { outputs });
    reset();
    for (let i = 0; i < 6; i++) program.run({ x }, { outputs: turns[i % 2]! });
    expect(Object.fromEntries(calls)).toEqual({ createCommandEncoder: 6, submit: 6 });
    expect(await valuesAt(f32(4), odd)).toEqual([3, 5, 7, 9]);
    expect(await valuesAt(f32(4), even)).toEqual([3, 5, 7, 9]);
    const { y } = program.run({ x });
    expect(y.owner).toBe("wgrad");
    expect(turns[0]?.y.owner).toBe("host");
  });

  test("a host that makes new buffers all the time is served all the time", async () => {
    const program = await device.compile(affine, { x: f32(4) });
    const x = device.wrap(f32(4), hostBuffer(16, [1, 2, 3, 4]));
    for (let i = 0; i < 200; i++) {
      const target = hostBuffer(16);
      program.run({ x }, { outputs: { y: device.wrap(f32(4), target) } });
      if (i % 100 === 99) expect(await valuesAt(f32(4), target)).toEqual([3, 5, 7, 9]);
      target.destroy();
    }
  });

  test("that cannot be stored there are refused before anything is recorded", async () => {
    const program = await device.compile(affine, { x: f32(4) }, { label: "affine" });
    const buffer = hostBuffer(1024);
    const x = device.wrap(f32(4), buffer);
    const run = (outputs: object) => () => program.run({ x }, { outputs });
    expect(run({ z: x })).toThrow(new ArrayError("affine: there is no output z; it has y, sum, nested.twice"));
    expect(run({ y: device.wrap(f32(5), hostBuffer(32)) })).toThrow(ShapeError);
    expect(run({ y: device.wrap(f32(5), hostBuffer(32)) })).toThrow("output y is f32[5], compiled for f32[4]");
    expect(run({ y: ndarray(f32(4), [1, 2, 3, 4]) })).toThrow("affine: output y lives on no device");
    expect(run({ y: new CpuDevice().put(ndarray(f32(4), [1, 2, 3, 4])) })).toThrow("output y lives on another device");
    expect(run({ y: x })).toThrow("affine: input x lies in one buffer with output y, which a run writes");
    expect(run({ y: device.wrap(f32(4), buffer, 256) })).toThrow("input x lies in one buffer with output y");
    const shared = device.wrap(f32(4), hostBuffer(16));
    expect(run({ y: shared, nested: { twice: shared } })).toThrow("lies in one buffer with output");
    const { y } = program.run({ x });
    expect(run({ nested: { twice: y } })).toThrow("output nested.twice is given an array that this program made");
    const bytes = await device.compile(({ x }: { x: Tensor }) => ({ y: x.cast("u8") }), { x: f32(4) });
    const packed = device.wrap(u8(4), hostBuffer(16));
    expect(() => bytes.run({ x }, { outputs: { y: packed } })).toThrow("output y is u8, whose bytes");
  });
});

describe("carried values", () => {
  const step = ({ p }: { p: Tensor }) => ({ p: p.mul(0.5) });

  test("are updated in the host's buffer", async () => {
    const program = await device.compile(step, { p: f32(3) }, { carry: ["p"] });
    const buffer = hostBuffer(512, [8, 16, 24], 256);
    program.run({ p: device.wrap(f32(3), buffer, 256) }, { repeat: 3 });
    expect(await valuesAt(f32(3), buffer, 256)).toEqual([1, 2, 3]);
  });

  test("need a buffer of whole multiples of 256 bytes", async () => {
    const program = await device.compile(step, { p: f32(3) }, { carry: ["p"] });
    const short = device.wrap(f32(3), hostBuffer(16));
    expect(() => program.run({ p: short })).toThrow("carried p lies in a buffer that is too short (16 vs 256 bytes");
  });
});

describe("the host's device", () => {
  /** Everything that wgrad does with a device. */
  async function everything(on: GpuDevice): Promise<void> {
    const data = { x: random(f32(64, 6), { seed: 1 }), y: random(i32(64), { low: 0, high: 3, seed: 2 }) };
    const model = sequential(dense({ units: 8, activation: "tanh" }), dense({ units: 3 }));
    const trainer = await Trainer.create({
      ...{ device: on, model, data, batchSize: 16, loss: softmaxCrossEntropy },
      optimizer: adam({ learningRate: 0.01 }),
    });
    for await (const _ of trainer.fit({ steps: 40, validation: data }));
    await trainer.evaluate(data);
    await trainer.predict(data.x);
    await trainer.params();
    trainer.dispose();
    on.dispose();
  }

  test("is left as it was: no handler, no label, scopes closed in their order, alive", async () => {
    const label = host.label;
    const { gpu, calls, alive } = watch(host);
    let depth = 0;
    const turns: number[] = [];
    const spied = new Proxy(gpu, {
      get(target, key) {
        if (key === "pushErrorScope") depth++;
        if (key === "popErrorScope") depth--;
        if (key === "pushErrorScope") queueMicrotask(() => turns.push(depth));
        return Reflect.get(target, key, target);
      },
    });
    host.pushErrorScope("validation"); // the host's own, around all that wgrad does
    const before = host.onuncapturederror;
    await everything(GpuDevice.from(spied));
    expect(await host.popErrorScope()).toBeNull();
    expect(turns.length).toBeGreaterThan(0);
    expect(Math.max(...turns)).toBe(0); // none was open when wgrad gave the thread back
    expect(host.onuncapturederror).toBe(before);
    expect(host.label).toBe(label);
    expect(calls.has("addEventListener")).toBe(false);
    expect(calls.has("destroy")).toBe(false);
    expect(alive.size).toBe(0);
    expect(await Promise.race([host.lost, "alive"])).toBe("alive");
    await expect(host.popErrorScope()).rejects.toThrow(); // no scope was left either
  });

  test("may say nothing of its adapter, as in older browsers", async () => {
    Object.defineProperty(host, "adapterInfo", { value: undefined });
    const silent = GpuDevice.from(host);
    expect([silent.name, silent.software]).toEqual(["unknown adapter", false]);
    const program = await silent.compile(({ x }) => ({ y: x.mul(2) }), { x: f32(3) });
    const { y } = program.run(silent.put({ x: ndarray(f32(3), (i) => i) }));
    expect([...(await y.read()).data]).toEqual([0, 2, 4]);
  });

  test("a scope of the host's catches the host's errors while wgrad works", async () => {
    const device = GpuDevice.from(host);
    host.pushErrorScope("validation");
    const compiling = device.compile(({ x }: { x: Tensor }) => ({ y: x.exp() }), { x: f32(4) });
    host.createBuffer({ size: 4, usage: 0 }); // the host's mistake
    const caught = host.popErrorScope();
    await compiling;
    expect((await caught)?.message).toContain("usage");
  });

  const cnn = () =>
    sequential(conv2d({ filters: 4, kernel: 3, activation: "relu" }), maxPool2d(2), flatten(), dense({ units: 3 }));

  // what WebGPU gives every device, and what it gives where only compatibility mode is asked for
  describe.each(["core", "compatibility"])("with the lowest limits: %s", (featureLevel) => {
    let low: GPUDevice;
    beforeEach(async () => {
      low = await (await api.requestAdapter({ featureLevel }))!.requestDevice();
      low.addEventListener("uncapturederror", ({ error }) => errors.push(error.message));
      return () => low.destroy();
    });

    test("says what it lacks, and trains all the same", async () => {
      const device = GpuDevice.from(low);
      expect(low.limits.maxStorageBuffersPerShaderStage).toBe(8);
      expect(low.limits.maxComputeInvocationsPerWorkgroup).toBe(featureLevel === "core" ? 256 : 128);
      expect(device.lacks.map(({ name, has, useful }) => [name, has, useful])).toEqual([
        ["timestamp-query", false, true],
        ["subgroups", false, true],
        ["maxStorageBuffersPerShaderStage", 8, 10],
        ...(featureLevel === "core" ? [] : [["maxComputeInvocationsPerWorkgroup", 128, 256]]),
        ["maxStorageBufferBindingSize", 2 ** 27, 2 ** 30],
        ["maxBufferSize", 2 ** 28, 2 ** 30],
      ]);
      const y = random(i32(32), { low: 0, high: 3 });
      const rows = random(u8(32, 4, 5), { low: 0, high: 255, seed: 1 });
      const images = random(u8(32, 8, 8, 1), { low: 0, high: 255, seed: 1 });
      const nets = [
        [rows, sequential(flatten(), dense({ units: 12, activation: "relu" }), dense({ units: 3 }))],
        [rows, sequential(lstm({ units: 8, returns: "last" }), dense({ units: 3 }))],
        [images, cnn()],
      ] as const;
      for (const [x, model] of nets) {
        const trainer = await Trainer.create({
          ...{ device, model, data: { x, y }, batchSize: 16, loss: softmaxCrossEntropy, seed: 1 },
          optimizer: adam({ learningRate: 0.02 }),
        });
        const losses: number[] = [];
        for await (const report of trainer.fit({ steps: 40, reportEvery: 20 })) losses.push(report.loss);
        expect(losses.at(-1)).toBeLessThan(losses[0] as number);
        trainer.dispose();
      }
      const own = await GpuDevice.request({ gpu: api });
      const { features } = (await api.requestAdapter())!;
      expect(own.lacks.filter(({ name }) => features.has(name))).toEqual([]); // it takes what there is
      own.dispose();
    });

    // the plan of this device is for a CPU; the limits are those of a small GPU too
    test("kernels for a GPU fit", async () => {
      const device = GpuDevice.from(low);
      const { maxBuffers, maxWorkgroup } = device.target;
      const product = trace((({ a, b }: Record<"a" | "b", Tensor>) => ({ y: a.matmul(b) })) as never, {
        ...{ a: f32(512, 512), b: f32(512, 512) },
      });
      const recurrent = lstm({ units: 32, returns: "last" });
      const { params } = recurrent.init(keyOf(1), f32(16, 3, 8));
      const types = { x: f32(16, 3, 8), params };
      const sequence = trace(
        (({ x, params }: { x: Tensor; params: Tree<Tensor> }) => {
          const weights = leaves(params, isTensor).map(({ value }) => value);
          const loss = predict(recurrent, { params, state: {} }, x).square().sum();
          return { slopes: grad(loss, weights) };
        }) as never,
        types as never,
      );
      const convolutions = trace(
        (({ x, w, v }: Record<"x" | "w" | "v", Tensor>) => {
          const y = x.conv2d(w, { padding: "same" }).relu().maxPool2d(2).conv2d(v, { padding: "same" });
          return { slopes: grad(y.square().sum(), [x, w, v]) };
        }) as never,
        { x: f32(32, 28, 28, 16), w: f32(3, 3, 16, 32), v: f32(3, 3, 32, 32) },
      );
      for (const traced of [product, sequence, convolutions]) {
        const target = { ...gpuTarget, maxBuffers, maxWorkgroup };
        const { dispatches } = makePlan(traced, { ...(await device.planOptions(traced)), target });
        const kernels = dispatches.map(({ label, wgsl, bindings }) =>
          device.pipelines.get(
            label,
            wgsl,
            bindings.map((b) => b.access),
          ),
        );
        await Promise.all(kernels); // WebGPU refuses a kernel that is beyond a limit
      }
    });

    test("every layer of a wide step fits", async () => {
      const device = GpuDevice.from(low);
      const names = Array.from({ length: 14 }, (_, i) => `x${i}`);
      const types = Object.fromEntries(names.map((name) => [name, f32(5)]));
      const program = await device.compile(
        (x: Record<string, Tensor>) =>
          Object.fromEntries(names.map((name, i) => [`y${i}`, x[name]!.add(x[names[(i + 1) % 14]!]!)])),
        types,
      );
      const inputs = Object.fromEntries(names.map((name, i) => [name, device.put(ndarray(f32(5), Array(5).fill(i)))]));
      const outputs = program.run(inputs) as Record<string, { read(): Promise<{ data: ArrayLike<number> }> }>;
      for (let i = 0; i < 14; i++) expect((await outputs[`y${i}`]!.read()).data[0]).toBe(i + ((i + 1) % 14));
    });
  });
});

describe("the trainer", () => {
  const data = { x: random(f32(32, 4), { seed: 3 }), y: random(f32(32, 2), { seed: 4 }) };
  const create = (on: GpuDevice | CpuDevice) =>
    Trainer.create({
      ...{ device: on, data, batchSize: 8, loss: mse, seed: 5 },
      model: sequential(dense({ units: 8, activation: "tanh" }), dense({ units: 2 })),
      optimizer: sgd({ learningRate: 0.1 }),
    });

  test("trains in the host's encoder and pass as it does by itself", async () => {
    const [hosted, alone] = [await create(device), await create(device)];
    const encoder = host.createCommandEncoder();
    hosted.encode(encoder, { steps: 5 });
    const pass = encoder.beginComputePass();
    hosted.encode(pass, { steps: 6 });
    hosted.encode(pass);
    pass.end();
    host.queue.submit([encoder.finish()]);
    for await (const _ of alone.fit({ steps: 12 }));
    expect(hosted.step).toBe(12);
    expect(await hosted.params()).toEqual(await alone.params());
    for await (const { step } of hosted.fit({ steps: 3, reportEvery: 3 })) expect(step).toBe(15); // and goes on
  });

  test("says where it cannot", async () => {
    const reference = await create(new CpuDevice());
    expect(() => reference.encode({} as never)).toThrow(
      "encode: CPU reference (float64) takes no encoder; train on a GPU, or call fit",
    );
    const trainer = await create(device);
    const fit = trainer.fit({ steps: 200, reportEvery: 1 });
    await fit.next();
    expect(() => trainer.encode(host.createCommandEncoder())).toThrow(
      "encode: the trainer is in a fit; let that end first",
    );
    await fit.return();
  });
});
