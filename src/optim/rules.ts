// The optimizers, in PyTorch's formulas. p parameter, g gradient (with λp added where weightDecay λ is coupled), α learning rate,
// t the step counted from 1.
import { ValueError } from "../shape/errors.ts";
import type { Tensor } from "../tensor.ts";
import { fromRule, type Optimizer, type OptimizerOptions } from "./optimizer.ts";
import { requireNonNegative } from "./schedules.ts";

function requireShare(op: string, what: string, x: number): void {
  if (!(x >= 0 && x < 1)) throw new ValueError(`${op}: ${what} must be in [0, 1), got ${x}; correct it`);
}

/** p ← p − αg */
export function sgd(options: OptimizerOptions): Optimizer {
  return fromRule(
    { name: "sgd", slots: {}, update: (p, g, slots, { learningRate }) => ({ p: p.sub(g.mul(learningRate)), slots }) },
    options,
  );
}

/** Options of momentum and nesterov. */
export interface MomentumOptions extends OptimizerOptions {
  /** μ. Default: 0.9. */
  readonly momentum?: number;
  /** τ. Default: 0. */
  readonly dampening?: number;
}

function withVelocity(name: "momentum" | "nesterov", options: MomentumOptions): Optimizer {
  const { momentum: mu = 0.9, dampening = 0 } = options;
  requireShare(name, "momentum", mu);
  requireShare(name, "dampening", dampening);
  return fromRule(
    {
      name,
      slots: { velocity: 0 },
      update(p, g, { velocity }, { learningRate, step }) {
        const damped = velocity.mul(mu).add(g.mul(1 - dampening));
        const v = dampening === 0 ? damped : g.where(step.equal(0), damped);
        const direction = name === "nesterov" ? g.add(v.mul(mu)) : v;
        return { p: p.sub(direction.mul(learningRate)), slots: { velocity: v } };
      },
    },
    options,
  );
}

/** v ← μv + (1 − τ)g, with v = g at the first step; p ← p − αv. Polyak, 1964. */
export const momentum = (options: MomentumOptions): Optimizer => withVelocity("momentum", options);

/** v as in momentum; p ← p − α(g + μv). Nesterov, 1983, in the form of Sutskever et al., ICML 2013. */
export const nesterov = (options: MomentumOptions): Optimizer => withVelocity("nesterov", options);

/** Options of adam and adamw. */
export interface AdamOptions extends OptimizerOptions {
  /** Of the first moment. Default: 0.9. */
  readonly beta1?: number;
  /** Of the second moment. Default: 0.999. */
  readonly beta2?: number;
  /** Default: 1e-8. */
  readonly epsilon?: number;
  /** Divides by the largest second moment so far. Reddi et al., https://arxiv.org/abs/1904.09237. Default: false. */
  readonly amsgrad?: boolean;
}

/** 1 − βᵗ. The difference is taken by a series where it would cancel. */
function correction(beta: number, count: Tensor): Tensor | 1 {
  if (beta === 0) return 1;
  const x = count.mul(-Math.log(beta)); // 1 − e⁻ˣ = x − x²/2 + x³/6 − …
  let series = x.mul(-1 / 9).add(1);
  for (let k = 8; k >= 2; k--)
    series = series
      .mul(x)
      .mul(-1 / k)
      .add(1);
  return series.mul(x).where(x.less(0.5), x.neg().exp().neg().add(1));
}

function adamRule(name: "adam" | "adamw", options: AdamOptions): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, amsgrad = false } = options;
  requireShare(name, "beta1", beta1);
  requireShare(name, "beta2", beta2);
  requireNonNegative(name, "epsilon", epsilon);
  const slots = { m: 0, v: 0 };
  return fromRule<"m" | "v" | "largest">(
    {
      name,
      slots: (amsgrad ? { ...slots, largest: 0 } : slots) as Record<"m" | "v" | "largest", number>,
      decoupled: name === "adamw",
      update(p, g, { m, v, largest }, { learningRate, count }) {
        const m1 = m.mul(beta1).add(g.mul(1 - beta1));
        const v1 = v.mul(beta2).add(g.square().mul(1 - beta2));
        const top = amsgrad ? largest.maximum(v1) : v1;
        const second = correction(beta2, count);
        const root = second === 1 ? top.sqrt() : top.sqrt().div(second.sqrt());
        const rate = learningRate.div(correction(beta1, count));
        return { p: p.sub(rate.mul(m1.div(root.add(epsilon)))), slots: { m: m1, v: v1, largest: top } };
      },
    },
    options,
  );
}

