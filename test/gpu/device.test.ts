// The device at work and in trouble: what a run asks of the GPU, what is left when all is disposed, and what is said when something fails.
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { GpuArray } from "../../src/gpu/array.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import { ArrayError, DeviceError, DeviceLostError, ShapeError, WgradError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { type Tensor, uniform } from "../../src/tensor.ts";
import { random } from "../samples/sample.ts";
import { type Watched, watch } from "./watch.ts";

let api: GPU;
beforeAll(async () => {
  api = await createGpu();
});

// ---- a small training step: everything that a program has ----

type Weights = Record<"w1" | "b1" | "w2", Tensor>;

const types = {
  weights: { w1: f32(12, 16), b1: f32(16), w2: f32(16, 4) },
  key: u32(2),
  x: f32(32, 12),
  y: i32(32),
};

function step({ weights, key, x, y }: { weights: Weights; key: Tensor; x: Tensor; y: Tensor }) {
  const { w1, b1, w2 } = weights;
  const noisy = x.add(uniform(key, x.shape).mul(0.01));
  const loss = noisy.matmul(w1).add(b1).tanh().matmul(w2).softmaxCrossEntropy(y).mean();
  const g = grad(loss, [w1, b1, w2]);
  const [n1, n2, n3] = [w1, b1, w2].map((p, i) => p.sub((g[i] as Tensor).mul(0.3))) as [Tensor, Tensor, Tensor];
  return { weights: { w1: n1, b1: n2, w2: n3 }, key: key.add(1), loss };
}

const host = {
  carried: {
    weights: {
      w1: random(types.weights.w1, { seed: 1 }),
      b1: random(types.weights.b1, { seed: 2 }),
      w2: random(types.weights.w2, { seed: 3 }),
    },
    key: ndarray(u32(2), [3, 4]),
  },
  x: random(types.x, { seed: 5 }),
  y: random(types.y, { low: 0, high: 4, seed: 6 }),
};

const compileStep = (device: GpuDevice) => device.compile(step, types, { carry: ["weights", "key"], label: "step" });
const putAll = (device: GpuDevice) => ({ ...device.put(host.carried), x: device.put(host.x), y: device.put(host.y) });

const dispatches = (program: unknown) => (program as GpuProgram).plan.dispatches;

const leavesOf = (inputs: ReturnType<typeof putAll>) => [
  ...Object.values(inputs.weights),
  inputs.key,
  inputs.x,
  inputs.y,
];

const rawDevice = async () => (await (await api.requestAdapter())!.requestDevice()) as GPUDevice;

