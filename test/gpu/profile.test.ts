// The profiler: a time for every dispatch, and nothing changed by it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import type { DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { PassTimer } from "../../src/gpu/passTimer.ts";
import type { Plan } from "../../src/plan/data.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";

let device: GpuDevice;
/** Without the feature timestamp-query. */
let plain: GpuDevice;
beforeAll(async () => {
  const api = await createGpu();
  device = await GpuDevice.request({ gpu: api });
  plain = GpuDevice.from(await (await api.requestAdapter())!.requestDevice());
});
afterAll(() => {
  device.dispose();
  plain.gpu.destroy();
});

test.each([
  { on: "timestamps", timestamps: true },
  { on: "timestamps, not wanted", timestamps: false },
  { on: "no timestamps", timestamps: true },
])("every dispatch has a time, carried values stay: $on", async ({ on, timestamps }) => {
  const gpu = on === "no timestamps" ? plain : device;
  const types = { state: { w: f32(32, 32) }, x: f32(32, 32) };
  const program = await gpu.compile(
    ({ state, x }) => ({ state: { w: x.matmul(state.w).tanh() }, rows: x.matmul(state.w).softmax() }),
    types,
    { carry: ["state"] },
  );
  const values = ndarray(f32(32, 32), (i) => Math.sin(i));
  const inputs = { ...gpu.put({ state: { w: values } }), ...gpu.put({ x: values }) };
  const result = await program.profile(inputs, { samples: 3, sampleMilliseconds: 1, timestamps });

  const { dispatches } = program.plan as Plan;
  expect(result.method).toBe(on === "timestamps" ? "timestamps" : "repetition");
  expect(result.dispatches.map((d) => d.label)).toEqual(dispatches.map((d) => d.label));
  expect(result.microseconds).toBeGreaterThan(0);
  expect(result.dispatches.reduce((sum, d) => sum + d.share, 0)).toBeCloseTo(1);
  expect(String(result).split("\n")).toHaveLength(dispatches.length + 2);
  const spans = result.trace().traceEvents.filter((e) => (e as { ph: string }).ph === "X") as { dur: number }[];
  expect(spans.length % dispatches.length).toBe(0);
  expect(spans.every(({ dur }) => dur >= 0)).toBe(true);
  const kept = await (inputs.state.w as DeviceArray).read();
  expect(Array.from(kept.data)).toEqual(Array.from(values.data, Math.fround));
});

test("a timer of passes: samples are as long as asked, with timestamps and on the clock", async () => {
  for (const gpu of [device, plain]) {
    const program = await gpu.compile(({ x }) => ({ y: x.matmul(x) }), { x: f32(64, 64) });
    const inputs = gpu.put({ x: ndarray(f32(64, 64), (i) => Math.cos(i)) });
    const timer = new PassTimer(gpu.gpu);
    const record = (pass: GPUComputePassEncoder) => void program.encode(pass, inputs);
    const count = await timer.calibrate(record, 5e6);
    expect(await timer.time(record, count)).toBeGreaterThan(1e6);
    timer.dispose();
  }
});