/** m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; p ← p − α/(1 − β₁ᵗ)·m/(√v/√(1 − β₂ᵗ) + ε). Kingma and Ba, https://arxiv.org/abs/1412.6980 */
export const adam = (options: AdamOptions): Optimizer => adamRule("adam", options);

/** Adam with the weight decay apart from the gradient: p ← p − αλp first. Default λ: 0.01. Loshchilov and Hutter, https://arxiv.org/abs/1711.05101 */
export const adamw = (options: AdamOptions): Optimizer => adamRule("adamw", { weightDecay: 0.01, ...options });

/** Options of rmsprop. */
export interface RmspropOptions extends OptimizerOptions {
  /** ρ, of the second moment. Default: 0.99. */
  readonly rho?: number;
  /** Default: 1e-8. */
  readonly epsilon?: number;
  /** μ. Default: 0. */
  readonly momentum?: number;
  /** Takes the square of the mean gradient off the second moment. Default: false. */
  readonly centered?: boolean;
}

/** v ← ρv + (1 − ρ)g²; p ← p − αg/(√v + ε), or with momentum b ← μb + g/(√v + ε); p ← p − αb. Tieleman and Hinton, 2012. */
export function rmsprop(options: RmspropOptions): Optimizer {
  const { rho = 0.99, epsilon = 1e-8, momentum: mu = 0, centered = false } = options;
  requireShare("rmsprop", "rho", rho);
  requireShare("rmsprop", "momentum", mu);
  requireNonNegative("rmsprop", "epsilon", epsilon);
  const slots = { v: 0, ...(centered ? { mean: 0 } : {}), ...(mu > 0 ? { velocity: 0 } : {}) };
  return fromRule<"v" | "mean" | "velocity">(
    {
      name: "rmsprop",
      slots: slots as Record<"v" | "mean" | "velocity", number>,
      update(p, g, { v, mean, velocity }, { learningRate }) {
        const v1 = v.mul(rho).add(g.square().mul(1 - rho));
        const mean1 = centered ? mean.mul(rho).add(g.mul(1 - rho)) : mean;
        // rounding may leave a little less than nothing
        const spread = centered ? v1.sub(mean1.square()).maximum(0) : v1;
        const scaled = g.div(spread.sqrt().add(epsilon));
        const direction = mu > 0 ? velocity.mul(mu).add(scaled) : scaled;
        return { p: p.sub(direction.mul(learningRate)), slots: { v: v1, mean: mean1, velocity: direction } };
      },
    },
    options,
  );
}

/** Options of adagrad. */
export interface AdagradOptions extends OptimizerOptions {
  /** Default: 1e-10. */
  readonly epsilon?: number;
  /** η: the rate is α/(1 + (t − 1)η). Default: 0. */
  readonly learningRateDecay?: number;
  /** What the sum of squares starts from. Default: 0. */
  readonly initialAccumulator?: number;
}

/** s ← s + g²; p ← p − αg/(√s + ε). Duchi, Hazan and Singer, JMLR 12, 2011. */
export function adagrad(options: AdagradOptions): Optimizer {
  const { epsilon = 1e-10, learningRateDecay: decay = 0, initialAccumulator = 0 } = options;
  requireNonNegative("adagrad", "epsilon", epsilon);
  requireNonNegative("adagrad", "learningRateDecay", decay);
  requireNonNegative("adagrad", "initialAccumulator", initialAccumulator);
  return fromRule(
    {
      name: "adagrad",
      slots: { sum: initialAccumulator },
      update(p, g, { sum }, { learningRate, step }) {
        const s = sum.add(g.square());
        const rate = decay === 0 ? learningRate : learningRate.div(step.cast("f32").mul(decay).add(1));
        return { p: p.sub(rate.mul(g.div(s.sqrt().add(epsilon)))), slots: { sum: s } };
      },
    },
    options,
  );
}
