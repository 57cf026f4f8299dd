// Activation functions: each in float64 beside its WGSL, then its gradient. tanh and erf are in unary.ts.
import type { Tensor } from "../tensor.ts";
import { binary, literal, unary } from "./define.ts";
import { erfc, specialFunctions } from "./special.ts";

export const relu = unary({
  name: "relu",
  monotone: true,
  f: (x) => Math.max(x, 0),
  wgsl: (x) => `max(${x}, 0.0f)`,
  gradient: (d, _x, y) => d.where(y.greater(0), 0),
});

/** x, or alpha·x where x is negative. */
export const leakyRelu = unary<{ alpha: number }>({
  name: "leakyRelu",
  f: (x, { alpha }) => (x > 0 ? x : alpha * x),
  wgsl: (x, { alpha }) => `select(${literal(alpha)} * ${x}, ${x}, ${x} > 0.0f)`,
  gradient: (d, x, _y, { alpha }) => d.where(x.greater(0), d.mul(alpha)),
});

/** leakyRelu with a slope that is learned. */
export const prelu = binary({
  name: "prelu",
  f: (x, alpha) => (x > 0 ? x : alpha * x),
  wgsl: (x, alpha) => `select(${alpha} * ${x}, ${x}, ${x} > 0.0f)`,
  gradient: (d, x, alpha) => [d.where(x.greater(0), d.mul(alpha)), d.mul(x.minimum(0))],
});

/** x, or alpha·(eˣ − 1) where x is negative (Clevert, Unterthiner, Hochreiter 2015). */
export const elu = unary<{ alpha: number }>({
  name: "elu",
  functions: specialFunctions,
  cost: 22,
  f: (x, { alpha }) => (x > 0 ? x : alpha * Math.expm1(x)),
  wgsl: (x, { alpha }) => eluText(x, alpha),
  gradient: (d, x, _y, { alpha }) => d.mul(eluSlope(x, alpha)),
});

const seluAlpha = 1.6732632423543772;
const seluScale = 1.0507009873554805;

/** elu with the constants that keep activations at mean 0 and variance 1 (Klambauer et al. 2017). */
export const selu = unary({
  name: "selu",
  functions: specialFunctions,
  cost: 23,
  monotone: true,
  f: (x) => seluScale * (x > 0 ? x : seluAlpha * Math.expm1(x)),
  wgsl: (x) => `(${literal(seluScale)} * ${eluText(x, seluAlpha)})`,
  gradient: (d, x) => d.mul(eluSlope(x, seluAlpha)).mul(seluScale),
});

function eluText(x: string, alpha: number): string {
  return `select(${literal(alpha)} * expm1_negative(min(${x}, 0.0f)), ${x}, ${x} > 0.0f)`;
}

/** 1, or alpha·eˣ where x is negative; no exponential of a positive number is taken. */
function eluSlope(x: Tensor, alpha: number): Tensor {
  return x.minimum(0).exp().mul(alpha).where(x.lessEqual(0), 1);
}

/** log(1 + eˣ) */
export const softplus = unary({
  name: "softplus",
  functions: specialFunctions,
  cost: 24,
  monotone: true,
  f: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  wgsl: (x) => `softplus(${x})`,
  gradient: (d, x) => d.mul(x.sigmoid()),
});

/** 1/(1 + e⁻ˣ) */
export const sigmoid = unary({
  name: "sigmoid",
  cost: 14,
  monotone: true,
  f: sigmoid64,
  wgsl: (x) => `sigmoid(${x})`,
  gradient: (d, _x, y) => d.mul(y).mul(y.neg().add(1)),
});

function sigmoid64(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** x·sigmoid(x), also called swish. */
export const silu = unary({
  name: "silu",
  cost: 15,
  f: (x) => x * sigmoid64(x),
  wgsl: (x) => `(${x} * sigmoid(${x}))`,
  gradient: (d, x) => {
    const s = x.sigmoid();
    return d.mul(s.add(x.mul(s).mul(s.neg().add(1))));
  },
});

/** x·Φ(x), where Φ is the normal distribution function: exactly, or by the approximation
 *  x/2·(1 + tanh(√(2/π)·(x + 0.044715x³))) (Hendrycks, Gimpel 2016). */
export const gelu = unary<{ approximate: "none" | "tanh" }>({
  name: "gelu",
  cost: 32,
  functions: specialFunctions,
  f: (x, { approximate }) =>
    approximate === "none"
      ? 0.5 * x * erfc(-x * Math.SQRT1_2)
      : 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  wgsl: (x, { approximate }) =>
    approximate === "none"
      ? `(0.5f * ${x} * erfc(${literal(-Math.SQRT1_2)} * ${x}))`
      : `(0.5f * ${x} * (1.0f + tanh_safe(${literal(Math.sqrt(2 / Math.PI))} * ${x} * (1.0f + 0.044715f * ${x} * ${x}))))`,
  gradient: (d, x, _y, { approximate }) => d.mul(approximate === "none" ? geluSlope(x) : geluTanhSlope(x)),
});

/** Φ(x) + x·φ(x) */
function geluSlope(x: Tensor): Tensor {
  const distribution = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
  const density = x
    .square()
    .mul(-0.5)
    .exp()
    .mul(1 / Math.sqrt(2 * Math.PI));
  return distribution.add(x.mul(density));
}

function geluTanhSlope(x: Tensor): Tensor {
  const c = Math.sqrt(2 / Math.PI);
  const x2 = x.square();
  const t = x2.mul(0.044715).add(1).mul(x).mul(c).tanh();
  const inner = x2
    .mul(3 * 0.044715)
    .add(1)
    .mul(c);
  return t.add(1).mul(0.5).add(t.square().neg().add(1).mul(inner).mul(x).mul(0.5));
}
