// Recurrent layers on the GPU, values and all gradients: the fused kernels against the composition of plain ops on the same GPU, and both
// against the float64 reference.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { RecurrentOptions } from "../../src/nn/recurrentLayers.ts";
import { f32 } from "../../src/shape/types.ts";
import { distances, everything, type LayerKind, layerFunction, layerKinds, lstmVariants } from "../layerFunctions.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

const [B, F, H] = [5, 3, 5];

type Values = Awaited<ReturnType<typeof everything>>;

async function check({ make, draw }: LayerKind, T: number): Promise<void> {
  const given = { initial: true, ...(draw ? { draw } : {}) };
  const run = (device: Device, form: NonNullable<RecurrentOptions["fused"]>) =>
    everything(device, layerFunction(make({ units: H, fused: form }), f32(B, T, F), given));
  const want = await run(cpu, false);
  const composed = await run(gpu, false);
  const found: [what: string, distance: number][] = [];
  const measure = (what: string, got: Values, from: Values) =>
    found.push(...distances(got, from).map(([name, d]): [string, number] => [`${what}, ${name}`, d]));
  measure("composition against reference", composed, want);
  for (const form of ["loop", "step", 3] as const) {
    const got = await run(gpu, form);
    measure(`${form} against reference`, got, want);
    measure(`${form} against composition`, got, composed);
  }
  expect(found.filter(([, d]) => !(d < 1e-5))).toEqual([]);
}

const kinds = { ...layerKinds, ...lstmVariants };
test.each(Object.keys(kinds).flatMap((name) => [1, 7, 28].map((T) => [name, T] as const)))("%s, T = %i", (name, T) =>
  check(kinds[name]!, T),
);
