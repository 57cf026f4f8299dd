// The op contract: one record says all about an op. One op (or family), one file in ops/, one line in its table.
//
// A kernel is described, not written: an op says how one element of its output is made from elements of its inputs, in
// terms of symbolic indices, and the planner (plan/) makes fused, tiled WGSL of it. It knows the kinds, never the ops:
//   source   inputs and constants
//   map      an element of the output from a fixed number of elements of the inputs: elementwise functions, views
//            (reshape, pad, …), windows (pooling), gather, random numbers. Maps fuse into whoever reads them.
//   reduce   an element of the output is a reduction over `extents` of a term; two factors make a contraction (matmul,
//            convolution and its gradients). Readers that are maps fuse behind it, maps that it reads fuse into it.
//   custom   a WGSL program of the op's own, for what is neither.
import type { NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import type { Index } from "./affine.ts";

/** Plain JSON data: it is part of the key by which equal nodes are merged, and it prints. */
// biome-ignore lint/suspicious/noExplicitAny: each op narrows it
export type Params = any;

export interface Op<P = Params> {
  /** = file or row = export = pipeline label = sample key */
  readonly name: string;
  /** Throws ShapeError or DTypeError: got, wanted, what to do. */
  type(inputs: readonly TensorType[], params: P): readonly TensorType[];
  /** Slow, obviously right, float64. It is the specification. */
  reference(inputs: readonly NdArray[], params: P, types: readonly TensorType[]): readonly NdArray[];
  readonly kernel: Kernel<P>;
  /** Upstream gradients (null where none flows) → one gradient an input (null: none flows). In Tensor methods, so that it
   *  differentiates again. Broadcast inputs are un-broadcast by the engine. `null`: not differentiable, nothing flows. */
  readonly gradient:
    | ((dout: readonly (Tensor | null)[], node: GradientContext<P>) => readonly (Tensor | null)[])
    | null;
  /** Loads WGSL functions that its kernel calls, beyond those that every compiler has (plan/functions.ts). */
  readonly functions?: () => Promise<Readonly<Record<string, string>>>;
  /** f is non-decreasing, so that max(f(x)) = f(max(x)): max-pooling moves before it. */
  readonly monotone?: boolean;
  /** Its output is its first input. "again": what is made of it is computed again, not merged with what is made of the input. */
  readonly identity?: "same" | "again";
}

export interface GradientContext<P = Params> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly params: P;
  /** Applies an op that is no method of Tensor; returns its outputs. */
  apply(op: AnyOp, inputs: readonly Tensor[], params: Params): Tensor[];
}

export interface KernelContext<P = Params> {
  readonly inputs: readonly TensorType[];
  readonly outputs: readonly TensorType[];
  readonly params: P;
}

/** What a kernel description is given to say what it computes. Values are WGSL expressions of the storage dtype's type
 *  (f32, i32, u32, bool; a u8 reads as u32). Conditions are WGSL bools; "true" and "false" are folded away. */
export interface Lower {
  /** The element of input `k` at `at` (one Index a dimension). It must be in range. */
  read(k: number, at: readonly Index[]): string;
  /** The same where every index is in range (checked only where it may not be) and `where` holds; else `otherwise`. */
  readOr(k: number, at: readonly Index[], otherwise: string, where?: string): string;
  /** A condition: 0 ≤ i < extent. */
  inside(i: Index, extent: number): string;
  /** A condition: i is a multiple of `by`. */
  multiple(i: Index, by: number): string;
  /** Names an expression (common ones are shared). */
  let(expression: string): string;
  /** An index as a WGSL i32 expression. */
  text(i: Index): string;
  /** A WGSL i32 or u32 expression as an index, clamped to [0, extent). */
  index(expression: string, extent: number): Index;
}

export interface MapKernel<P = Params> {
  readonly kind: "map";
  /** Rough cost of one element in multiply-adds, loads apart: 1 for an add, 8 for exp, 30 for a hash. */
  readonly cost: number;
  /** The value of every output at `at`; all outputs have one shape. */
  element(at: readonly Index[], lower: Lower, ctx: KernelContext<P>): readonly string[];
}

/** sum: of the product of the term's factors; max, min: of the term; argmax, argmin: outputs the index of the first extreme, in
 *  row-major order over the extents; maxSumExp: outputs m = max(x) and Σ exp(x − m). */
export type Combine = "sum" | "max" | "min" | "argmax" | "argmin" | "maxSumExp";

export interface ReduceKernel<P = Params> {
  readonly kind: "reduce";
  readonly combine: Combine;
  /** Sizes of the reduction's own index space. */
  extents(ctx: KernelContext<P>): readonly number[];
  /** The factors (one or two for a sum, one otherwise) of the term at output index `at` and reduction index `r`. */
  term(at: readonly Index[], r: readonly Index[], lower: Lower, ctx: KernelContext<P>): readonly string[];
}

export interface SourceKernel {
  readonly kind: "source";
}

/** What the code of a custom kernel calls the arrays that the planner declares for it: storage arrays of the dtype's type. */
export interface CustomNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly scratch: readonly string[];
  /** A u32 expression: the dispatch's `index`. */
  readonly index: string;
  /** An atomic<u32> of the op's own, zero at first, that only its dispatches change. */
  readonly counter: string;
}

/** One dispatch of a custom kernel. */
export interface CustomDispatch {
  readonly label: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly workgroups: readonly [number, number, number];
  /** Elements are vec4s: the element count of every array that the code names is a multiple of 4. */
  readonly vec4?: boolean;
  readonly multiplyAdds: number;
  /** Tells apart dispatches of the same code, which share a pipeline. */
  readonly index?: number;
  /** Body of `fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32)`, and module-scope declarations. Only
   *  arrays that they name are bound; of those in `fours` elements are vec4s in any case. */
  code(names: CustomNames): { declarations: string; body: string; fours?: readonly string[] };
}

/** What a custom kernel may know of the adapter. */
export interface Adapter {
  /** The adapter computes on a CPU. */
  readonly software: boolean;
  /** Invocations that keep it busy. */
  readonly lanes: number;
  readonly maxAccumulators: number;
  /** Four lanes in a row, from a multiple of four on, can exchange values (quadSwapX and its like). */
  readonly quads: boolean;
}

export interface CustomKernel<P = Params> {
  readonly kind: "custom";
  /** Elements (4 bytes each) of each scratch buffer. */
  scratch?(ctx: KernelContext<P>): readonly number[];
  dispatches(ctx: KernelContext<P>, adapter: Adapter): readonly CustomDispatch[];
  /** The step that a plan has in the place of one, if the kernel takes over what makes an input of it. */
  absorb?(spec: import("../plan/step.ts").StepSpec, adapter: Adapter): import("../plan/step.ts").StepSpec | null;
  /** Prints them as modules (ops/custom.ts). */
  readonly print: typeof import("../ops/custom.ts").custom.print;
}

export type Kernel<P = Params> = MapKernel<P> | ReduceKernel<P> | SourceKernel | CustomKernel<P>;

// biome-ignore lint/suspicious/noExplicitAny: a table holds ops of all params
export type AnyOp = Op<any>;
