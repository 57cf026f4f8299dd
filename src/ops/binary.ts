// Functions of two elements, and select: each in float64 beside its WGSL, then its gradient. Inputs broadcast.
// Integers wrap around.
import { DTypeError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import { binary, commonDtype, elementwise } from "./define.ts";
import { specialFunctions } from "./special.ts";

const numeric = ["f32", "i32", "u32"] as const;

export const add = binary({
  name: "add",
  takes: numeric,
  f: (a, b) => a + b,
  wgsl: (a, b) => `(${a} + ${b})`,
  gradient: (d) => [d, d],
});

export const sub = binary({
  name: "sub",
  takes: numeric,
  f: (a, b) => a - b,
  wgsl: (a, b) => `(${a} - ${b})`,
  gradient: (d) => [d, d.neg()],
});

/** The Hadamard product. */
export const mul = binary({
  name: "mul",
  takes: numeric,
  f: (a, b, dtype) => (dtype === "f32" ? a * b : Math.imul(a, b)),
  wgsl: (a, b) => `(${a} * ${b})`,
  gradient: (d, a, b) => [d.mul(b), d.mul(a)],
});

/** Of integers: the quotient without its fraction, and a where b is 0. */
export const div = binary({
  name: "div",
  takes: numeric,
  cost: 4,
  f: (a, b, dtype) => (dtype === "f32" ? a / b : b === 0 ? a : Math.trunc(a / b)),
  wgsl: (a, b) => `(${a} / ${b})`,
  gradient: (d, _a, b, y) => {
    const da = d.div(b);
    return [da, da.mul(y).neg()];
  },
});

/** a − b·trunc(a/b) of integers, and 0 where b is 0. */
export const rem = binary({
  name: "rem",
  takes: ["i32", "u32"],
  cost: 8,
  f: (a, b) => (b === 0 ? 0 : a % b),
  wgsl: (a, b) => `(${a} % ${b})`,
  gradient: null,
});

/** aᵇ. The base may be negative where the exponent is an integer; the gradient of b is 0 where a ≤ 0. */
export const pow = binary({
  name: "pow",
  functions: specialFunctions,
  cost: 24,
  f: (a, b) => a ** b,
  wgsl: (a, b) => `pow_signed(${a}, ${b})`,
  gradient: (d, a, b, y) => [
    // b·aᵇ⁻¹, where b = 0 must not divide by a = 0
    d.mul(b).mul(a.pow(b.sub(1).where(b.notEqual(0), 0))),
    d.mul(y).mul(a.where(a.greater(0), 1).log()),
  ],
});

/** The smaller. A tie shares the gradient equally. */
export const minimum = binary({
  name: "minimum",
  takes: numeric,
  f: (a, b) => Math.min(a, b),
  wgsl: (a, b) => `min(${a}, ${b})`,
  gradient: (d, a, b) => {
    const half = d.mul(0.5).where(a.equal(b), 0);
    return [d.where(a.less(b), half), d.where(b.less(a), half)];
  },
});

/** The larger. A tie shares the gradient equally. */
export const maximum = binary({
  name: "maximum",
  takes: numeric,
  f: (a, b) => Math.max(a, b),
  wgsl: (a, b) => `max(${a}, ${b})`,
  gradient: (d, a, b) => {
    const half = d.mul(0.5).where(a.equal(b), 0);
    return [d.where(a.greater(b), half), d.where(b.greater(a), half)];
  },
});

// ---- comparisons and logic: bool, and no gradient ----

const compare = (name: string, operator: string, f: (a: number, b: number) => boolean) =>
  binary({
    name,
    takes: numeric,
    dtype: "bool",
    f: (a, b) => Number(f(a, b)),
    wgsl: (a, b) => `(${a} ${operator} ${b})`,
    gradient: null,
  });

export const greater = compare("greater", ">", (a, b) => a > b);
export const greaterEqual = compare("greaterEqual", ">=", (a, b) => a >= b);
export const less = compare("less", "<", (a, b) => a < b);
export const lessEqual = compare("lessEqual", "<=", (a, b) => a <= b);
export const equal = compare("equal", "==", (a, b) => a === b);
export const notEqual = compare("notEqual", "!=", (a, b) => a !== b);

export const and = binary({
  name: "and",
  takes: ["bool"],
  f: (a, b) => a & b,
  wgsl: (a, b) => `(${a} & ${b})`,
  gradient: null,
});

export const or = binary({
  name: "or",
  takes: ["bool"],
  f: (a, b) => a | b,
  wgsl: (a, b) => `(${a} | ${b})`,
  gradient: null,
});

/** condition ? a : b */
export const where = elementwise({
  name: "where",
  takes: ["bool", ...numeric],
  dtype: ([condition, a, b]) => {
    if (condition!.dtype !== "bool")
      throw new DTypeError(
        `where: the condition must be bool, got ${printType(condition!)} (${condition!.dtype} vs bool); compare it`,
      );
    return commonDtype("where", a!, b!);
  },
  f: ([c, a, b]) => (c ? a! : b!),
  wgsl: ([c, a, b]) => `select(${b}, ${a}, ${c})`,
  gradient: ([d], { inputs: [c] }) => [null, d!.where(c!, 0), d!.where(c!.not(), 0)],
});
