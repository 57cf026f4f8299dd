/**
 * Optimizers, learning-rate schedules, clipping.
 *
 * @module wgrad/optim
 */
export * from "./clip.ts";
export type { Group, Optimizer, OptimizerOptions, Rule, Slots } from "./optimizer.ts";
export { fromRule } from "./optimizer.ts";
export * from "./rules.ts";
export { constant, cosine, exponentialDecay, type Schedule, stepDecay, warmUp } from "./schedules.ts";
