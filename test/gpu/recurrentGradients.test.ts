// Recurrent layers on the GPU, values and all gradients: the fused kernels against the composition of plain ops on the same GPU, and both
// against the float64 reference.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { Layer } from "../../src/nn/layer.ts";
import { dense } from "../../src/nn/layers.ts";
import { sequential } from "../../src/nn/model.ts";
import { gru, lstm, type RecurrentLayer, type RecurrentOptions, rnn } from "../../src/nn/recurrentLayers.ts";
import { seq2seq } from "../../src/nn/seq2seq.ts";
import { embedding, feedback, oneToMany, timeDistributed } from "../../src/nn/sequence.ts";
import { type Truncation, truncated } from "../../src/nn/truncated.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType } from "../../src/shape/types.ts";
import {
  distances,
  everything,
  type FunctionOptions,
  type LayerKind,
  layerFunction,
  layerKinds,
  lstmVariants,
} from "../layerFunctions.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
const cpu = new CpuDevice();
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

const [B, F, H] = [5, 3, 5];

/** The layer's outputs, its gradients truncated. */
const windowed = (layer: RecurrentLayer, truncation: Truncation): Layer => ({
  name: "windowed",
  init: layer.init,
  apply: (variables, x, context) => ({ y: truncated(layer, variables, x, context, truncation), state: {} }),
});

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

const logits = timeDistributed(dense({ units: 4 }));
const tokens = (steps: number) => random(i32(B, steps), { low: 0, high: 4, seed: 9 });

test.each<[string, Layer, NdArray | TensorType, FunctionOptions]>([
  [
    "two layers, both directions, lengths",
    lstm({ units: H, layers: 2, bidirectional: true }),
    f32(B, 4, F),
    { initial: true, lengths: [4, 2, 0, 1, 3] },
  ],
  ["dropout between layers", gru({ units: H, layers: 3, dropout: 0.4 }), f32(B, 4, F), { training: true }],
  ["truncated", windowed(rnn({ units: H, layers: 2 }), { k1: 2, k2: 3 }), f32(B, 7, F), {}],
  ["one-to-many, x at step 0", sequential(oneToMany(4), lstm({ units: H }), logits), f32(B, F), {}],
  ["one-to-many, fed back", feedback({ cell: "gru", units: H, steps: 4, output: dense({ units: F }) }), f32(B, F), {}],
  ["tokens", sequential(embedding({ size: 4, units: 2 }), lstm({ units: H }), logits), tokens(4), {}],
  ...(["dot", "additive"] as const).map((attention): [string, Layer, NdArray, FunctionOptions] => [
    `an encoder–decoder with ${attention} attention`,
    seq2seq({ vocabulary: 4, units: H, sourceLength: 4, attention }),
    tokens(7),
    // large enough that attention chooses: by small ones all keys fit alike, and what reaches Wq is nearly nothing
    { draw: (_, type, seed) => random(type, { seed, low: -1.5, high: 1.5 }) },
  ]),
])("%s", async (_, layer, x, options) => {
  const run = (device: Device) => everything(device, layerFunction(layer, x, options));
  // an input of whole numbers has no gradient
  const found = distances(await run(gpu), await run(cpu)).filter(
    ([name]) => !("data" in x && name === "gradient of x"),
  );
  expect(found.filter(([, d]) => !(d < 1e-5))).toEqual([]);
});

const kinds = { ...layerKinds, ...lstmVariants };
test.each(Object.keys(kinds).flatMap((name) => [1, 7, 28].map((T) => [name, T] as const)))("%s, T = %i", (name, T) =>
  check(kinds[name]!, T),
);
