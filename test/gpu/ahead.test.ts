// Plans made ahead: through JSON, on the runtime alone, they compute what the compiled program computes.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import type { DeviceArray } from "../../src/device.ts";
import type { GpuArray } from "../../src/gpu/array.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { loadProgram } from "../../src/gpu/load.ts";
import { GpuRuntime } from "../../src/gpu/runtime.ts";
import { type AheadOptions, planAhead } from "../../src/plan/ahead.ts";
import type { SavedPlan } from "../../src/plan/saved.ts";
import { FormatError, ShapeError } from "../../src/shape/errors.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, i32, u8, u32 } from "../../src/shape/types.ts";
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
    { software: true },
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
    { carry: ["state", "step"], software: true },
  );
});

const iotaData = (n: number) => Array.from({ length: n }, (_, i) => i / n);

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
