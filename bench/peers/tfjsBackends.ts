// The backends of TensorFlow.js. The wasm one takes threads and SIMD where the page has them.
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgpu";

setWasmPaths("/node_modules/@tensorflow/tfjs-backend-wasm/dist/");
