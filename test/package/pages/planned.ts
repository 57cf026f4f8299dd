// A matrix product that was planned ahead, and its plan.
import { type GpuArray, GpuRuntime, loadProgram, type NdArray, type SavedPlan } from "wgrad/runtime";
// @ts-expect-error the test makes it
import plan from "./plan.json";

async function product(a: NdArray, b: NdArray): Promise<NdArray> {
  const device = await GpuRuntime.request();
  const program = await loadProgram<Record<"a" | "b", GpuArray>, { c: GpuArray }>(device, plan as SavedPlan);
  return program.run(device.put({ a, b })).c.read();
}

Object.assign(globalThis, { product });
