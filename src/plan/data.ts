// The plan as plain data, and the layout of values in buffers that `put`, `carry` and the planner share.
import { alignment, type DType, numel, type TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import type { Stored } from "./kernel.ts";
import type { Schedule } from "./lanes.ts";
import type { Ref } from "./step.ts";

/** What a buffer holds, four bytes an element. */
export type ElementType = "f32" | "i32" | "u32";

/** Memory of a plan. */
export interface Buffer {
  /** For labels and messages. */
  readonly name: string;
  /** input: the caller's. carry: the caller's, one for all carried values of an element type. constant, output: the program's. temporary: shared. */
  readonly kind: "input" | "carry" | "constant" | "output" | "temporary";
  /** Of its elements. */
  readonly type: ElementType;
  /** How many there are. */
  readonly elements: number;
  /** A constant's value. */
  readonly data?: readonly number[];
}

/** Where a value lies: at an offset in elements. u8 from outside is packed four to a word. */
export interface Place {
  /** Which. */
  readonly buffer: Buffer;
  /** In elements. */
  readonly offset: number;
  /** u8, four to a word. */
  readonly packed: boolean;
}

/** A buffer as a dispatch sees it. */
export interface Binding {
  /** Which. */
  readonly buffer: Buffer;
  /** Whether the dispatch writes it. */
  readonly access: "read" | "readWrite";
  /** The part that is bound, in elements, where that is not all of the buffer. The offset is a multiple of `alignment`. */
  readonly part?: {
    /** Where it begins. */
    readonly offset: number;
    /** How many there are. */
    readonly elements: number;
  };
}

/** One call of a pipeline. */
export interface Dispatch {
  /** What it computes. */
  readonly label: string;
  /** The whole module; its entry point is `main`. */
  readonly wgsl: string;
  /** In x, y and z. */
  readonly workgroups: readonly [number, number, number];
  /** In the order of their numbers, in group 0. */
  readonly bindings: readonly Binding[];
  /** A fused one counts once. */
  readonly multiplyAdds: number;
  /** Of memory that it needs at least: each value read once, written once. */
  readonly bytes: number;
  /** How its kernels are cut up. */
  readonly schedules: readonly Schedule[];
  /** What it takes from memory; of a custom kernel in several dispatches the first has all.
   *  @internal */
  readonly loads: readonly Loaded[];
  /** What it leaves in memory, and where; of a custom kernel in several dispatches the last has all.
   *  @internal */
  readonly stores: readonly Stored[];
}

/** A ref that a dispatch reads, and how many bytes of it at least. */
export interface Loaded {
  readonly ref: Ref;
  readonly bytes: number;
}

/** An input or output of a plan. */
export interface Value {
  /** Its place in the tree. */
  readonly path: string;
  /** dtype and shape. */
  readonly type: TensorType;
  /** Where it lies. */
  readonly place: Place;
  /** The step output that it is: of a carried value, its old one.
   *  @internal */
  readonly ref: Ref;
}

/** Memory that temporaries share in turn. */
export interface Slot {
  /** Of its elements. */
  readonly type: ElementType;
  /** How many there are. */
  readonly elements: number;
}

/** What a device runs, as plain data; `printPlan` prints it. */
export interface Plan {
  /** In the order in which they run. */
  readonly dispatches: readonly Dispatch[];
  /** Temporaries lie in slots: buffers that share one are never alive together. */
  readonly slots: readonly Slot[];
  /** The slot of each temporary. */
  readonly slotOf: ReadonlyMap<Buffer, number>;
  /** Bound when the program runs. */
  readonly inputs: readonly Value[];
  /** Inputs that the function maps to their next value, in place. */
  readonly carry: readonly Value[];
  /** What the function gives. */
  readonly outputs: readonly Value[];
  /** Of the program: constants, outputs, temporaries. */
  readonly buffers: readonly Buffer[];
  /** Only where values are computed again (`checkpoint`): plans the same function with all values kept, which tells what that saves. */
  readonly kept?: () => Plan;
}

/** What the reference has in place of a plan: it runs the graph, op by op. */
export interface ReferencePlan {
  /** What the function gives, next values of carried inputs first. */
  readonly graph: readonly Tensor[];
}

export const elementType = (dtype: DType): ElementType => (dtype === "f32" || dtype === "i32" ? dtype : "u32");

/** Elements that a value takes in a buffer from outside. */
export const storedElements = (t: TensorType): number =>
  t.dtype === "u8" ? Math.ceil(numel(t.shape) / 4) : numel(t.shape);

/** Offsets of values laid side by side, one buffer an element type: how `put` and `carry` agree. */
export function layout(types: readonly TensorType[]): { offsets: number[]; lengths: Map<ElementType, number> } {
  const lengths = new Map<ElementType, number>();
  const offsets = types.map((t) => {
    const at = lengths.get(elementType(t.dtype)) ?? 0;
    lengths.set(elementType(t.dtype), at + Math.max(1, Math.ceil(storedElements(t) / alignment)) * alignment);
    return at;
  });
  return { offsets, lengths };
}
