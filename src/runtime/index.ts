// wgrad/runtime: runs what `planAhead` planned, without the compiler.
export type { RunOptions } from "../device.ts";
export type { GpuArray } from "../gpu/array.ts";
export { GpuRuntime, type LoadedProgram, type RequestOptions } from "../gpu/runtime.ts";
export type { SavedPlan } from "../plan/saved.ts";
export * from "../shape/errors.ts";
export { type NdArray, ndarray } from "../shape/ndarray.ts";
export { bool, type DType, f32, i32, type Shape, type TensorType, u8, u32 } from "../shape/types.ts";
