// Hessian–vector products on the GPU: for a hundred random graphs uᵀ·H·v = vᵀ·H·u.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hvp } from "../../src/autodiff/hvp.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import type { DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { Tensor } from "../../src/tensor.ts";
import { build, recipes, typesOf, valuesOf } from "../graphs.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

test("the Hessians of random graphs are symmetric", { timeout: 20 * 60_000 }, async () => {
  for (const recipe of fc.sample(recipes({ carried: false }), { numRuns: 100, seed: 5 })) {
    const types = typesOf(recipe);
    const f = (params: readonly Tensor[]) =>
      build(recipe, params)
        .out.map((t) => t.square().mean())
        .reduce((a, b) => a.add(b));
    const program = await gpu.compile(
      ({ x, u, v }) => {
        const [hv, hu] = [hvp(f, x as Tensor[], v as Tensor[]).hv, hvp(f, x as Tensor[], u as Tensor[]).hv];
        const dot = (a: readonly Tensor[], b: readonly Tensor[], g: (t: Tensor) => Tensor) =>
          a.map((t, i) => g(t.mul(b[i]!)).sum()).reduce((s, t) => s.add(t));
        const same = (t: Tensor) => t;
        return {
          uHv: dot(u as Tensor[], hv, same),
          vHu: dot(v as Tensor[], hu, same),
          // what the first sums up, signs left out: the sum may cancel
          size: dot(u as Tensor[], hv, (t) => t.abs()),
        };
      },
      { x: types, u: types, v: types },
    );
    const direction = (seed: number) => types.map((t, i) => random(t, { seed: seed + i }));
    const inputs = { x: valuesOf(recipe), u: direction(100), v: direction(200) };
    const outputs = program.run(gpu.put(inputs) as never) as unknown as Record<string, DeviceArray>;
    const [uHv, vHu, size] = await Promise.all(Object.values(outputs).map(async (a) => (await a.read()).data[0]!));
    expect(Math.abs(uHv! - vHu!), JSON.stringify(recipe)).toBeLessThanOrEqual(1e-4 * size! + 1e-30);
    program.dispose();
  }
});
