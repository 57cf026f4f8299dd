// The ground the other tests stand on: Node has a WebGPU adapter, and a dispatch on it computes.

import { performance } from "node:perf_hooks";
import { expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { squares } from "../chrome/squares.page.ts";
import { random } from "../samples/sample.ts";

test("Node has an adapter, and a dispatch gives the right numbers", async () => {
  const gpu = await createGpu();
  expect(await squares(gpu, 1000)).toEqual(Array.from({ length: 1000 }, (_, i) => i * i));
});

test("asking again gives the same GPU", async () => {
  expect(await createGpu()).toBe(await createGpu());
});

test("while an adapter on the CPU computes, Node leaves the cores to it", async ({ skip }) => {
  await using device = await GpuDevice.request({ gpu: await createGpu() });
  if (!device.software) skip("a GPU is asked at once");
  const n = 512;
  const program = await device.compile(
    ({ a }: { a: Tensor }) => ({ a: a.matmul(a).mul(1 / n) }),
    { a: f32(n, n) },
    { carry: ["a"] },
  );
  const inputs = device.put({ a: random(f32(n, n)) });
  program.run(inputs, { repeat: 20 });
  const before = performance.eventLoopUtilization();
  await device.synchronize();
  const { active, idle } = performance.eventLoopUtilization(before);
  expect(idle).toBeGreaterThan(active);
});
