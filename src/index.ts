/**
 * The public names, all but those of `wgrad/onnx`, `wgrad/runtime` and `wgrad/worker`: devices, tensors, gradients, files; as `nn` and `optim` also what
 * is in `wgrad/nn` and `wgrad/optim`.
 *
 * @module wgrad
 */
export { grad, vjp } from "./autodiff/backward.ts";
export { checkpoint } from "./autodiff/checkpoint.ts";
export { type Hvp, hvp, powerStep } from "./autodiff/hvp.ts";
export { dot, outer } from "./compositions/linear.ts";
export {
  type BatchNormOptions,
  type BatchStatistics,
  batchNorm,
  dropout,
  groupNorm,
  instanceNorm,
  layerNorm,
  type NormOptions,
  rmsNorm,
} from "./compositions/norm.ts";
export { reverseSequence } from "./compositions/recurrence.ts";
export type { Axes } from "./compositions/reduce.ts";
export type { CrossEntropyOptions } from "./compositions/softmax.ts";
export {
  type AvgPoolOptions,
  type Conv1dOptions,
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  convTranspose2d,
  type PoolOptions,
} from "./compositions/window.ts";
export { type CheckOptions, checkGradients, type GradientCheck } from "./cpu/checkGradients.ts";
export { CpuDevice } from "./cpu/device.ts";
export * from "./data/index.ts";
export {
  type CompileOptions,
  type DeviceArray,
  type Program,
  type RunOptions,
  type Runtime,
  typesOf,
} from "./device.ts";
export { Device } from "./devices.ts";
export type { GpuArray } from "./gpu/array.ts";
export { type EncodableProgram, GpuDevice } from "./gpu/device.ts";
export { type LoadedProgram, loadProgram } from "./gpu/load.ts";
export type { DispatchTime, Profile, ProfileOptions } from "./gpu/profile.ts";
export type { EncodeOptions, GpuProgram, Outputs, Recorder, Stats } from "./gpu/program.ts";
export type { RequestOptions } from "./gpu/runtime.ts";
export type { TuneOptions } from "./gpu/tune.ts";
export { printTuning, type Trial, type TunedGroup, type Tuning } from "./gpu/tuning.ts";
export { indexedDbStore, type TuningStore } from "./gpu/tuningStore.ts";
export type { DispatchCheck, ValueCheck, Verification, VerifyOptions } from "./gpu/verify.ts";
export type { Lack } from "./gpu/wanted.ts";
export type { MapTree, Tree } from "./graph/tree.ts";
export * from "./io/index.ts";
export * as nn from "./nn/index.ts";
export * as optim from "./optim/index.ts";
export { type AheadOptions, planAhead } from "./plan/ahead.ts";
export type {
  Binding as PlanBinding,
  Buffer as PlanBuffer,
  Dispatch as PlanDispatch,
  ElementType,
  Place,
  Plan,
  ReferencePlan,
  Slot,
  Value as PlanValue,
} from "./plan/data.ts";
export type { Schedule } from "./plan/lanes.ts";
export { printPlan } from "./plan/print.ts";
export type { SavedPlan } from "./plan/saved.ts";
export * from "./shape/errors.ts";
export { type NdArray, type NdData, ndarray } from "./shape/ndarray.ts";
export { bool, type DType, f32, i32, type Shape, type TensorType, u8, u32 } from "./shape/types.ts";
export type { Padding, Pair, WindowOptions } from "./shape/window.ts";
export {
  concat,
  constant,
  full,
  iota,
  type MaxSumExp,
  normal,
  randomBits,
  stack,
  type Tensor,
  type TensorLike,
  uniform,
} from "./tensor.ts";
export type { TypeTree } from "./trace.ts";
export * from "./train/index.ts";
