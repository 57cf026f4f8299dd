/**
 * Layers, models, losses, initialisers.
 *
 * @module wgrad/nn
 */
export * from "./activations.ts";
export * from "./attention.ts";
export type { Initialiser } from "./initialisers.ts";
export * as initialisers from "./initialisers.ts";
export { fold, foldTensor, type Key, keyOf } from "./key.ts";
export {
  type Context,
  type Layer,
  type ObservedRun,
  outputType,
  type Params,
  predict,
  stateless,
  type Variables,
} from "./layer.ts";
export * from "./layers.ts";
export * from "./losses.ts";
export * from "./model.ts";
export * from "./norm.ts";
export {
  type CellWeights,
  type GruOptions as GruCellOptions,
  gruCell,
  type LstmState,
  lstmCell,
  type Peepholes,
  rnnCell,
  steps,
  unroll,
} from "./recurrent.ts";
export type { GruOptions, LstmOptions, RnnOptions, State, States } from "./recurrentKinds.ts";
export * from "./recurrentLayers.ts";
export * from "./seq2seq.ts";
export * from "./sequence.ts";
export * from "./truncated.ts";
