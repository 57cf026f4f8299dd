// A data set: inputs and targets, example by example along the first axis. Host arrays are checked here, before any work on a device.
import type { DeviceArray } from "../device.ts";
import { DTypeError, ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { numel, printType, type TensorType } from "../shape/types.ts";

/** `x` [N, …] in u8 or f32. `y` is labels, u8 or i32 [N], or values, f32 [N, …]. */
export interface Dataset<A extends NdArray | DeviceArray = NdArray> {
  /** Inputs [N, …], u8 or f32. */
  readonly x: A;
  /** Targets: labels u8 or i32 [N], or values f32 [N, …]. */
  readonly y: A;
}

export const typeOf = (a: NdArray | DeviceArray): TensorType =>
  "data" in a ? { dtype: a.dtype, shape: a.shape } : a.type;

/** Examples of the data set. */
export const countOf = (data: Dataset<NdArray | DeviceArray>): number => typeOf(data.x).shape[0] ?? 0;

/** The same for one example, or for `n` of them. */
export const batchType = ({ dtype, shape }: TensorType, n: number): TensorType => ({
  dtype,
  shape: [n, ...shape.slice(1)],
});

/** Whether the targets are class labels. */
export const hasLabels = (y: TensorType): boolean => y.dtype !== "f32" && y.shape.length === 1;

/** Checks a data set: not empty, x and y of one length, dtypes that can be trained on, finite values. `what` is for messages. */
export function checkDataset(data: Dataset<NdArray | DeviceArray>, what = "data"): void {
  const [x, y] = [typeOf(data.x), typeOf(data.y)];
  const types = `x ${printType(x)}, y ${printType(y)}`;
  if (x.shape.length < 2) throw new ShapeError(`${what}: x must be [N, features…], got ${types}; reshape it`);
  if (y.shape.length < 1) throw new ShapeError(`${what}: y must be [N, …], got ${types}; reshape it`);
  if (x.dtype !== "f32" && x.dtype !== "u8")
    throw new DTypeError(`${what}: x must be f32 or u8, got ${types}; convert it`);
  if (y.dtype === "bool")
    throw new DTypeError(`${what}: y must be labels (u8, i32, u32) or f32, got ${types}; convert it`);
  if (y.dtype !== "f32" && y.shape.length !== 1)
    throw new ShapeError(`${what}: labels must be [N], got ${types}; give values as f32`);
  if (x.shape[0] !== y.shape[0])
    throw new ShapeError(
      `${what}: x and y differ in length, ${types} (${x.shape[0]} vs ${y.shape[0]}); give one target an example`,
    );
  if (numel(x.shape) === 0) throw new ValueError(`${what}: there are no examples, ${types}; give at least one`);
  for (const [name, a] of Object.entries(data))
    if ("data" in a && a.dtype === "f32") {
      const bad = (a.data as Float64Array).findIndex((v) => !Number.isFinite(v));
      if (bad >= 0) throw new ValueError(`${what}: ${name} holds ${a.data[bad]} at element ${bad}; remove it`);
    }
}

/** Throws ValueError if a label is not one of 0 … classes − 1. Labels that live on a device are not looked at. */
export function checkLabels(y: NdArray | DeviceArray, classes: number, what = "data"): void {
  if (!("data" in y)) return;
  const bad = y.data.findIndex((label: number) => label < 0 || label >= classes);
  if (bad >= 0)
    throw new ValueError(
      `${what}: label ${y.data[bad]} of example ${bad} is out of range (${y.data[bad]} vs 0 … ${classes - 1}); the model gives ${classes} classes`,
    );
}

/** Examples start … end − 1, without copying. */
export function takeExamples(data: Dataset, start: number, end = countOf(data)): Dataset {
  const n = countOf(data);
  if (!(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start < end && end <= n))
    throw new ValueError(`data: examples ${start} … ${end} of ${n} are none; give 0 ≤ start < end ≤ ${n}`);
  const rows = (a: NdArray): NdArray => {
    const size = numel(a.shape.slice(1));
    return {
      dtype: a.dtype,
      shape: [end - start, ...a.shape.slice(1)],
      data: a.data.subarray(start * size, end * size),
    };
  };
  return { x: rows(data.x), y: rows(data.y) };
}
