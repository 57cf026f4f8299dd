// The same page with TensorFlow.js.
import "@tensorflow/tfjs-backend-webgpu";
import { tfjs } from "../peers/tfjs.ts";
import { startUp } from "./measure.ts";
import { startPeer } from "./peer.ts";

Object.assign(globalThis, { startUp: startUp(() => startPeer(() => tfjs("webgpu")), 1) });
