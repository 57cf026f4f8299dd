/**
 * The trainer in a Web Worker. Needs the npm package comlink.
 *
 * @module wgrad/worker
 */
export { type Connected, connectTrainer } from "./client.ts";
export { type Hosted, type OnProgress, type RunEnd, type RunOptions, TrainerHost, type TrainerInfo } from "./host.ts";
