// The names of `wgrad/onnx`: models to and from ONNX files.
export { type OnnxExportOptions, toOnnx } from "./export.ts";
export type { OnnxValue } from "./graph.ts";
export { fromOnnx, type OnnxModel } from "./import.ts";
