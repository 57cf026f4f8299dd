/**
 * Runs what `planAhead` planned, without the compiler.
 *
 * @module wgrad/runtime
 */
export type { RunOptions } from "../device.ts";
export type { GpuArray } from "../gpu/array.ts";
export { type LoadedProgram, loadProgram } from "../gpu/load.ts";
export { GpuRuntime, type RequestOptions } from "../gpu/runtime.ts";
export type { SavedPlan } from "../plan/saved.ts";
export * from "../shape/errors.ts";
export { type NdArray, ndarray } from "../shape/ndarray.ts";
export { bool, type DType, f32, i32, type Shape, type TensorType, u8, u32 } from "../shape/types.ts";
