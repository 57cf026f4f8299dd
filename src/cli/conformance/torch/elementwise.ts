// Elementwise functions, products, reductions and views.

import { outer } from "../../../compositions/linear.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { dense } from "../../../onnx/layout.ts";
import { concat, type Tensor } from "../../../tensor.ts";
import { CaseError } from "../case.ts";
import { type Builder, type Inputs, one } from "./common.ts";

const unary = (f: (x: Tensor, attributes: Attributes) => Tensor): Builder => one((x, a) => f(x.get("x"), a));
const binary = (f: (a: Tensor, b: Tensor) => Tensor): Builder => one((x) => f(x.get("a"), x.get("b")));
const reduction = (f: (x: Tensor, axes: readonly number[] | undefined, keep: boolean) => Tensor): Builder =>
  unary((x, a) => f(x, a.has("axes") ? axesOf(a) : undefined, a.flag("keepdims")));

const axesOf = (a: Attributes): readonly number[] => {
  try {
    return [a.number("axes")];
  } catch {
    return a.numbers("axes");
  }
};

const matmul = one((x, a) => {
  const operand = (name: string) => (a.flag(`transpose_${name}`) ? x.get(name).transpose() : x.get(name));
  return operand("a").matmul(operand("b"));
});

/** Of functions with an alpha per channel (axis 1) or one for all. */
function prelu(x: Inputs, a: Attributes): Tensor {
  const [t, alpha] = [x.get("x"), x.get("alpha")];
  if (alpha.rank !== 1 || alpha.shape[0] === 1) return t.prelu(alpha);
  const axis = a.number("alpha_axis", 1);
  return t.prelu(alpha.reshape(t.shape.map((n, d) => (d === axis ? n : 1))));
}

/** log(1 + e^(βx))/β */
const softplus = (x: Tensor, beta: number): Tensor => (beta === 1 ? x.softplus() : x.mul(beta).softplus().div(beta));

function gelu(x: Tensor, a: Attributes): Tensor {
  const approximate = a.text("approximate", "none");
  if (approximate !== "none" && approximate !== "tanh") throw new CaseError(`gelu: no approximation ${approximate}`);
  return x.gelu(approximate);
}

function slice(x: Tensor, a: Attributes): Tensor {
  return x.slice(a.numbers("starts"), a.numbers("ends"), a.has("steps") ? a.numbers("steps") : undefined);
}

/** Activations by the names that the networks use. */
export const activations: Readonly<Record<string, (x: Tensor, a: Attributes) => Tensor>> = {
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  relu: (x) => x.relu(),
  gelu,
  softplus: (x, a) => softplus(x, a.number("beta", 1)),
  elu: (x, a) => x.elu(a.number("alpha", 1)),
  leaky_relu: (x, a) => x.leakyRelu(a.number("alpha", 0.01)),
  silu: (x) => x.silu(),
  selu: (x) => x.selu(),
};

export const elementwise: Readonly<Record<string, Builder>> = {
  ...Object.fromEntries(Object.entries(activations).map(([name, f]) => [name, unary(f)])),
  prelu: one(prelu),
  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b)),
  exp: unary((x) => x.exp()),
  log: unary((x) => x.log()),
  sqrt: unary((x) => x.sqrt()),
  square: unary((x) => x.square()),
  neg: unary((x) => x.neg()),
  reciprocal: unary((x) => x.reciprocal()),
  softmax: unary((x, a) => x.softmax(a.number("axis", -1))),
  log_softmax: unary((x, a) => x.logSoftmax(a.number("axis", -1))),
  dropout: one((x, a) =>
    x
      .get("x")
      .mul(x.get("mask"))
      .div(1 - a.number("p")),
  ),

  matmul,
  batch_matmul: matmul,
  outer: binary(outer),
  dense: one((x) => dense(x.get("x"), x.get("w"), x.maybe("b"))),

  reduce_sum: reduction((x, axes, keep) => x.sum(axes, keep)),
  reduce_mean: reduction((x, axes, keep) => x.mean(axes, keep)),
  reduce_max: reduction((x, axes, keep) => x.max(axes, keep)),
  reduce_min: reduction((x, axes, keep) => x.min(axes, keep)),

  transpose: unary((x, a) => x.transpose(a.numbers("perm"))),
  reshape: unary((x, a) => x.reshape(a.numbers("shape"))),
  concat: one((x, a) => concat(x.all("x"), a.number("axis"))),
  slice: unary(slice),
  embedding: one((x) => x.get("table").gather(x.get("idx"))),
};
