// Plans made ahead: through JSON, on the runtime alone, they compute what the compiled program computes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { lstm } from "../../src/compositions/recurrence.ts";
import type { DeviceArray } from "../../src/device.ts";
import type { GpuArray } from "../../src/gpu/array.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { loadProgram } from "../../src/gpu/load.ts";
import { GpuRuntime } from "../../src/gpu/runtime.ts";
import { type AheadOptions, planAhead } from "../../src/plan/ahead.ts";
import type { SavedPlan } from "../../src/plan/saved.ts";
import { FormatError, ShapeError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, i32, type TensorType, u8, u32 } from "../../src/shape/types.ts";
import { constant, iota, type Tensor } from "../../src/tensor.ts";
import type { TypeTree } from "../../src/trace.ts";
import { random } from "../samples/sample.ts";

let runtime: GpuRuntime;
let device: GpuDevice;
beforeAll(async () => {
  const gpu = await createGpu();
  runtime = await GpuRuntime.request({ gpu });
  device = await GpuDevice.request({ gpu });
});
afterAll(() => {
  runtime.dispose();
  device.dispose();
});

const throughJson = (plan: SavedPlan): SavedPlan => JSON.parse(JSON.stringify(plan));

type Read = Record<string, unknown>;

/** The values of a tree of arrays. */
async function read(tree: object): Promise<Read> {
  const entries = Object.entries(tree).map(async ([key, x]) => [
    key,
    "read" in x ? [...((await (x as DeviceArray).read()) as NdArray).data] : await read(x),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** Two runs of the loaded plan beside two of the compiled program. */
async function compare(
  f: (inputs: never) => unknown,
  types: TypeTree,
  values: Read,
  options: AheadOptions<TypeTree, string>,
) {
  const saved = throughJson(planAhead(f as never, types, options as never));
  const loaded = await loadProgram<object, object>(runtime, saved);
  const compiled = await device.compile(f as never, types, { carry: options.carry as never });
  const [theirs, ours] = [runtime.put(values as never), device.put(values as never)] as object[];
  for (let run = 0; run < 2; run++) {
    const got = await read(loaded.run(theirs!));
    const want = await read(compiled.run(ours as never) as object);
    expect(JSON.stringify(got)).toBe(JSON.stringify(want));
    expect(Object.keys(got).length).toBeGreaterThan(0);
  }
  for (const name of options.carry ?? [])
    expect(await read({ c: (theirs as Read)[name] })).toEqual(await read({ c: (ours as Read)[name] }));
  loaded.dispose();
  compiled.dispose();
}

test("a matrix product with bias, ReLU and bytes to unpack; outputs in a tree", async () => {
  await compare(
    ({ x, p }: { x: Tensor; p: { w: Tensor; b: Tensor } }) => {
      const z = x.cast("f32").mul(1 / 255).matmul(p.w).add(p.b); // biome-ignore format: one line
      return { z, all: { relu: z.relu(), best: z.argmax(1) } };
    },
    { x: u8(9, 20), p: { w: f32(20, 7), b: f32(7) } },
    { x: random(u8(9, 20)), p: { w: random(f32(20, 7)), b: random(f32(7)) } },
    { software: true, subgroups: true },
  );
});

test("carried values, constants, temporaries that share memory", async () => {
  await compare(
    ({ state, step }: { state: Tensor; step: Tensor }) => {
      const mixed = state.matmul(state).tanh().matmul(constant(f32(6, 6), iotaData(36))).sub(state.mean()); // biome-ignore format: one line
      return { state: mixed.mul(0.1), step: step.add(1), norm: mixed.square().sum().sqrt(), row: iota(i32(5)) };
    },
    { state: f32(6, 6), step: u32() },
    { state: random(f32(6, 6)), step: { ...u32(), data: Uint32Array.of(3) } },
    { carry: ["state", "step"], software: true, subgroups: true },
  );
});

const iotaData = (n: number) => Array.from({ length: n }, (_, i) => i / n);

test("a recurrence, whose kernel keeps a counter", async () => {
  await compare(
    ({ x, w }: { x: Tensor; w: Tensor }) => ({ hs: lstm(x, w).hs }),
    { x: f32(5, 40, 64), w: f32(16, 64) },
    { x: random(f32(5, 40, 64)), w: random(f32(16, 64), { seed: 2 }) },
    { software: true, subgroups: true },
  );
});

test("without subgroups a plan that needs them is refused, others run", async () => {
  const plain = GpuRuntime.from((await (await (await createGpu()).requestAdapter())!.requestDevice()) as GPUDevice);
  const product = ({ a, b }: Record<"a" | "b", Tensor>) => a.matmul(b);
  const types = { a: f32(256, 64), b: f32(64, 256) };
  const needy = throughJson(planAhead(product, types, { software: true, subgroups: true }));
  await expect(loadProgram(plain, needy)).rejects.toThrow("the plan needs subgroups");
  const program = await loadProgram<Record<"a" | "b", GpuArray>, GpuArray>(
    plain,
    throughJson(planAhead(product, types, { software: true })),
  );
  const ones = (type: TensorType) => ndarray(type, () => 1);
  const { data } = await program.run(plain.put({ a: ones(types.a), b: ones(types.b) })).read();
  expect(new Set(data)).toEqual(new Set([64]));
  plain.gpu.destroy();
});

test("a plan for GPUs runs on an adapter of any kind", async () => {
  const saved = throughJson(
    planAhead(({ a, b }: { a: Tensor; b: Tensor }) => a.matmul(b), { a: f32(33, 17), b: f32(17, 20) }),
  );
  const program = await loadProgram<{ a: GpuArray; b: GpuArray }, GpuArray>(runtime, saved, "product");
  const [a, b] = [random(f32(33, 17)), random(f32(17, 20), { seed: 2 })] as const;
  const { data } = await program.run(runtime.put({ a, b })).read();
  const want = Array.from({ length: 33 * 20 }, (_, i) => {
    const [row, column] = [Math.floor(i / 20), i % 20];
    return Array.from({ length: 17 }, (_, k) => a.data[row * 17 + k]! * b.data[k * 20 + column]!).reduce(
      (s, v) => s + v,
    );
  });
  for (const [i, w] of want.entries()) expect(data[i]).toBeCloseTo(w, 4);
  expect(program.stats).toMatchObject({ runs: 1, dispatches: 1, submits: 1 });
  expect(() => program.run(runtime.put({ a: b, b: a }))).toThrow(ShapeError);
});

test("what is no plan, or one of another version, is refused", async () => {
  const saved = planAhead(({ a }: { a: Tensor }) => a.neg(), { a: f32(2) });
  await expect(loadProgram(runtime, { ...saved, version: 0 })).rejects.toThrow("another version of wgrad (0 vs 1)");
  await expect(loadProgram(runtime, {} as SavedPlan)).rejects.toThrow(FormatError);
  await expect(loadProgram(runtime, undefined as never)).rejects.toThrow(FormatError);
});

test("a loaded plan says that it cannot be verified", async () => {
  const saved = planAhead(({ a }: { a: Tensor }) => a.neg(), { a: f32(2) });
  const program = await loadProgram(device, saved);
  const inputs = device.put({ a: random(f32(2)) });
  await expect((program as unknown as { verify(i: unknown): Promise<unknown> }).verify(inputs)).rejects.toThrow(
    "a loaded plan has no reference",
  );
});