describe("a device that counts", () => {
  let watched: Watched;
  let device: GpuDevice;
  let raw: GPUDevice;
  beforeEach(async () => {
    raw = await rawDevice();
    watched = watch(raw);
    device = GpuDevice.from(watched.gpu);
    return () => raw.destroy();
  });

  test("a run after the first creates nothing, writes nothing and submits once", async () => {
    const program = await compileStep(device);
    const inputs = putAll(device);
    program.run(inputs, { repeat: 16 });
    watched.reset();
    for (let i = 0; i < 5; i++) program.run(inputs, { repeat: 16 });
    expect(Object.fromEntries(watched.calls)).toEqual({ createCommandEncoder: 5, submit: 5 });
  });

  test("reading is a copy and a submit; the staging buffer is used again", async () => {
    const array = device.put(host.x);
    await array.read();
    watched.reset();
    await array.read();
    await array.read();
    expect(Object.fromEntries(watched.calls)).toEqual({ createCommandEncoder: 2, submit: 2 });
  });

  test("pipelines of equal WGSL are compiled once", async () => {
    const first = await compileStep(device);
    expect(watched.calls.get("createComputePipelineAsync")).toBe(new Set(dispatches(first).map((d) => d.wgsl)).size);
    watched.reset();
    await compileStep(device);
    expect(watched.calls.has("createComputePipelineAsync")).toBe(false);
  });

  test("nothing is left when everything is disposed", async () => {
    const program = await compileStep(device);
    const inputs = putAll(device);
    for (let i = 0; i < 3; i++) {
      const { loss } = program.run(inputs);
      await loss.read();
    }
    const { loss } = program.run(inputs);
    expect(watched.alive.size).toBeGreaterThan(3);
    for (const array of [...leavesOf(inputs), loss]) array.dispose();
    program.dispose();
    device.dispose();
    expect([...watched.alive].map((b) => b.label)).toEqual([]);
  });

  test("an output outlives its program, until it is disposed", async () => {
    const program = await device.compile(({ x }: { x: Tensor }) => ({ y: x.mul(2) }), { x: f32(3) });
    const x = device.put(ndarray(f32(3), [1, 2, 3]));
    const { y } = program.run({ x });
    program.dispose();
    x.dispose();
    expect([...(await y.read()).data]).toEqual([2, 4, 6]);
    y.dispose();
    y.dispose();
    device.dispose();
    expect(watched.alive.size).toBe(0);
  });

  test("a read that is under way when the device is disposed leaves nothing", async () => {
    const x = device.put(host.x);
    const reading = x.read();
    x.dispose();
    device.dispose();
    expect((await reading).data).toEqual(host.x.data);
    expect(watched.alive.size).toBe(0);
  });

  // after SQLite: fail every call in turn
  describe("fails at the k-th call", () => {
    /** All of a training run, as its user would write it: what was made is disposed, whatever happens. */
    const train = async () => {
      const made: { dispose(): void }[] = [];
      const keep = <T extends { dispose(): void }>(x: T): T => {
        made.push(x);
        return x;
      };
      try {
        const program = keep(await compileStep(device));
        const carried = device.put(host.carried);
        for (const array of [...Object.values(carried.weights), carried.key]) keep(array);
        const inputs = { ...carried, x: keep(device.put(host.x)), y: keep(device.put(host.y)) };
        await keep(program.run(inputs).loss).read();
      } finally {
        for (const x of made) x.dispose();
      }
    };

    test.each(["createBuffer", "createComputePipelineAsync", "createBindGroup", "submit"])("%s", async (method) => {
      await train();
      device.dispose();
      const calls = watched.calls.get(method) as number;
      expect(calls).toBeGreaterThan(0);
      for (let k = 1; k <= calls; k++) {
        device = GpuDevice.from(watched.gpu);
        watched.failAt(method, k, () => {
          throw new RangeError("no more");
        });
        const failure = await train().then(
          () => "nothing",
          (error: unknown) => error,
        );
        expect(failure, `${method} ${k} of ${calls}`).toBeInstanceOf(Error);
        if (/Buffer|Pipeline/.test(method)) expect(failure).toBeInstanceOf(WgradError);
        device.dispose();
        expect(
          [...watched.alive].map((b) => b.label),
          `${method} ${k} of ${calls}`,
        ).toEqual([]);
      }
      device = GpuDevice.from(watched.gpu);
      await train(); // and then it works
    });
  });
});

describe("one seed, one result", () => {
  /** Weights after 24 steps, bit for bit, on a device of its own. */
  async function train(repeat: number): Promise<NdArray[]> {
    const device = await GpuDevice.request({ gpu: api });
    const program = await compileStep(device);
    const inputs = putAll(device);
    for (let i = 0; i < 24; i += repeat) program.run(inputs, { repeat });
    const values = await Promise.all(leavesOf(inputs).map((a) => a.read()));
    device.dispose();
    return values;
  }

  test("however the steps are cut into runs", async () => {
    const weights = await train(1);
    expect(await train(1)).toEqual(weights);
    expect(await train(8)).toEqual(weights);
    expect(weights[0]).not.toEqual(host.carried.weights.w1);
  });
});

