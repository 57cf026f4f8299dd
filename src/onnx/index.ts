/**
 * Models to and from ONNX files.
 *
 * @module wgrad/onnx
 */
export { type OnnxExportOptions, toOnnx } from "./export.ts";
export type { OnnxValue } from "./graph.ts";
export { fromOnnx, type OnnxModel } from "./import.ts";
