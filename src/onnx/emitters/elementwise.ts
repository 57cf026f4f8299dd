// Elementwise ops.

import type { DType } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { type Emitter, float, outputOf } from "../emitter.ts";
import { codeOf } from "../tensors.ts";
import type { Emit } from "./emit.ts";
import { broadcast, unary } from "./emit.ts";

/** Made of several nodes. */
const made =
  (write: (e: Emitter, x: string) => string): Emit =>
  (e, node) => {
    const x = node.inputs[0] as Tensor;
    const order = e.orderOf(x);
    e.set(outputOf(node), write(e, e.get(x, order)), order);
  };

const largest = 3.4028234663852886e38;

const clip: Emit = (e, node) => {
  const { low, high } = node.params as { low: number; high: number };
  const bound = (value: number, none: number) => (value === none ? "" : e.scalar("f32", value));
  made((_, x) => e.node("Clip", [x, bound(low, -largest), bound(high, largest)]))(e, node);
};

/** Beyond an integer's range ONNX leaves open what comes out; for a byte that is not far. */
const cast: Emit = (e, node) => {
  const { dtype } = node.params as { dtype: DType };
  const to = codeOf(dtype);
  const byte = dtype === "u8" && node.inputs[0]!.dtype === "f32";
  const within = (x: string) => (byte ? e.node("Clip", [x, e.scalar("f32", 0), e.scalar("f32", 255)]) : x);
  made((_, x) => e.node("Cast", [within(x)], { to }))(e, node);
};

/** Runtimes have no Where of truth values. */
const where: Emit = (e, node) => {
  const both = (e: Emitter, [c, a, b]: readonly string[]) =>
    e.node("Or", [e.node("And", [c!, a!]), e.node("And", [e.node("Not", [c!]), b!])]);
  broadcast(outputOf(node).dtype === "bool" ? both : "Where")(e, node);
};

export const elementwise: Readonly<Record<string, Emit>> = {
  abs: unary("Abs"),
  cast,
  clip,
  cos: unary("Cos"),
  detach: (e, node) =>
    e.setPermuted(
      outputOf(node),
      node.inputs[0]!,
      node.inputs[0]!.shape.map((_, d) => d),
    ),
  elu: unary("Elu", ({ alpha }) => ({ alpha: float(alpha) })),
  erf: unary("Erf"),
  exp: unary("Exp"),
  finite: made((e, x) => e.node("LessOrEqual", [e.node("Abs", [x]), e.scalar("f32", largest)])),
  floor: unary("Floor"),
  gelu: unary("Gelu", ({ approximate }) => ({ approximate })),
  leakyRelu: unary("LeakyRelu", ({ alpha }) => ({ alpha: float(alpha) })),
  log: unary("Log"),
  neg: unary("Neg"),
  not: unary("Not"),
  reciprocal: unary("Reciprocal"),
  relu: unary("Relu"),
  rsqrt: made((e, x) => e.node("Reciprocal", [e.node("Sqrt", [x])])),
  selu: unary("Selu"),
  sigmoid: unary("Sigmoid"),
  sign: unary("Sign"),
  silu: made((e, x) => e.node("Mul", [x, e.node("Sigmoid", [x])])),
  sin: unary("Sin"),
  softplus: unary("Softplus"),
  sqrt: unary("Sqrt"),
  square: made((e, x) => e.node("Mul", [x, x])),
  tanh: unary("Tanh"),

  add: broadcast("Add"),
  and: broadcast("And"),
  div: broadcast("Div"),
  equal: broadcast("Equal"),
  greater: broadcast("Greater"),
  greaterEqual: broadcast("GreaterOrEqual"),
  less: broadcast("Less"),
  lessEqual: broadcast("LessOrEqual"),
  maximum: broadcast("Max"),
  minimum: broadcast("Min"),
  mul: broadcast("Mul"),
  notEqual: broadcast((e, operands) => e.node("Not", [e.node("Equal", operands)])),
  or: broadcast("Or"),
  pow: broadcast("Pow"),
  // the slope of PRelu must broadcast to x, here either may stretch
  prelu: broadcast((e, [x, slope]) =>
    e.node("Where", [e.node("Greater", [x!, e.scalar("f32", 0)]), x!, e.node("Mul", [x!, slope!])]),
  ),
  rem: broadcast((e, operands) => e.node("Mod", operands, { fmod: 1 })),
  sub: broadcast("Sub"),
  where,
};
