// Hessian–vector products on the GPU: for a hundred random graphs, and through recurrent layers, uᵀ·H·v = vᵀ·H·u.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hvp, inner } from "../../src/autodiff/hvp.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { build, recipes, valuesOf } from "../graphs.ts";
import { layerFunction, layerKinds } from "../layerFunctions.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

type Scalar = (params: readonly Tensor[]) => Tensor;

/** uᵀHv and vᵀHu for a random v and u = Hv/‖Hv‖ + r/(2‖r‖), r random: whatever r is, uᵀHv is at least ‖Hv‖/2, so that it is no difference of
 *  large terms whose rounding would hide, or feign, an asymmetry. */
async function bothWays(device: Device, f: Scalar, at: readonly NdArray[]): Promise<{ uHv: number; vHu: number }> {
  const types = at.map(({ dtype, shape }) => ({ dtype, shape }));
  const drawn = (seed: number) => types.map((t, i) => random(t, { seed: seed + i }));
  const inputs = { x: at, v: drawn(200), r: drawn(300) };
  const program = await device.compile(
    ({ x, v, r }: Record<string, Tensor[]>) => {
      const { hv } = hvp(f, x!, v!);
      const norm = (t: readonly Tensor[]) => inner(t, t).sqrt().maximum(1e-30);
      const [a, b] = [norm(hv), norm(r!).mul(2)];
      const u = hv.map((t, i) => t.div(a).add(r![i]!.div(b)));
      return { uHv: inner(u, hv), vHu: inner(v!, hvp(f, x!, u).hv) };
    },
    { x: types, v: types, r: types },
  );
  const outputs = program.run(device.put(inputs) as never) as unknown as Record<"uHv" | "vHu", DeviceArray>;
  const [uHv, vHu] = [(await outputs.uHv.read()).data[0]!, (await outputs.vHu.read()).data[0]!];
  program.dispose();
  return { uHv, vHu };
}

async function checkSymmetry(f: Scalar, at: readonly NdArray[], what: string): Promise<void> {
  const [got, want] = [await bothWays(gpu, f, at), await bothWays(cpu, f, at)];
  expect(Math.abs(got.uHv - got.vHu) / Math.abs(got.uHv), what).toBeLessThanOrEqual(1e-4);
  expect(Math.abs(got.uHv - want.uHv) / Math.abs(want.uHv), what).toBeLessThanOrEqual(1e-4);
}

test("the Hessians of a hundred random graphs are symmetric, and the reference's", {
  timeout: 10 * 60_000,
}, async () => {
  let checked = 0;
  for (const recipe of fc.sample(recipes({ carried: false, mostInputs: 3, mostSteps: 6 }), { numRuns: 110, seed: 5 })) {
    const f: Scalar = (params) =>
      build(recipe, params)
        .out.map((t) => t.square().mean())
        .reduce((a, b) => a.add(b));
    // x − x, for one, has none
    if (Math.abs((await bothWays(cpu, f, valuesOf(recipe))).uHv) < 1e-12) continue;
    await checkSymmetry(f, valuesOf(recipe), JSON.stringify(recipe));
    if (++checked === 100) break;
  }
  expect(checked).toBe(100);
});

test.each(Object.entries(layerKinds))("through a layer step by step: %s", async (_, { make, draw }) => {
  const layer = make({ units: 2, fused: false });
  const { f, inputs } = layerFunction(layer, f32(3, 2, 2), { initial: true, ...(draw ? { draw } : {}) });
  const loss: Scalar = (all) =>
    f(...all)
      .map((t) => t.square().mean())
      .reduce((a, b) => a.add(b));
  await checkSymmetry(loss, inputs, layer.name);
});
