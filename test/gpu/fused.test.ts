// Random graphs, fused and tiled as for a GPU and as for a CPU behind WebGPU: values, gradients and carried values against the reference.
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/backward.ts";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { gpuTarget, softwareTarget } from "../../src/plan/target.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compare } from "../compare.ts";
import { build, type Recipe, recipes, typesOf, valuesOf } from "../graphs.ts";
import { random } from "../samples/sample.ts";

const cpu = new CpuDevice();
let devices: GpuDevice[];
beforeAll(async () => {
  const gpu = await createGpu();
  // the results are the same whatever adapter a plan is made for; only the speed is not
  devices = await Promise.all(
    [gpuTarget, softwareTarget].map(async (target) => {
      const device = await GpuDevice.request({ gpu });
      const { maxBuffers } = device.target;
      return Object.assign(device, { target: { ...target, maxBuffers } });
    }),
  );
});
afterAll(() => {
  for (const d of devices) d.dispose();
});

/** What the recipe returns, and its carried values, after two steps. */
async function run(device: Device, recipe: Recipe, differentiate: boolean): Promise<NdArray[]> {
  const f = ({ carried, given }: { carried: Tensor[]; given: Tensor[] }) => {
    const inputs = [...carried, ...given];
    const made = build(recipe, inputs);
    const out = differentiate ? [...made.out, ...vjp(made.out, made.out, inputs)] : made.out;
    return { carried: made.carried, out };
  };
  const split = <T>(list: readonly T[]) => [list.slice(0, recipe.carried), list.slice(recipe.carried)] as const;
  const [carriedTypes, givenTypes] = split(typesOf(recipe));
  const carry = recipe.carried ? (["carried"] as const) : [];
  const program = await device.compile(f, { carried: carriedTypes, given: givenTypes }, { carry });
  const [carried, given] = split(valuesOf(recipe));
  const inputs = { carried: device.put(carried), given: device.put(given) };
  program.run(inputs);
  const { out } = program.run(inputs) as { out: DeviceArray[] };
  const arrays = [...inputs.carried, ...out];
  const values = await Promise.all(arrays.map((a) => a.read()));
  for (const a of [...arrays, ...inputs.given]) a.dispose();
  program.dispose();
  return values;
}

const check = (options: { carried: boolean; differentiate: boolean; seed: number }) =>
  fc.assert(
    fc.asyncProperty(recipes(options), async (recipe) => {
      const want = await run(cpu, recipe, options.differentiate);
      const results = await Promise.all(devices.map((device) => run(device, recipe, options.differentiate)));
      for (const [d, got] of results.entries())
        want.forEach((w, i) => {
          expect(compare(got[i] as NdArray, w, 2e-5, 0.05), `planned for ${devices[d]?.target.name}`).toBe("");
        });
    }),
    // without shrinking: it would take longer than a test may
    { seed: options.seed, numRuns: 25, endOnFailure: true },
  );

describe.concurrent("random graphs", () => {
  test("values", () => check({ carried: false, differentiate: false, seed: 1 }));
  test("gradients", () => check({ carried: false, differentiate: true, seed: 2 }));
  test("carried values", () => check({ carried: true, differentiate: false, seed: 3 }));
  test("carried values, and gradients of what they were", () => check({ carried: true, differentiate: true, seed: 4 }));
});

describe("what is pooled and an output too is stored whole", () => {
  const nets: Record<string, (y: Tensor) => Tensor> = {
    "a convolution, and its maxima": (y) => y.maxPool2d(2),
    "a convolution, and the means of its ReLU": (y) => y.relu().avgPool2d(2),
  };
  test.each(Object.entries(nets))("%s", async (_, pool) => {
    const types = { x: f32(1, 8, 8, 2), w: f32(3, 3, 2, 4) };
    const values = { x: random(types.x, { seed: 1 }), w: random(types.w, { seed: 2 }) };
    const run = async (device: Device) => {
      const program = await device.compile(({ x, w }) => {
        const y = x.conv2d(w);
        return { y, pooled: pool(y) };
      }, types);
      const { y, pooled } = program.run(device.put(values) as never) as unknown as Record<string, DeviceArray>;
      return Promise.all([y!.read(), pooled!.read()]);
    };
    const want = await run(cpu);
    for (const device of devices)
      for (const [i, got] of (await run(device)).entries()) expect(compare(got, want[i]!), device.target.name).toBe("");
  });
});
