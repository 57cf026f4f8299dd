// How ops are written down: the short forms for elementwise ops and views, and the checks they share.
import { float } from "../../shaders/wgsl.ts";
import { flatten, type Index } from "../graph/affine.ts";
import type { KernelContext, Lower, Op } from "../graph/op.ts";
import { broadcastShapes } from "../shape/broadcast.ts";
import { DTypeError, ShapeError } from "../shape/errors.ts";
import { allocate, eachIndex, type NdArray } from "../shape/ndarray.ts";
import { type DType, numel, printType, strides, type TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** A WGSL f32 literal. WGSL has no infinite constants: ±∞ becomes the largest finite float. */
export function literal(x: number): string {
  if (Number.isNaN(x)) throw new DTypeError("literal: NaN cannot be a constant; remove it");
  return float(x);
}

/** A WGSL literal of a dtype. */
export function literalOf(dtype: DType, x: number): string {
  switch (dtype) {
    case "f32":
      return literal(x);
    case "i32":
      return `i32(${x})`;
    case "bool":
      return x ? "true" : "false";
    default:
      return `${x}u`;
  }
}

export function requireRank(op: string, what: string, t: TensorType, rank: number): void {
  if (t.shape.length !== rank)
    throw new ShapeError(
      `${op}: ${what} must have rank ${rank}, got ${printType(t)} (rank ${t.shape.length} vs ${rank}); reshape it`,
    );
}

export function requireDtype(op: string, what: string, t: TensorType, ...wanted: DType[]): void {
  if (!wanted.includes(t.dtype))
    throw new DTypeError(`${op}: ${what} must be ${wanted.join(" or ")}, got ${printType(t)}; cast it`);
}

/** The dtype that all the types share. */
export function commonDtype(op: string, ...types: TensorType[]): DType {
  const [first] = types;
  for (const t of types)
    if (t.dtype !== first!.dtype)
      throw new DTypeError(
        `${op}: dtypes differ, ${types.map(printType).join(", ")} (${first!.dtype} vs ${t.dtype}); cast one`,
      );
  return first!.dtype;
}

/** The index into a broadcast input for an index into the output. */
export function broadcastIndex(at: readonly Index[], shape: readonly number[]): Index[] {
  const skip = at.length - shape.length;
  return shape.map((n, d) => (n === 1 ? (at[0] as Index).mul(0) : (at[d + skip] as Index)));
}

interface Elementwise<P> {
  readonly name: string;
  /** dtypes of the inputs it takes. Default: f32. */
  readonly takes?: readonly DType[];
  /** dtype of the result, once the inputs fit together. Default: theirs, which must be one. */
  readonly dtype?: (inputs: readonly TensorType[], params: P) => DType;
  /** The function, in float64; `dtype` is that of the first input. */
  readonly f: (x: readonly number[], params: P, dtype: DType) => number;
  /** The same as a WGSL expression of its arguments (each a name or a literal). */
  readonly wgsl: (x: readonly string[], params: P, dtypes: readonly DType[]) => string;
  readonly cost?: number;
  readonly gradient: Op<P>["gradient"];
  readonly monotone?: boolean;
  readonly functions?: Op<P>["functions"];
}

/** A function of one element of each input, which broadcast. */
export function elementwise<P = Record<string, never>>(o: Elementwise<P>): Op<P> {
  return {
    name: o.name,
    type(inputs, params) {
      const takes = o.takes ?? ["f32"];
      for (const t of inputs)
        if (!takes.includes(t.dtype))
          throw new DTypeError(
            `${o.name}: got ${inputs.map(printType).join(", ")} (${t.dtype} vs ${takes.join(" or ")}); cast it`,
          );
      const dtype = o.dtype ? o.dtype(inputs, params) : commonDtype(o.name, ...inputs);
      return [{ dtype, shape: broadcastShapes(o.name, ...inputs.map((t) => t.shape)) }];
    },
    reference(inputs, params, [type]) {
      const { shape, dtype } = type as TensorType;
      const data = allocate(dtype, numel(shape));
      const steps = inputs.map((x) => strides(x.shape).map((s, d) => (x.shape[d] === 1 ? 0 : s)));
      const args = new Array<number>(inputs.length);
      eachIndex(shape, (index, flat) => {
        inputs.forEach((x, k) => {
          const step = steps[k] as number[];
          const skip = index.length - step.length;
          args[k] = x.data[step.reduce((sum, s, d) => sum + s * (index[d + skip] as number), 0)] as number;
        });
        data[flat] = o.f(args, params, inputs[0]!.dtype);
      });
      return [{ dtype, shape, data }];
    },
    kernel: {
      kind: "map",
      cost: o.cost ?? 1,
      element: (at, lower, ctx) => [
        o.wgsl(
          ctx.inputs.map((t, k) => lower.let(lower.read(k, at.length === 0 ? [] : broadcastIndex(at, t.shape)))),
          ctx.params,
          ctx.inputs.map((t) => t.dtype),
        ),
      ],
    },
    gradient: o.gradient,
    ...(o.monotone ? { monotone: true } : {}),
    ...(o.functions ? { functions: o.functions } : {}),
  };
}

interface Unary<P> extends Pick<Elementwise<P>, "name" | "takes" | "cost" | "monotone" | "functions"> {
  readonly f: (x: number, params: P) => number;
  readonly wgsl: (x: string, params: P) => string;
  /** The gradient of x, from that of y = f(x). */
  readonly gradient: ((d: Tensor, x: Tensor, y: Tensor, params: P) => Tensor) | null;
}

/** A function of one element. */
export function unary<P = Record<string, never>>({ f, wgsl, gradient, ...rest }: Unary<P>): Op<P> {
  return elementwise<P>({
    ...rest,
    f: ([x], params) => f(x!, params),
    wgsl: ([x], params) => wgsl(x!, params),
    gradient: gradient && (([d], { inputs: [x], outputs: [y], params }) => [gradient(d!, x!, y!, params)]),
  });
}

interface Binary extends Pick<Elementwise<unknown>, "name" | "takes" | "cost" | "functions"> {
  /** dtype of the result. Default: that of the inputs. */
  readonly dtype?: DType;
  readonly f: (a: number, b: number, dtype: DType) => number;
  readonly wgsl: (a: string, b: string) => string;
  /** The gradients of a and b, from that of y = f(a, b). */
  readonly gradient: ((d: Tensor, a: Tensor, b: Tensor, y: Tensor) => [Tensor | null, Tensor | null]) | null;
}

/** A function of two elements of one dtype. */
export function binary({ f, wgsl, gradient, dtype, ...rest }: Binary): Op {
  return elementwise({
    ...rest,
    dtype: (types) => {
      const common = commonDtype(rest.name, ...types);
      return dtype ?? common;
    },
    f: ([a, b], _, of) => f(a!, b!, of),
    wgsl: ([a, b]) => wgsl(a!, b!),
    gradient: gradient && (([d], { inputs: [a, b], outputs: [y] }) => gradient(d!, a!, b!, y!)),
  });
}

interface View<P> {
  readonly name: string;
  type(inputs: readonly TensorType[], params: P): readonly TensorType[];
  /** Where an element comes from: the index into the input; and what stands where that is out of range. */
  source(at: readonly Index[], ctx: KernelContext<P>): { at: readonly Index[]; otherwise?: string };
  readonly reference: Op<P>["reference"];
  readonly gradient: Op<P>["gradient"];
  readonly identity?: Op<P>["identity"];
}

/** A map whose elements are moved, never changed. It takes every dtype. */
export function view<P>(o: View<P>): Op<P> {
  const element = (at: readonly Index[], lower: Lower, ctx: KernelContext<P>) => {
    const { at: from, otherwise } = o.source(at, ctx);
    return [otherwise === undefined ? lower.read(0, from) : lower.readOr(0, from, otherwise)];
  };
  return {
    name: o.name,
    type: o.type,
    reference: o.reference,
    gradient: o.gradient,
    kernel: { kind: "map", cost: 0, element },
    ...(o.identity ? { identity: o.identity } : {}),
  };
}

/** Flat index in row-major order. */
export function flatIndex(at: readonly Index[], shape: readonly number[], zero: Index): Index {
  return at.length === 0 ? zero : flatten(at, strides(shape));
}

/** The CPU reference of a view: `from(index)` gives the source's flat index, or -1 for `fill`. */
export function gatherReference(
  x: NdArray,
  type: TensorType,
  from: (index: readonly number[]) => number,
  fill = 0,
): NdArray {
  const data = allocate(type.dtype, numel(type.shape));
  eachIndex(type.shape, (index, flat) => {
    const i = from(index);
    data[flat] = i < 0 ? fill : (x.data[i] as number);
  });
  return { dtype: type.dtype, shape: type.shape, data };
}
