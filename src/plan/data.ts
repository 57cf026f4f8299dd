// The plan as plain data, and the layout of values in buffers that `put`, `carry` and the planner share.
import { type DType, numel, type TensorType } from "../shape/types.ts";
import type { Stored } from "./kernel.ts";
import type { Schedule } from "./lanes.ts";
import type { Ref } from "./step.ts";

export type ElementType = "f32" | "i32" | "u32";

export interface Buffer {
  readonly name: string;
  /** input: the caller's. carry: the caller's, one for all carried values of an element type. constant, output: the program's. temporary: shared. */
  readonly kind: "input" | "carry" | "constant" | "output" | "temporary";
  readonly type: ElementType;
  readonly elements: number;
  /** A constant's value. */
  readonly data?: readonly number[];
}

/** Where a value lies: at an offset in elements. u8 from outside is packed four to a word. */
export interface Place {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly packed: boolean;
}

export interface Binding {
  readonly buffer: Buffer;
  readonly access: "read" | "readWrite";
  /** The part that is bound, in elements, where that is not all of the buffer. The offset is a multiple of `alignment`. */
  readonly part?: { readonly offset: number; readonly elements: number };
}

export interface Dispatch {
  readonly label: string;
  readonly wgsl: string;
  readonly workgroups: readonly [number, number, number];
  readonly bindings: readonly Binding[];
  /** Multiply-adds (a fused one counts once) and bytes of memory that it needs at least: each value read once, written once. */
  readonly multiplyAdds: number;
  readonly bytes: number;
  readonly schedules: readonly Schedule[];
  /** What it takes from memory; of a custom kernel in several dispatches the first has all. */
  readonly loads: readonly Loaded[];
  /** What it leaves in memory, and where; of a custom kernel in several dispatches the last has all. */
  readonly stores: readonly Stored[];
}

/** A ref that a dispatch reads, and how many bytes of it at least. */
export interface Loaded {
  readonly ref: Ref;
  readonly bytes: number;
}

export interface Value {
  readonly path: string;
  readonly type: TensorType;
  readonly place: Place;
  /** The step output that it is: of a carried value, its old one. */
  readonly ref: Ref;
}

export interface Plan {
  readonly dispatches: readonly Dispatch[];
  /** Temporaries lie in slots: buffers that share one are never alive together. */
  readonly slots: readonly { readonly type: ElementType; readonly elements: number }[];
  readonly slotOf: ReadonlyMap<Buffer, number>;
  readonly inputs: readonly Value[];
  readonly carry: readonly Value[];
  readonly outputs: readonly Value[];
  readonly buffers: readonly Buffer[];
  toString(): string;
}

export const elementType = (dtype: DType): ElementType => (dtype === "f32" || dtype === "i32" ? dtype : "u32");

/** Storage offsets are multiples of this many elements: 256 bytes, which WebGPU asks of a binding. */
export const alignment = 64;

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
