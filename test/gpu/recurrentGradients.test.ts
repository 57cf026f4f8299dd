// Recurrent layers on the GPU, values and all gradients: the fused kernels against the composition of plain ops on the same GPU, and both
// against the float64 reference.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { f32 } from "../../src/shape/types.ts";
import { distances, everything, layerFunction, layerKinds } from "../layerFunctions.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

const [B, F, H] = [3, 3, 5];

describe.each(Object.entries(layerKinds))("%s", (_, { make, draw }) => {
  test.each([1, 7, 28])("T = %i", async (T) => {
    const given = { initial: true, ...(draw ? { draw } : {}) };
    const run = (device: Device, fused: false | "loop" | "step") =>
      everything(device, layerFunction(make({ units: H, fused }), f32(B, T, F), given));
    const want = await run(cpu, false);
    const composed = await run(gpu, false);
    const runs = { loop: await run(gpu, "loop"), step: await run(gpu, "step") };
    const found = [
      ...distances(composed, want).map(([name, d]) => [`composition against reference, ${name}`, d] as const),
      ...Object.entries(runs).flatMap(([form, got]) => [
        ...distances(got, want).map(([name, d]) => [`${form} against reference, ${name}`, d] as const),
        ...distances(got, composed).map(([name, d]) => [`${form} against composition, ${name}`, d] as const),
      ]),
    ];
    expect(found.filter(([, d]) => !(d < 1e-5))).toEqual([]);
  });
});
