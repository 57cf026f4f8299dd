// Planning without a device, for a page that brings its plans along and loads the runtime alone (wgrad/runtime).

import { functions as special } from "../../shaders/special.ts";
import type { MapTree } from "../graph/tree.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { outputTree, type TypeTree, trace } from "../trace.ts";
import { functions } from "./functions.ts";
import { makePlan } from "./plan.ts";
import { type SavedPlan, savePlan } from "./saved.ts";
import { gpuTarget, softwareTarget } from "./target.ts";
import * as walks from "./walk.ts";

/** Options of planAhead. */
export interface AheadOptions<I, C extends keyof I & string = never> {
  /** As in `compile`. */
  readonly carry?: readonly C[];
  /** For adapters that run on the CPU. Default: false. */
  readonly software?: boolean;
  /** For devices with WebGPU's subgroups: it is all that a plan may need which not every device has. Default: false. */
  readonly subgroups?: boolean;
}

/** Plans `f` for any WebGPU device: JSON for `loadProgram`, here or elsewhere. Throws what `compile` throws of graphs. */
export function planAhead<I extends TypeTree, O, C extends keyof I & string = never>(
  f: (inputs: MapTree<I, TensorType, Tensor>) => O,
  types: I,
  { carry, software = false, subgroups = false }: AheadOptions<I, C> = {},
): SavedPlan {
  const traced = trace(f as never, types, carry);
  const target = { ...(software ? softwareTarget : gpuTarget), quads: subgroups };
  return savePlan(makePlan(traced, { target, functions: { ...functions, ...special }, walks }), outputTree(traced));
}
