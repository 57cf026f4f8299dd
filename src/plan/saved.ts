// A plan as JSON: made where there is time, run where there is no planner. What only checks and prints need is left behind.
import { FormatError } from "../shape/errors.ts";
import type { TensorType } from "../shape/types.ts";
import type { Binding, Buffer, Plan, Value } from "./data.ts";

const version = 1;

/** A plan as JSON. What is in it is wgrad's own, and of its version. Buffers are named by their number. */
export interface SavedPlan {
  /** What it is. */
  readonly format: "wgrad plan";
  /** Of this format. */
  readonly version: number;
  /** All memory, with the slot of each temporary. @internal */
  readonly buffers: readonly (Buffer & { readonly slot?: number })[];
  /** Memory that temporaries share. @internal */
  readonly slots: Plan["slots"];
  /** In the order in which they run. @internal */
  readonly dispatches: readonly {
    readonly label: string;
    readonly wgsl: string;
    readonly workgroups: readonly [number, number, number];
    readonly bindings: readonly (Omit<Binding, "buffer"> & { readonly buffer: number })[];
  }[];
  /** Bound when the program runs. @internal */
  readonly inputs: readonly SavedValue[];
  /** Inputs that are updated in place. @internal */
  readonly carry: readonly SavedValue[];
  /** What the function gives. @internal */
  readonly outputs: readonly SavedValue[];
  /** The numbers of the outputs, in the tree that a run gives. @internal */
  readonly outputTree: unknown;
}

/** An input or output. */
interface SavedValue {
  /** Its place in the tree. */
  readonly path: string;
  /** dtype and shape. */
  readonly type: TensorType;
  /** The number of the buffer that it lies in. */
  readonly buffer: number;
  /** In elements. */
  readonly offset: number;
  /** u8, four to a word. */
  readonly packed: boolean;
}

export function savePlan(plan: Plan, outputTree: unknown): SavedPlan {
  const values = [...plan.inputs, ...plan.carry, ...plan.outputs];
  const bound = plan.dispatches.flatMap((d) => d.bindings.map((b) => b.buffer));
  const buffers = [...new Set([...plan.buffers, ...values.map((v) => v.place.buffer), ...bound])];
  const numberOf = new Map(buffers.map((buffer, i) => [buffer, i]));
  const saved = ({ path, type, place: { buffer, offset, packed } }: Value): SavedValue => ({
    ...{ path, type, offset, packed },
    buffer: numberOf.get(buffer)!,
  });
  return {
    ...{ format: "wgrad plan", version, outputTree, slots: plan.slots },
    buffers: buffers.map((buffer) => ({ ...buffer, slot: plan.slotOf.get(buffer) })),
    dispatches: plan.dispatches.map(({ label, wgsl, workgroups, bindings }) => ({
      ...{ label, wgsl, workgroups },
      bindings: bindings.map((b) => ({ ...b, buffer: numberOf.get(b.buffer)! })),
    })),
    inputs: plan.inputs.map(saved),
    carry: plan.carry.map(saved),
    outputs: plan.outputs.map(saved),
  };
}

/** Throws FormatError if `saved` is no plan, or of another version. */
export function loadPlan(saved: SavedPlan): { readonly plan: Plan; readonly outputTree: unknown } {
  if (saved?.format !== "wgrad plan") throw new FormatError("loadProgram: this is no plan; give what planAhead made");
  if (saved.version !== version)
    throw new FormatError(
      `loadProgram: the plan is of another version of wgrad (${saved.version} vs ${version}); make it anew with planAhead`,
    );
  const buffers = saved.buffers.map(({ slot, ...buffer }): Buffer => buffer);
  const slotOf = new Map(saved.buffers.flatMap(({ slot }, i) => (slot === undefined ? [] : [[buffers[i]!, slot]])));
  const ref = undefined as never; // of steps, which are left behind
  const value = ({ path, type, buffer, offset, packed }: SavedValue): Value => ({
    ...{ path, type, ref },
    place: { buffer: buffers[buffer]!, offset, packed },
  });
  const plan: Plan = {
    dispatches: saved.dispatches.map((d) => ({
      ...{ ...d, multiplyAdds: 0, bytes: 0, schedules: [], loads: [], stores: [] },
      bindings: d.bindings.map((b) => ({ ...b, buffer: buffers[b.buffer]! })),
    })),
    ...{ slots: saved.slots, slotOf, buffers },
    inputs: saved.inputs.map(value),
    carry: saved.carry.map(value),
    outputs: saved.outputs.map(value),
  };
  return { plan, outputTree: saved.outputTree };
}
