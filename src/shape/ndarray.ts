// NdArray: a host value, row-major. The CPU reference computes f32 in float64; the other dtypes are exact.
import { ShapeError } from "./errors.ts";
import { type DType, numel, type Shape, type TensorType } from "./types.ts";

/** Elements in row-major order: float64 of f32, integers of theirs, bytes of u8 and bool. */
export type NdData = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** An array on the host. */
export interface NdArray {
  /** What its elements are on a device. */
  readonly dtype: DType;
  /** Its sizes, outermost first. */
  readonly shape: Shape;
  /** Its elements in row-major order. */
  readonly data: NdData;
}

/** Whether a leaf of a tree is a host array. */
export const isNdArray = (x: unknown): x is NdArray =>
  typeof x === "object" && x !== null && "data" in x && ArrayBuffer.isView(x.data) && "shape" in x;

/** Uninitialised (zero) storage in which the reference computes a dtype. */
export function allocate(dtype: DType, length: number): NdData {
  switch (dtype) {
    case "f32":
      return new Float64Array(length);
    case "i32":
      return new Int32Array(length);
    case "u32":
      return new Uint32Array(length);
    default:
      return new Uint8Array(length);
  }
}

/** A host array of the given type; `values` in row-major order, or a function of the flat index. */
export function ndarray(type: TensorType, values: ArrayLike<number | boolean> | ((i: number) => number)): NdArray {
  const n = numel(type.shape);
  const data = allocate(type.dtype, n);
  if (typeof values === "function") for (let i = 0; i < n; i++) data[i] = values(i);
  else {
    if (values.length !== n)
      throw new ShapeError(
        `ndarray: ${values.length} values for shape [${type.shape}], which holds ${n}; give ${n} values`,
      );
    for (let i = 0; i < n; i++) data[i] = Number(values[i]);
  }
  return { dtype: type.dtype, shape: type.shape, data };
}

/** Calls `visit(index, flat)` for each index of the shape in row-major order. The index array is reused. */
export function eachIndex(shape: Shape, visit: (index: readonly number[], flat: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const n = numel(shape);
  for (let flat = 0; flat < n; flat++) {
    visit(index, flat);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
}
