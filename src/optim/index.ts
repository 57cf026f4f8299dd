// The names of `optim`: optimizers, learning-rate schedules, clipping.
export * from "./clip.ts";
export type { Group, Optimizer, OptimizerOptions, Rule } from "./optimizer.ts";
export { fromRule } from "./optimizer.ts";
export * from "./rules.ts";
export { constant, cosine, exponentialDecay, type Schedule, stepDecay, warmUp } from "./schedules.ts";
