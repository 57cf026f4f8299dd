// What `carry` and `repeat` mean: a run maps the carried values to their next ones, in place, as often as it is told.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { Tree } from "../../src/graph/tree.ts";
import { ArrayError, DTypeError, ShapeError, ValueError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { bool, f32, i32, type TensorType, u8 } from "../../src/shape/types.ts";
import { concat, type Tensor } from "../../src/tensor.ts";
import { compare } from "../compare.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

type Carried = Record<string, NdArray>;

const typeOf = ({ dtype, shape }: NdArray): TensorType => ({ dtype, shape });
const mapValues = <A, B>(x: Record<string, A>, f: (value: A) => B) =>
  Object.fromEntries(Object.entries(x).map(([key, value]) => [key, f(value)]));

/** The carried values after some runs. */
async function after(
  device: Device,
  start: Carried,
  f: (carried: Record<string, Tensor>) => Record<string, Tensor>,
  { runs = 1, repeat = 1 } = {},
): Promise<Carried> {
  const program = await device.compile(f as never, mapValues(start, typeOf), { carry: Object.keys(start) });
  const arrays = device.put(start) as Record<string, DeviceArray>;
  for (let i = 0; i < runs; i++) program.run(arrays as never, { repeat });
  const entries = Object.entries(arrays).map(async ([key, array]) => [key, await array.read()] as const);
  const values = Object.fromEntries(await Promise.all(entries));
  for (const array of Object.values(arrays)) array.dispose();
  program.dispose();
  return values;
}

const scalar = (x: number) => ndarray(i32(), [x]);
const matrix = random(f32(65, 65), { low: -1, high: 1 });

test("a counter counts runs times repeats", async () => {
  const count = (options: { runs: number; repeat: number }) =>
    after(gpu, { n: scalar(5) }, ({ n }) => ({ n: (n as Tensor).add(1) }), options);
  expect((await count({ runs: 1, repeat: 1 })).n?.data[0]).toBe(6);
  expect((await count({ runs: 3, repeat: 1 })).n?.data[0]).toBe(8);
  expect((await count({ runs: 3, repeat: 100 })).n?.data[0]).toBe(305);
});

test("outputs are those of the last repeat, and see the value before the step", async () => {
  const program = await gpu.compile(
    ({ n }: { n: Tensor }) => ({ n: n.add(1), before: n, twice: n.mul(2) }),
    { n: i32() },
    { carry: ["n"] },
  );
  const { before, twice } = program.run({ n: gpu.put(scalar(0)) }, { repeat: 10 });
  expect((await before.read()).data[0]).toBe(9);
  expect((await twice.read()).data[0]).toBe(18);
});

/** Steps on the GPU give what they give on the reference, however they are cut into runs. */
const steps: [string, Carried, (c: Record<string, Tensor>) => Record<string, Tensor>][] = [
  [
    "a running sum and its count",
    { sum: matrix, n: scalar(0) },
    ({ sum, n }) => ({ sum: sum!.mul(0.9).add(0.1), n: n!.add(1) }),
  ],
  ["swapped", { a: matrix, b: random(f32(65, 65), { seed: 9 }) }, ({ a, b }) => ({ a: b!, b: a! })],
  ["rotated among three", { a: scalar(1), b: scalar(2), c: scalar(3) }, ({ a, b, c }) => ({ a: b!, b: c!, c: a! })],
  ["unchanged beside one that changes", { a: matrix, n: scalar(0) }, ({ a, n }) => ({ a: a!, n: n!.add(1) })],
  [
    "the same value twice",
    { a: matrix, b: matrix },
    ({ a, b }) => {
      const mean = a!.add(b!.mul(0.5)).mul(0.5);
      return { a: mean, b: mean };
    },
  ],
  ["one takes the other's old value", { a: matrix, b: matrix }, ({ a }) => ({ a: a!.mul(0.5), b: a! })],
  [
    "one takes the other's new value",
    { a: matrix, b: matrix },
    ({ a, b }) => {
      const next = a!.mul(0.5).add(0.25);
      return { a: next, b: b!.mul(0.5).add(next) };
    },
  ],
  ["transposed onto itself", { a: matrix }, ({ a }) => ({ a: a!.transpose() })],
  ["reversed onto itself", { a: matrix }, ({ a }) => ({ a: a!.flip([0, 1]) })],
  ["shifted by a row", { a: matrix }, ({ a }) => ({ a: concat([a!.slice([1, 0]), a!.slice([0, 0], [1, 65])], 0) })],
  ["multiplied with itself", { a: matrix }, ({ a }) => ({ a: a!.matmul(a!).mul(1 / 8) })],
  ["centred by its own mean", { a: matrix }, ({ a }) => ({ a: a!.sub(a!.mean(0)).mul(1.1) })],
  [
    "a product of two that both change",
    { a: matrix, b: matrix },
    ({ a, b }) => ({ a: a!.matmul(b!).mul(1 / 8), b: b!.add(a!.mul(0.1)) }),
  ],
  [
    "flags",
    { f: ndarray(bool(7), [1, 0, 0, 1, 1, 0, 1]), n: scalar(0) },
    ({ f, n }) => ({ f: f!.not(), n: n!.add(1) }),
  ],
];

test.each(steps)("%s", async (_, start, f) => {
  const want = await after(new CpuDevice(), start, f, { runs: 3 });
  for (const cut of [{ runs: 3 }, { repeat: 3 }]) {
    const got = await after(gpu, start, f, cut);
    for (const [key, w] of Object.entries(want)) expect(compare(got[key] as NdArray, w), key).toBe("");
  }
});

test("a tree is carried under its name", async () => {
  const start = { layers: [{ w: ndarray(f32(3), [1, 2, 3]) }, { w: ndarray(f32(2), [4, 5]) }] };
  const program = await gpu.compile(
    ({ layers }: { layers: { w: Tensor }[] }) => ({ layers: layers.map(({ w }) => ({ w: w.mul(2) })) }),
    { layers: [{ w: f32(3) }, { w: f32(2) }] },
    { carry: ["layers"] },
  );
  const arrays = gpu.put(start);
  program.run(arrays as never, { repeat: 3 });
  expect([...(await arrays.layers[1]!.w.read()).data]).toEqual([32, 40]);
  arrays.layers[1]!.w.write(ndarray(f32(2), [1, 1]));
  program.run(arrays as never);
  expect([...(await arrays.layers[0]!.w.read()).data]).toEqual([16, 32, 48]);
  expect([...(await arrays.layers[1]!.w.read()).data]).toEqual([2, 2]);
});

test("what cannot be carried is refused when it is compiled", async () => {
  const compile = (f: (c: { x: Tensor }) => Tree<Tensor>, type: TensorType) =>
    gpu.compile(f as never, { x: type }, { carry: ["x"] });
  await expect(compile(({ x }) => ({ y: x }), f32(2))).rejects.toThrow(ShapeError);
  await expect(compile(({ x }) => ({ x: x.sum() }), f32(2))).rejects.toThrow(
    "goes in as f32[2] and comes out as f32[]",
  );
  await expect(compile(({ x }) => ({ x }), u8(4))).rejects.toThrow(DTypeError);
});

test("what cannot be run is refused before anything is recorded", async () => {
  const program = await gpu.compile(
    ({ a, b, x }: Record<"a" | "b" | "x", Tensor>) => ({ a: a.add(x), b: b.add(x) }),
    { a: f32(4), b: f32(4), x: f32(4) },
    { carry: ["a", "b"] },
  );
  const value = ndarray(f32(4), [1, 2, 3, 4]);
  const carried = gpu.put({ a: value, b: value });
  const x = gpu.put(value);
  for (const repeat of [0, -1, 1.5, Number.NaN])
    expect(() => program.run({ ...carried, x }, { repeat })).toThrow(ValueError);
  const together = gpu.put({ a: value, b: value, x: value });
  expect(() => program.run(together)).toThrow("input x lies in one buffer with carried a");
  expect(() => program.run({ a: carried.a, b: gpu.put(value), x })).toThrow(ArrayError);
  expect(() => program.run({ a: carried.b, b: carried.a, x })).toThrow("put all carried values in one call");
  program.run({ ...carried, x });
  expect([...(await carried.b.read()).data]).toEqual([2, 4, 6, 8]);
});
