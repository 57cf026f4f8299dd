// Elementwise operators.
import { UnsupportedError } from "../../shape/errors.ts";
import type { Tensor } from "../../tensor.ts";
import type { Attributes } from "../attributes.ts";
import { type Builder, type Operator, one } from "../operator.ts";
import { dtypeOf } from "../tensors.ts";

const unary =
  (f: (x: Tensor, a: Attributes) => Tensor): Builder =>
  (n) => [f(n.get(0), n.attributes)];
const binary =
  (f: (a: Tensor, b: Tensor, attributes: Attributes) => Tensor): Builder =>
  (n) => [f(n.get(0), n.get(1), n.attributes)];
/** Of one or more tensors. */
const variadic =
  (f: (a: Tensor, b: Tensor) => Tensor): Builder =>
  (n) => [n.from(0).reduce(f)];

const seluAlpha = 1.6732631921768188;
const seluGamma = 1.0507010221481323;

function selu(x: Tensor, a: Attributes): Tensor {
  const [alpha, gamma] = [a.number("alpha", seluAlpha), a.number("gamma", seluGamma)];
  return alpha === seluAlpha && gamma === seluGamma ? x.selu() : x.elu(alpha).mul(gamma);
}

function gelu(x: Tensor, a: Attributes): Tensor {
  const approximate = a.text("approximate", "none");
  if (approximate !== "none" && approximate !== "tanh") throw new UnsupportedError(`approximate ${approximate}`);
  return x.gelu(approximate);
}

/** min(max(x, low), high), the bounds being arguments or (in old opsets) attributes. */
function clip(n: Operator): Tensor {
  const bound = (k: number, name: string) =>
    n.values(k)?.[0] ?? (n.attributes.has(name) ? n.attributes.number(name) : undefined);
  const [low, high, x] = [bound(1, "min"), bound(2, "max"), n.get(0)];
  if (x.dtype === "f32" && (low === undefined || high === undefined || low <= high))
    return x.clip({ ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) });
  const raised = low === undefined ? x : x.maximum(low);
  return high === undefined ? raised : raised.minimum(high);
}

/** The base decides the dtype of the result. An integer power may come out a little short of the integer, which a cast would drop. */
function pow(base: Tensor, exponent: Tensor): Tensor {
  const y = base.cast("f32").pow(exponent.cast("f32"));
  return base.dtype === "f32" ? y : y.add(y.sign().mul(1e-3)).cast(base.dtype);
}

/** Of integers, with the sign of the divisor, or (fmod) of the dividend. */
function mod(a: Tensor, b: Tensor, attributes: Attributes): Tensor {
  if (a.dtype === "f32") throw new UnsupportedError("the remainder of floats");
  const r = a.rem(b);
  if (a.dtype === "u32" || attributes.flag("fmod")) return r;
  return r.add(b).where(
    r
      .less(0)
      .and(b.greater(0))
      .or(r.greater(0).and(b.less(0))),
    r,
  );
}

export const elementwise: Readonly<Record<string, Builder>> = {
  Abs: unary((x) => x.abs()),
  Cast: unary((x, a) => x.cast(dtypeOf(a.number("to"), "a cast"))),
  Ceil: unary((x) => x.neg().floor().neg()),
  Clip: one(clip),
  Cos: unary((x) => x.cos()),
  Elu: unary((x, a) => x.elu(a.number("alpha", 1))),
  Erf: unary((x) => x.erf()),
  Exp: unary((x) => x.exp()),
  Floor: unary((x) => x.floor()),
  Gelu: unary(gelu),
  HardSigmoid: unary((x, a) => x.mul(a.number("alpha", 0.2)).add(a.number("beta", 0.5)).clip({ low: 0, high: 1 })),
  HardSwish: unary((x) =>
    x.mul(
      x
        .mul(1 / 6)
        .add(0.5)
        .clip({ low: 0, high: 1 }),
    ),
  ),
  Identity: unary((x) => x),
  LeakyRelu: unary((x, a) => x.leakyRelu(a.number("alpha", 0.01))),
  Log: unary((x) => x.log()),
  Neg: unary((x) => x.neg()),
  Not: unary((x) => x.not()),
  Reciprocal: unary((x) => x.reciprocal()),
  Relu: unary((x) => (x.dtype === "f32" ? x.relu() : x.maximum(0))),
  Selu: unary(selu),
  Sigmoid: unary((x) => x.sigmoid()),
  Sign: unary((x) => x.sign()),
  Sin: unary((x) => x.sin()),
  Softplus: unary((x) => x.softplus()),
  Softsign: unary((x) => x.div(x.abs().add(1))),
  Sqrt: unary((x) => x.sqrt()),
  Swish: unary((x, a) => (a.number("alpha", 1) === 1 ? x.silu() : x.mul(x.mul(a.number("alpha")).sigmoid()))),
  Tanh: unary((x) => x.tanh()),

  Add: binary((a, b) => a.add(b)),
  And: binary((a, b) => a.and(b)),
  Div: binary((a, b) => a.div(b)),
  Equal: binary((a, b) => a.equal(b)),
  Greater: binary((a, b) => a.greater(b)),
  GreaterOrEqual: binary((a, b) => a.greaterEqual(b)),
  Less: binary((a, b) => a.less(b)),
  LessOrEqual: binary((a, b) => a.lessEqual(b)),
  Mod: binary(mod),
  Mul: binary((a, b) => a.mul(b)),
  Or: binary((a, b) => a.or(b)),
  Pow: binary(pow),
  PRelu: binary((x, slope) => x.prelu(slope)),
  Sub: binary((a, b) => a.sub(b)),

  Max: variadic((a, b) => a.maximum(b)),
  Mean: one((n) =>
    n
      .from(0)
      .reduce((a, b) => a.add(b))
      .div(n.count),
  ),
  Min: variadic((a, b) => a.minimum(b)),
  Sum: variadic((a, b) => a.add(b)),
  Where: one((n) => n.get(1).where(n.get(0), n.get(2))),
};
