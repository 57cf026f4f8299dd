/**
 * The trainer, what it reports, and diagnostics.
 *
 * @module wgrad/train
 */
export type { EarlyStopping } from "./earlyStop.ts";
export type { Evaluation } from "./evaluate.ts";
export type { FitOptions, Progress } from "./fit.ts";
export { type GradientFlow, type GradientFlowOptions, gradientFlow, type RunFlow } from "./gradientFlow.ts";
export type { NextDevice, OnLost, SupplyDevice } from "./keeper.ts";
export type { ProgramStats, TreeProgram, Trees } from "./program.ts";
export type { Sampling, StepSpec } from "./step.ts";
export { Trainer, type TrainerOptions } from "./trainer.ts";