describe("on the host's device", () => {
  test("the program goes into the host's encoder or pass, and the host submits", async () => {
    const raw = await rawDevice();
    const { gpu: hostDevice, calls, reset } = watch(raw);
    const device = GpuDevice.from(hostDevice);
    const program = await device.compile(
      ({ x, n }: Record<"x" | "n", Tensor>) => ({ n: n.add(x), y: n.mul(10) }),
      { x: f32(2), n: f32(2) },
      { carry: ["n"] },
    );
    const inputs = { x: device.put(ndarray(f32(2), [1, 2])), n: device.put(ndarray(f32(2), [0, 0])) };

    program.groups(inputs);
    reset();
    const encoder = raw.createCommandEncoder();
    program.encode(encoder, inputs, { repeat: 2 });
    const pass = encoder.beginComputePass();
    const { y } = program.encode(pass, inputs) as { y: GpuArray };
    pass.end();
    expect(Object.fromEntries(calls)).toEqual({}); // nothing was made, nothing submitted
    raw.queue.submit([encoder.finish()]);
    expect([...(await inputs.n.read()).data]).toEqual([3, 6]);
    expect([...(await y.read()).data]).toEqual([20, 40]);
    raw.destroy();
  });

  test("a program reads the host's buffer where it lies", async () => {
    const raw = await rawDevice();
    const device = GpuDevice.from(raw);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
    const hosts = raw.createBuffer({ size: 512, usage });
    raw.queue.writeBuffer(hosts, 256, new Float32Array([1, 2, 3, 4]));
    const program = await device.compile(({ x }) => ({ y: x.mul(2) }), { x: f32(4) });
    const { y } = program.run({ x: device.wrap(f32(4), hosts, 256) });
    expect([...(await y.read()).data]).toEqual([2, 4, 6, 8]);
    expect(() => device.wrap(f32(4), hosts, 16)).toThrow("its offset is no multiple of 256 (16)");
    expect(() => device.wrap(f32(65), hosts, 256)).toThrow("it is too short (512 vs 516 bytes)");
    expect(() => device.wrap(f32(4), raw.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST }))).toThrow(
      "no usage STORAGE",
    );
    raw.destroy();
  });

  test("disposing wgrad's device leaves the host's alive and its errors to the host", async () => {
    const raw = await rawDevice();
    const errors: string[] = [];
    raw.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      errors.push(event.error.message);
    });
    const device = GpuDevice.from(raw);
    const x = device.put(ndarray(f32(2), [1, 2]));
    raw.createBuffer({ size: 4, usage: 0 }); // the host's own mistake
    expect([...(await x.read()).data]).toEqual([1, 2]);
    expect(errors).toHaveLength(1);
    device.dispose();
    raw.pushErrorScope("validation");
    raw.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE }).destroy();
    expect(await raw.popErrorScope()).toBeNull();
    expect(await Promise.race([raw.lost, "alive"])).toBe("alive");
    raw.destroy();
  });
});

