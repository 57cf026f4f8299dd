// Pointwise ops: one row each, the function in float64 beside its WGSL, then its gradient.
import type { Op } from "../graph/op.ts";
import { elementwise } from "./define.ts";

const numeric = ["f32", "i32", "u32"] as const;

// ---- one input ----

export const neg = elementwise({
  name: "neg", arity: 1, takes: ["f32", "i32"],
  f: ([x]) => -x!, wgsl: ([x]) => `-${x}`,
  gradient: ([d]) => [d!.neg()],
});

export const exp = elementwise({
  name: "exp", arity: 1, cost: 8, monotone: true,
  f: ([x]) => Math.exp(x!), wgsl: ([x]) => `exp(${x})`,
  gradient: ([d], { outputs: [y] }) => [d!.mul(y!)],
});

export const relu = elementwise({
  name: "relu", arity: 1, monotone: true,
  f: ([x]) => Math.max(x!, 0), wgsl: ([x]) => `max(${x}, 0.0f)`,
  gradient: ([d], { outputs: [y] }) => [d!.where(y!.greater(0), 0)],
});

// ---- two inputs ----

export const add = elementwise({
  name: "add", arity: 2, takes: numeric,
  f: ([a, b]) => a! + b!, wgsl: ([a, b]) => `(${a} + ${b})`,
  gradient: ([d]) => [d!, d!],
});

/** The Hadamard product. */
export const mul = elementwise({
  name: "mul", arity: 2, takes: numeric,
  f: ([a, b]) => a! * b!, wgsl: ([a, b]) => `(${a} * ${b})`,
  gradient: ([d], { inputs: [a, b] }) => [d!.mul(b!), d!.mul(a!)],
});

export const greater = elementwise({
  name: "greater", arity: 2, takes: numeric, dtype: () => "bool",
  f: ([a, b]) => Number(a! > b!), wgsl: ([a, b]) => `(${a} > ${b})`,
  gradient: null,
});

// ---- three inputs ----

/** condition ? a : b */
export const where: Op = elementwise({
  name: "where", arity: 3, takes: ["bool", "f32", "i32", "u32"], dtype: (d) => d[1]!,
  f: ([c, a, b]) => (c ? a! : b!), wgsl: ([c, a, b]) => `select(${b}, ${a}, ${c})`,
  gradient: ([d], { inputs: [c] }) => [null, d!.where(c!, 0), d!.zerosLike().where(c!, d!)],
});
