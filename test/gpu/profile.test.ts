// The profiler: a time for every dispatch, and nothing changed by it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import type { DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { profile } from "../../src/gpu/profile.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";

let device: GpuDevice;
beforeAll(async () => {
  device = await GpuDevice.request({ gpu: await createGpu() });
});
afterAll(() => device.dispose());

test.each([true, false])("every dispatch has a time, carried values stay (timestamps %s)", async (timestamps) => {
  const types = { state: { w: f32(32, 32) }, x: f32(32, 32) };
  const program = await device.compile(
    ({ state, x }) => ({ state: { w: x.matmul(state.w).tanh() }, rows: x.matmul(state.w).softmax() }),
    types,
    { carry: ["state"] },
  );
  const values = ndarray(f32(32, 32), (i) => Math.sin(i));
  const inputs = { ...device.put({ state: { w: values } }), ...device.put({ x: values }) };
  const gpu = program as unknown as GpuProgram;
  const result = await profile(gpu, inputs, { samples: 3, sampleMilliseconds: 1, timestamps });

  const { dispatches } = gpu.plan;
  expect(result.method).toBe(timestamps ? "timestamps" : "repetition");
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
