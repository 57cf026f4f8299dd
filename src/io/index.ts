/**
 * Weights, safetensors, checkpoints in a page. Checkpoints themselves are made and taken by the Trainer.
 *
 * @module wgrad/io
 */
export { type CheckpointStore, checkpointStore } from "./checkpointStore.ts";
export { readSafetensors, type Safetensors, type WriteOptions, writeSafetensors } from "./safetensors.ts";
export {
  fromStateDict,
  loadWeights,
  saveWeights,
  stateDict,
  type WeightsHolder,
  type WeightsOptions,
} from "./weights.ts";
