// wgrad/worker: the trainer in a Web Worker. Needs the npm package comlink.
export { type Connected, connectTrainer } from "./client.ts";
export { type Hosted, type OnProgress, type RunEnd, type RunOptions, TrainerHost, type TrainerInfo } from "./host.ts";
