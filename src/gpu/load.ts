// Programs that were planned elsewhere (plan/ahead.ts).
import { subgroups } from "../../shaders/quad.ts";
import type { RunOptions } from "../device.ts";
import type { Tree } from "../graph/tree.ts";
import { loadPlan, type SavedPlan } from "../plan/saved.ts";
import { DeviceError } from "../shape/errors.ts";
import type { GpuArray } from "./array.ts";
import { GpuProgram, type Recorder, type Stats } from "./program.ts";
import type { GpuRuntime } from "./runtime.ts";

/** A program that was planned elsewhere. `I` and `O` are its trees of inputs and of outputs. */
export interface LoadedProgram<I, O> {
  /** What it has done. */
  readonly stats: Stats;
  /** Outputs are overwritten by the next run. Carried inputs are updated in place. */
  run(inputs: I, options?: RunOptions): O;
  /** Records into an encoder or an open compute pass of yours. */
  encode(into: Recorder, inputs: I, options?: RunOptions): O;
  /** Frees what the program made; its outputs are gone. */
  dispose(): void;
}

/** Makes a plan of `planAhead` ready to run. Throws FormatError if it is none, ShapeError if the device binds fewer buffers than it needs,
 *  DeviceError if it needs subgroups that the device has not, or memory runs out. */
export async function loadProgram<I = Tree<GpuArray>, O = Tree<GpuArray>>(
  device: GpuRuntime,
  saved: SavedPlan,
  label = "program",
): Promise<LoadedProgram<I, O>> {
  device.check();
  const { plan, outputTree } = loadPlan(saved);
  if (plan.dispatches.some((d) => d.wgsl.startsWith(subgroups)) && !device.gpu.features.has("subgroups"))
    throw new DeviceError(
      `${label}: the plan needs subgroups, which ${device.name} was requested without; request them, or plan without`,
    );
  const program = await device.guarded(() => GpuProgram.create(device, plan, outputTree, label));
  return program as unknown as LoadedProgram<I, O>;
}
