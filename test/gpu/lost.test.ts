// Devices that are lost: destroyed between steps and in the midst of anything. Training goes on by itself where it was told to, to the bit.

import { beforeAll, describe, expect, test, vi } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { DeviceLostError, ValueError } from "../../src/shape/errors.ts";
import type { FitOptions, Progress } from "../../src/train/fit.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { create, data, images, netNames, train } from "./nets.ts";

vi.setConfig({ testTimeout: 600_000 }); // a new device compiles everything anew

let gpu: GPU;
let device: GpuDevice;
beforeAll(async () => {
  gpu = await createGpu();
  device = await GpuDevice.request({ gpu });
  return () => device.dispose();
});

const destroy = (trainer: Trainer) => (trainer.device as GpuDevice).gpu.destroy();
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** A GPU whose n-th device is destroyed behind its `submits[n]`-th submit, if there is such a number. */
function mortal(submits: readonly number[]): { gpu: GPU; devices: GPUDevice[] } {
  const devices: GPUDevice[] = [];
  const requestAdapter = async (options?: GPURequestAdapterOptions) => {
    const adapter = (await gpu.requestAdapter(options)) as GPUAdapter;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (descriptor) => {
      const made = await requestDevice(descriptor);
      let left = submits[devices.push(made) - 1] ?? Number.POSITIVE_INFINITY;
      const submit = made.queue.submit.bind(made.queue);
      made.queue.submit = (buffers) => {
        submit(buffers);
        if (--left === 0) made.destroy();
      };
      return made;
    };
    return adapter;
  };
  return { gpu: { requestAdapter } as unknown as GPU, devices };
}

test.each(netNames)(
  "%s: trained for 200 steps and destroyed at every 10th, it ends as the unbroken run",
  async (net) => {
    const [steps, every] = [200, 10];
    await using unbroken = await train(await create(device, net), steps);
    const first = await GpuDevice.request({ gpu });
    await using trainer = await create(first, net, { onLost: "resume", keepEvery: 0 });
    const devices = new Set();
    const reported: number[] = [];
    const losses: number[] = [];
    for await (const p of trainer.fit({ steps, reportEvery: every })) {
      reported.push(p.step);
      losses.push(...p.losses);
      devices.add(trainer.device);
      destroy(trainer);
    }
    expect(reported).toEqual(Array.from({ length: steps / every }, (_, i) => every * (i + 1)));
    expect(losses).toHaveLength(steps);
    expect(same(await trainer.checkpoint(), await unbroken.checkpoint())).toBe(true);
    expect(devices.size).toBe(steps / every);
  },
);

describe("in the midst of anything", () => {
  const fitted: FitOptions = { epochs: 12, validation: images(33, 6), earlyStopping: { patience: 2, minDelta: 0.1 } };
  /** All that a user sees, but for times. */
  async function told(trainer: Trainer): Promise<{ progress: unknown[]; checkpoint: Uint8Array }> {
    const progress: Progress[] = [];
    for await (const p of trainer.fit({ ...fitted, reportEvery: 3 })) progress.push(p);
    const seen = progress.map(({ step, loss, losses, accuracy, validation, stopped }) => ({
      step,
      loss,
      losses,
      accuracy,
      validation,
      stopped,
    }));
    return { progress: seen, checkpoint: await trainer.checkpoint() };
  }

  test.each([0, 100])(
    "reports, evaluations, early stopping and weights are the same (a copy every %d s)",
    async (keepEvery) => {
      await using unbroken = await create(device, "mlp");
      const want = await told(unbroken);
      expect(want.progress.at(-1)).toMatchObject({ stopped: true });
      const { gpu, devices } = mortal([3, 19, 31, 14, 47, 22]);
      await using trainer = await create(await GpuDevice.request({ gpu }), "mlp", { onLost: "resume", keepEvery });
      const got = await told(trainer);
      expect(got.progress).toEqual(want.progress);
      expect(same(got.checkpoint, want.checkpoint)).toBe(true);
      expect(devices).toHaveLength(7);
    },
  );
});

test("between fits it is found by whatever comes first: evaluation, prediction, a read, the next fit", async () => {
  await using unbroken = await train(await create(device, "mlp"), 7);
  await using trainer = await train(await create(await GpuDevice.request({ gpu }), "mlp", { onLost: "resume" }), 7);
  const sets = images(12, 8);
  const looks: ((t: Trainer) => Promise<unknown>)[] = [
    (t) => t.evaluate(sets),
    (t) => t.predict(sets.x),
    (t) => t.params(),
    (t) => t.variables(),
    (t) => t.checkpoint(),
    (t) => Promise.all([t.evaluate(sets), t.params(), t.predict(sets.x)]),
    async (t) => (await train(t, 4)).checkpoint(),
  ];
  for (const look of looks) {
    destroy(trainer);
    expect(await look(trainer)).toEqual(await look(unbroken));
  }
});

