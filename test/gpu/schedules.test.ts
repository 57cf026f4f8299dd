// Schedules: however a kernel is cut up, and whichever way its lanes share loads, it computes the same. One of each kind: what a CPU
// adapter takes seconds to compile is not tried in every size.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import type { Schedule } from "../../src/plan/lanes.ts";
import { type GroupWork, makePlan } from "../../src/plan/plan.ts";
import { gpuTarget, softwareTarget, type Target } from "../../src/plan/target.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32, type TensorType } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { compare } from "../compare.ts";
import { random } from "../samples/sample.ts";

let gpu: GpuDevice;
beforeAll(async () => {
  gpu = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => gpu.dispose());

interface Case {
  readonly types: Readonly<Record<string, TensorType>>;
  readonly f: (inputs: Record<string, Tensor>) => Tensor;
  /** Boxes cover it. */
  readonly boxes: boolean;
  /** Factors that change along walks. */
  readonly walks: readonly number[];
}

const product = (
  a: TensorType,
  b: TensorType,
  f: (a: Tensor, b: Tensor) => Tensor,
  { boxes = true, walks = [] as readonly number[] } = {},
): Case => ({
  ...{ types: { a, b }, boxes, walks },
  f: ({ a, b }) => f(a as Tensor, b as Tensor),
});

const cases: Readonly<Record<string, Case>> = {
  NN: product(f32(128, 96), f32(96, 128), (a, b) => a.matmul(b), { walks: [0, 1] }),
  NT: product(f32(128, 96), f32(128, 96), (a, b) => a.matmul(b.transpose()), { walks: [0, 1] }),
  TN: product(f32(96, 128), f32(96, 128), (a, b) => a.transpose().matmul(b), { walks: [0, 1] }),
  "a tall product": product(f32(512, 70), f32(70, 32), (a, b) => a.matmul(b).relu(), { boxes: false, walks: [0, 1] }),
  "NN of odd sizes, with an epilogue": product(f32(131, 77), f32(77, 139), (a, b) => a.matmul(b).add(1).relu()),
  "a product that is read in another shape, where lanes overhang": product(
    f32(64, 64),
    f32(64, 720),
    (a, b) =>
      a
        .matmul(b)
        .reshape([64, 6, 6, 20])
        .mul(b.reshape([64, 6, 6, 20])),
    { boxes: false, walks: [0] },
  ),
  "TN of odd sizes": product(f32(77, 131), f32(77, 139), (a, b) => a.transpose().matmul(b)),
  "a batch of products": product(f32(3, 70, 64), f32(3, 64, 90), (a, b) => a.matmul(b)),
  "a skinny product": product(f32(4, 300), f32(300, 132), (a, b) => a.matmul(b), { boxes: false }),
  convolution: product(f32(2, 20, 20, 16), f32(3, 3, 16, 32), (x, w) => x.conv2d(w, { padding: "same" })),
  "input gradient of a convolution": product(f32(2, 18, 18, 32), f32(3, 3, 32, 32), (d, w) =>
    d.conv2dInputGrad(w, [20, 20]),
  ),
  "convolution of odd sizes, pooled": product(
    f32(2, 15, 13, 5),
    f32(3, 3, 5, 12),
    (x, w) => x.conv2d(w).relu().maxPool2d(2),
    { boxes: false },
  ),
};

const targets: Readonly<Record<string, Target>> = {
  software: softwareTarget,
  gpu: { ...gpuTarget, quads: true, leastBoxWork: 1 << 20 },
};

const kind = ({ quads, walk, group, rolled, tile }: Schedule) =>
  `${group ? "box" : walk !== undefined ? `walk of factor ${walk}` : quads !== undefined ? `quads in dimension ${quads - tile.length}` : "plain"}${rolled ? ", rolled" : ""}`;

/** The schedule, and with its epilogue in loops or out of them; the same where quads permute each of the last two dimensions. */
function variants(schedule: Schedule): Schedule[] {
  if (schedule.group || schedule.walk !== undefined) return [schedule];
  const { tile } = schedule;
  const permuted = [tile.length - 1, tile.length - 2].map((quads) => ({
    ...schedule,
    tile: tile.with(quads, 8),
    quads,
  }));
  return [schedule, ...permuted].flatMap((s) => [s, { ...s, rolled: !s.rolled }]);
}

describe.each(Object.entries(targets))("as the %s target cuts it", (_, target) => {
  test.each(Object.entries(cases))("%s", async (_, { types, f, boxes, walks }) => {
    Object.assign(gpu, { target });
    const values = Object.fromEntries(Object.entries(types).map(([k, t], i) => [k, random(t, { seed: i + 1 })]));
    const run = async (device: Device): Promise<NdArray> => {
      const program = await device.compile((inputs) => ({ y: f(inputs as Record<string, Tensor>) }), types);
      const { y } = program.run(device.put(values) as never) as unknown as { y: DeviceArray };
      return y.read();
    };
    const want = await run(new CpuDevice());
    const groups: GroupWork[] = [];
    const traced = trace((inputs: Record<string, Tensor>) => ({ y: f(inputs) }), types);
    makePlan(traced, { ...(await gpu.planOptions(traced)), visit: (g) => groups.push(g) });
    const seen = new Set<string>();
    for (const g of groups)
      for (const schedule of g.candidates().flatMap(variants)) {
        if (seen.has(kind(schedule))) continue;
        seen.add(kind(schedule));
        gpu.tuning = { [g.key]: { schedule } as never };
        expect(compare(await run(gpu), want), JSON.stringify(schedule)).toBe("");
      }
    gpu.tuning = {};
    for (const d of [-1, -2])
      for (const rolled of ["", ", rolled"]) expect(seen).toContain(`quads in dimension ${d}${rolled}`);
    if (boxes && target.workgroupMemory > 0) expect(seen).toContain("box");
    if (target.software) for (const factor of walks) expect(seen).toContain(`walk of factor ${factor}`);
  });
});

test("a sum along a dimension rides on the kernel that makes its terms, however that is cut up", async () => {
  Object.assign(gpu, { target: softwareTarget });
  const types = { d: f32(16, 18, 18, 8), w: f32(3, 3, 6, 8), mask: f32(16, 20, 20, 6) };
  const values = Object.fromEntries(Object.entries(types).map(([k, t], i) => [k, random(t, { seed: i + 1 })]));
  const f = ({ d, w, mask }: Record<string, Tensor>) => {
    const dx = d!.conv2dInputGrad(w!, [20, 20]).mul(mask!);
    return { dx, db: dx.sum([0, 1, 2]) };
  };
  const run = async (device: Device): Promise<NdArray[]> => {
    const program = await device.compile(f as never, types);
    const { dx, db } = program.run(device.put(values) as never) as unknown as Record<string, DeviceArray>;
    return Promise.all([dx!.read(), db!.read()]);
  };
  const want = await run(new CpuDevice());
  const groups: GroupWork[] = [];
  const traced = trace(f as never, types);
  makePlan(traced, { ...(await gpu.planOptions(traced)), visit: (g) => groups.push(g) });
  const [first] = groups;
  expect(first!.key).toMatch(/^conv2dInputGrad \+ mul \+ sum\.parts \[16,20,20,6\]/);
  const seen = new Set<string>();
  for (const schedule of first!.candidates().flatMap((s) => [s, { ...s, rolled: !s.rolled }])) {
    expect(schedule.tile[2]).toBe(20);
    expect(schedule.quads).not.toBe(2);
    if (seen.has(kind(schedule))) continue;
    seen.add(kind(schedule));
    gpu.tuning = { [first!.key]: { schedule } as never };
    for (const [i, got] of (await run(gpu)).entries())
      expect(compare(got, want[i]!), JSON.stringify(schedule)).toBe("");
  }
  gpu.tuning = {};
  expect(seen.size).toBeGreaterThan(1);
});