describe("says what is wrong", () => {
  let device: GpuDevice;
  beforeEach(async () => {
    device = await GpuDevice.request({ gpu: api });
    return () => device.dispose();
  });
  const double = (on: GpuDevice) =>
    on.compile(({ x }: { x: Tensor }) => ({ y: x.mul(2) }), { x: f32(3) }, { label: "double" });
  const three = ndarray(f32(3), [1, 2, 3]);

  test("of inputs, before anything is recorded", async () => {
    const program = await double(device);
    const other = await GpuDevice.request({ gpu: api });
    const x = device.put(three);
    const gone = device.put(three);
    gone.dispose();
    const run = (input: unknown) => () => program.run({ x: input } as never);
    expect(run(undefined)).toThrow(new ArrayError("double: input x is missing; give an array of f32[3]"));
    expect(() => program.run({} as never)).toThrow("double: input x is missing");
    expect(run(three)).toThrow(`double: input x lives on no device; put it on ${device.name}`);
    expect(run(other.put(three))).toThrow(
      new ArrayError("double: input x lives on another device; put it on this one"),
    );
    expect(run(new CpuDevice().put(three))).toThrow("double: input x lives on another device");
    expect(run(gone)).toThrow(new ArrayError("array f32[3]: it was disposed; keep it until its last use"));
    expect(run(device.put(ndarray(f32(4), [1, 2, 3, 4])))).toThrow(
      new ShapeError("double: input x is f32[4], compiled for f32[3]; compile for that shape"),
    );
    expect(run(device.put(ndarray(i32(3), [1, 2, 3])))).toThrow("input x is i32[3], compiled for f32[3]");
    const { y } = program.run({ x });
    expect(run(y)).toThrow("input x is an output of this program, which a run overwrites");
    expect([...(await y.read()).data]).toEqual([2, 4, 6]);
    other.dispose();
  });

  test("of outputs that a later run overwrote, and of programs and arrays that are gone", async () => {
    const program = await double(device);
    const x = device.put(three);
    const { y: stale } = program.run({ x });
    const { y } = program.run({ x });
    await expect(stale.read()).rejects.toThrow("a later run of its program overwrote it; read it before the next run");
    expect((await y.read()).data[0]).toBe(2);
    expect(() => x.write(ndarray(f32(4), [1, 2, 3, 4]))).toThrow(ShapeError);
    x.dispose();
    await expect(x.read()).rejects.toThrow(ArrayError);
    expect(() => x.write(three)).toThrow(ArrayError);
    program.dispose();
    program.dispose();
    expect(() => program.run({ x })).toThrow(new ArrayError("double: it was disposed; keep it until its last use"));
  });

  test("of a buffer beyond the limit, before anything is compiled", async () => {
    const large = device.compile(({ x }: { x: Tensor }) => ({ y: x.broadcastTo([2 ** 21, 2 ** 12]).add(1) }), {
      x: f32(1),
    });
    await expect(large).rejects.toThrow(DeviceError);
    await expect(large).rejects.toThrow(
      /program: y: needs a buffer of 34359738368 bytes .* at most \d+ on .*smaller batch/,
    );
    expect(device.pipelines.size).toBe(0);
  });

  test("of too many inputs for one dispatch", async () => {
    const raw = await rawDevice();
    const few = GpuDevice.from(raw); // default limits
    const list = Array.from({ length: 12 }, () => f32(4));
    const program = await few.compile(({ x }: { x: Tensor[] }) => ({ y: x.reduce((a, b) => a.add(b)) }), { x: list });
    const x = few.put(list.map((type) => ndarray(type, [1, 2, 3, 4])));
    const { y } = program.run({ x }); // it is taken apart
    expect([...(await y.read()).data]).toEqual([12, 24, 36, 48]);
    raw.destroy();
  });

  test("of a missing adapter, a missing WebGPU, an adapter that gives no device", async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    await expect(GpuDevice.request({ gpu: none })).rejects.toThrow(DeviceError);
    await expect(GpuDevice.request({ gpu: none })).rejects.toThrow("WebGPU has no adapter");
    await expect(GpuDevice.request({ gpu: undefined as never })).rejects.toThrow("there is no WebGPU here");
    const adapter = { features: new Set(), limits: {}, requestDevice: () => Promise.reject(new Error("consumed")) };
    const spent = { requestAdapter: async () => adapter } as unknown as GPU;
    await expect(GpuDevice.request({ gpu: spent })).rejects.toThrow(DeviceError);
  });

  test("of a device that is lost", async () => {
    const program = await double(device);
    const x = device.put(three);
    const reading = x.read().catch((error: unknown) => error);
    device.gpu.destroy();
    await device.gpu.lost;
    expect(await reading).toSatisfy((r) => r instanceof DeviceLostError || (r as NdArray).data[0] === 1);
    expect(() => program.run({ x })).toThrow(DeviceLostError);
    expect(() => device.put(three)).toThrow(DeviceLostError);
    await expect(x.read()).rejects.toThrow(DeviceLostError);
    await expect(device.synchronize()).rejects.toThrow("make a new one and load the last checkpoint");
    await expect(double(device)).rejects.toThrow(DeviceLostError);
  });

  test("of memory that ran out", async () => {
    const raw = await rawDevice();
    const { gpu, failAt, alive } = watch(raw);
    const short = GpuDevice.from(gpu);
    const none = async () => ({ message: "out of memory" });
    (await double(short)).dispose(); // its pipeline is there now: what is left are buffers
    failAt("popErrorScope", 1, none);
    const pending = double(short);
    await expect(pending).rejects.toThrow(DeviceError);
    await expect(pending).rejects.toThrow("double: y: 16 bytes more do not fit: out of memory");
    expect(alive.size).toBe(0);
    failAt("popErrorScope", 1, none);
    const x = short.put(three);
    await expect(short.synchronize()).rejects.toThrow("put f32: 256 bytes more do not fit");
    x.dispose();
    raw.destroy();
  });

  test("of WGSL that does not compile: line, column and source", async () => {
    const compile = device.pipelines.get("broken", "fn f() {}\nfn main() { let x = 1u + 1i; }", []);
    await expect(compile).rejects.toThrow(
      /pipeline broken: [\s\S]*2:\d+ error: [\s\S]*let x = 1u \+ 1i;[\s\S]*please report it/,
    );
    await device.synchronize(); // it was reported once
  });
});
