// onnxruntime-node 1.17.0 is the one of opset 20 that installs without a script, which would download more; it came without its types, which
// are those of onnxruntime-web.
declare module "onnxruntime-node" {
  export { InferenceSession, Tensor } from "onnxruntime-web";
}
