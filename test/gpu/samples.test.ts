// Every sample, forward and backward, on the GPU against the float64 reference.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compare } from "../compare.ts";
import { random } from "../samples/sample.ts";
import { compositions, type Sample, samples } from "../samples.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

/** The outputs of a sample, and the gradients of ⟨outputs, seeded cotangents⟩. */
async function evaluate(device: Device, s: Sample, cotangents: readonly NdArray[]): Promise<NdArray[]> {
  const inputs = { x: s.inputs, c: cotangents };
  const types = {
    x: s.inputs.map((v) => ({ dtype: v.dtype, shape: v.shape })),
    c: cotangents.map((v) => ({ dtype: v.dtype, shape: v.shape })),
  };
  const program = await device.compile(({ x, c }) => {
    const outputs = s.build(x as Tensor[]);
    const smooth = outputs.filter((y) => y.dtype === "f32");
    const wrt = s.differentiable.map((k) => (x as Tensor[])[k] as Tensor);
    return { all: wrt.length ? [...outputs, ...vjp(smooth, c as Tensor[], wrt)] : outputs };
  }, types);
  const { all } = program.run(device.put(inputs) as never) as { all: DeviceArray[] };
  const values = await Promise.all(all.map((a) => a.read()));
  program.dispose();
  return values;
}

const all = [...Object.entries(samples), ...Object.entries(compositions)].flatMap(([op, list]) =>
  list.map((s) => ({ op, name: s.name, sample: s })),
);

describe("GPU against reference", () => {
  test.each(all)("$op: $name", async ({ sample: s }) => {
    const cpu = new CpuDevice();
    const forward = await evaluate(cpu, { ...s, differentiable: [] }, []);
    const cotangents = forward
      .filter((y) => y.dtype === "f32")
      .map((y, i) => random({ dtype: "f32", shape: y.shape }, { seed: 20 + i }));
    const want = await evaluate(cpu, s, cotangents);
    const got = await evaluate(gpu, s, cotangents);
    expect(got.length).toBe(want.length);
    want.forEach((w, i) => {
      expect(compare(got[i] as NdArray, w, s.tolerance)).toBe("");
    });
  });
});