test("weights that were set, and a checkpoint that was restored, are what it goes back to", async () => {
  await using other = await train(await create(device, "mlp"), 3);
  await using unbroken = await create(device, "mlp");
  await using trainer = await create(await GpuDevice.request({ gpu }), "mlp", { onLost: "resume" });
  const params = await other.params();
  for (const t of [unbroken, trainer]) {
    await train(t, 2);
    t.setParams(params);
    await train(t, 2);
  }
  destroy(trainer);
  expect(await trainer.params()).toEqual(await unbroken.params());
  await trainer.restore(await other.checkpoint());
  destroy(trainer);
  await train(trainer, 2);
  expect(same(await trainer.checkpoint(), await (await train(other, 2)).checkpoint())).toBe(true);
});

test("unless told otherwise it fails, and a checkpoint goes on elsewhere", async () => {
  await using unbroken = await train(await create(device, "mlp"), 12);
  const lost = await create(await GpuDevice.request({ gpu }), "mlp");
  await train(lost, 6);
  const checkpoint = await lost.checkpoint();
  const broken = async () => {
    for await (const _ of lost.fit({ steps: 60, reportEvery: 2 })) destroy(lost);
  };
  await expect(broken()).rejects.toThrow(DeviceLostError);
  await expect(lost.evaluate(images(12, 8))).rejects.toThrow(DeviceLostError);
  await expect(lost.checkpoint()).rejects.toThrow(DeviceLostError);
  await lost[Symbol.asyncDispose]();
  await using found = await create(device, "mlp", { checkpoint });
  expect(same(await (await train(found, 6)).checkpoint(), await unbroken.checkpoint())).toBe(true);
});

describe("on a host's device", () => {
  const hosted = async () => GpuDevice.from((await (await gpu.requestAdapter())!.requestDevice()) as GPUDevice);

  test("the host supplies the next one, and the data that lived on it", async () => {
    const first = await hosted();
    // without the features that a device of our own asks for, plans are others
    const whole = await hosted();
    await using unbroken = await train(await create(whole, "mlp", { data: whole.put(data as never) as never }), 40);
    const reasons: string[] = [];
    await using trainer = await create(first, "mlp", {
      data: first.put(data as never) as never,
      onLost: async (lost) => {
        reasons.push(lost.name);
        const next = await hosted();
        return { device: next, data: next.put(data as never) as never };
      },
    });
    for await (const { step } of trainer.fit({ steps: 40, reportEvery: 10 })) if (step === 20) destroy(trainer);
    expect(reasons).toEqual(["DeviceLostError"]);
    expect(same(await trainer.checkpoint(), await unbroken.checkpoint())).toBe(true);
    await trainer.device.synchronize(); // it is the host's, and alive when the trainer is gone
    trainer.dispose();
    await trainer.device.synchronize();
  });

  test("without the data, or with others, it does not go on", async () => {
    const first = await hosted();
    const make = async (next: () => Promise<never>) => {
      const own = first.put(data as never) as never;
      return create(first, "mlp", { data: own, onLost: next });
    };
    const without = await make(async () => ({ device: await hosted() }) as never);
    const others = await make(async () => ({ device: await hosted(), data: images(71) }) as never);
    destroy(without);
    await expect(train(without, 2)).rejects.toThrow("data u8[70,6,6,1] is of another device");
    await expect(train(others, 2)).rejects.toThrow(
      "onLost: the next device has other data, x u8[71,6,6,1] (vs u8[70,6,6,1])",
    );
  });

  test("it cannot be asked for again, and data on a device are lost with it: both are said at once", async () => {
    const first = await hosted();
    await expect(create(first, "mlp", { onLost: "resume" })).rejects.toThrow("onLost cannot ask for another");
    const own = { data: device.put(data as never) as never, onLost: "resume" } as const;
    await expect(create(device, "mlp", own)).rejects.toThrow(ValueError);
    await expect(create(device, "mlp", { onLost: "again" as "fail" })).rejects.toThrow("no onLost again");
    first.gpu.destroy();
  });
});

test("devices that are lost time and again, with nothing done between, end it", async () => {
  const { gpu, devices } = mortal([6, 1, 1, 1, 1, 1, 1, 1]);
  const trainer = await create(await GpuDevice.request({ gpu }), "mlp", { onLost: "resume" });
  await expect(train(trainer, 500)).rejects.toThrow(DeviceLostError);
  expect(devices).toHaveLength(5);
  trainer.dispose();
});

test("while there is no other device it waits for one, until it is aborted", async () => {
  let adapters = 1;
  const requestAdapter = async () => (adapters-- > 0 ? gpu.requestAdapter() : null);
  const first = await GpuDevice.request({ gpu: { requestAdapter } as unknown as GPU });
  const trainer = await create(first, "mlp", { onLost: "resume" });
  const abort = new AbortController();
  const steps: number[] = [];
  const run = async () => {
    for await (const { step } of trainer.fit({ steps: 100, reportEvery: 5, signal: abort.signal })) {
      steps.push(step);
      first.gpu.destroy();
      setTimeout(() => abort.abort(new Error("enough")), 400);
    }
  };
  await expect(run()).rejects.toThrow("enough");
  expect(steps).toEqual([5]);
  expect(adapters).toBeLessThan(-1);
});
