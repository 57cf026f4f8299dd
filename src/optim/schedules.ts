// Learning rates as functions of the step. They are made of Tensor methods, so they are part of the training step and run where it runs.
import { ValueError } from "../shape/errors.ts";
import { f32 } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";

/** step u32[], counted from 0 → learning rate f32[]. */
export type Schedule = (step: Tensor) => Tensor;

/** Throws ValueError unless x is a number ≥ 0. */
export function requireNonNegative(op: string, what: string, x: number): void {
  if (!(Number.isFinite(x) && x >= 0))
    throw new ValueError(`${op}: ${what} must be a number ≥ 0, got ${x}; correct it`);
}

function requireSteps(op: string, what: string, n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new ValueError(`${op}: ${what} must be a positive integer, got ${n}; it counts steps`);
}

/** α at every step. */
export function constant(learningRate: number): Schedule {
  requireNonNegative("constant", "learningRate", learningRate);
  return () => full(f32(), learningRate);
}

/** α·factorⁿ after n times `every` steps. */
export function stepDecay(o: {
  readonly learningRate: number;
  readonly factor: number;
  readonly every: number;
}): Schedule {
  requireNonNegative("stepDecay", "learningRate", o.learningRate);
  requireNonNegative("stepDecay", "factor", o.factor);
  requireSteps("stepDecay", "every", o.every);
  return (step) => power(o.factor, step.div(o.every).cast("f32")).mul(o.learningRate);
}

/** α·factor^(step/every): falls a little at every step. */
export function exponentialDecay(o: {
  readonly learningRate: number;
  readonly factor: number;
  readonly every?: number;
}): Schedule {
  const { every = 1 } = o;
  requireNonNegative("exponentialDecay", "learningRate", o.learningRate);
  requireNonNegative("exponentialDecay", "factor", o.factor);
  requireSteps("exponentialDecay", "every", every);
  return (step) => power(o.factor, step.cast("f32").mul(1 / every)).mul(o.learningRate);
}

/** final + (α − final)·(1 + cos π·step/steps)/2, and final after `steps`. Loshchilov and Hutter, https://arxiv.org/abs/1608.03983 */
export function cosine(o: {
  readonly learningRate: number;
  readonly steps: number;
  readonly final?: number;
}): Schedule {
  const { final = 0 } = o;
  requireNonNegative("cosine", "learningRate", o.learningRate);
  requireNonNegative("cosine", "final", final);
  requireSteps("cosine", "steps", o.steps);
  return (step) => {
    const angle = step
      .minimum(o.steps)
      .cast("f32")
      .mul(Math.PI / o.steps);
    return angle
      .cos()
      .add(1)
      .mul((o.learningRate - final) / 2)
      .add(final);
  };
}

/** Rises linearly to the schedule's first value over `steps` (step 0 has 1/steps of it), then follows the schedule from its step 0. */
export function warmUp(steps: number, then: Schedule | number): Schedule {
  requireSteps("warmUp", "steps", steps);
  const schedule = typeof then === "number" ? constant(then) : then;
  return (step) => {
    const share = step
      .add(1)
      .minimum(steps)
      .cast("f32")
      .mul(1 / steps);
    return schedule(step.maximum(steps).sub(steps)).mul(share);
  };
}

/** baseˣ for a base ≥ 0. */
const power = (base: number, x: Tensor): Tensor =>
  base === 0 ? full(x.type, 1).where(x.equal(0), 0) : x.mul(Math.log(base)).exp();
