// Every sample, forward and backward, on the GPU against the float64 reference.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { allSamples, checkSample } from "../checkSample.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

// several at a time: pipelines compile beside each other
test.concurrent.each(allSamples)("$op: $name", async ({ sample }) => {
  expect(await checkSample(gpu, sample)).toBe("");
});
