// Functions of one element: each in float64 beside its WGSL, then its gradient. Activations are in activation.ts.
import type { DType } from "../shape/types.ts";
import { elementwise, literal, unary } from "./define.ts";
import { erf as erf64, specialFunctions } from "./special.ts";

export const neg = unary({
  name: "neg",
  takes: ["f32", "i32"],
  f: (x) => -x,
  wgsl: (x) => `-(${x})`,
  gradient: (d) => d.neg(),
});

export const abs = unary({
  name: "abs",
  takes: ["f32", "i32"],
  f: Math.abs,
  wgsl: (x) => `abs(${x})`,
  gradient: (d, x) => d.mul(x.sign()),
});

/** −1, 0 or 1; its derivative is zero. */
export const sign = unary({
  name: "sign",
  takes: ["f32", "i32"],
  monotone: true,
  f: Math.sign,
  wgsl: (x) => `sign(${x})`,
  gradient: null,
});

/** The largest integer that is not above x; its derivative is zero. */
export const floor = unary({
  name: "floor",
  monotone: true,
  f: Math.floor,
  wgsl: (x) => `floor(${x})`,
  gradient: null,
});

export const square = unary({
  name: "square",
  f: (x) => x * x,
  wgsl: (x) => `(${x} * ${x})`,
  gradient: (d, x) => d.mul(x).mul(2),
});

export const reciprocal = unary({
  name: "reciprocal",
  cost: 4,
  f: (x) => 1 / x,
  wgsl: (x) => `(1.0f / ${x})`,
  gradient: (d, _x, y) => d.mul(y.square()).neg(),
});

export const sqrt = unary({
  name: "sqrt",
  cost: 4,
  monotone: true,
  f: Math.sqrt,
  wgsl: (x) => `sqrt(${x})`,
  gradient: (d, _x, y) => d.mul(0.5).div(y),
});

/** 1/√x */
export const rsqrt = unary({
  name: "rsqrt",
  cost: 4,
  f: (x) => 1 / Math.sqrt(x),
  wgsl: (x) => `inverseSqrt(${x})`,
  gradient: (d, x, y) => d.mul(-0.5).mul(y).div(x),
});

export const exp = unary({
  name: "exp",
  cost: 8,
  monotone: true,
  f: Math.exp,
  wgsl: (x) => `exp(${x})`,
  gradient: (d, _x, y) => d.mul(y),
});

/** The natural logarithm. */
export const log = unary({
  name: "log",
  cost: 8,
  monotone: true,
  f: Math.log,
  wgsl: (x) => `log(${x})`,
  gradient: (d, x) => d.div(x),
});

export const sin = unary({
  name: "sin",
  cost: 20,
  f: Math.sin,
  functions: specialFunctions,
  wgsl: (x) => `sine(${x}, 0i)`,
  gradient: (d, x) => d.mul(x.cos()),
});

export const cos = unary({
  name: "cos",
  cost: 20,
  f: Math.cos,
  functions: specialFunctions,
  wgsl: (x) => `sine(${x}, 1i)`,
  gradient: (d, x) => d.mul(x.sin()).neg(),
});

export const tanh = unary({
  name: "tanh",
  cost: 18,
  monotone: true,
  f: Math.tanh,
  wgsl: (x) => `tanh_safe(${x})`,
  gradient: (d, _x, y) => d.mul(y.square().neg().add(1)),
});

/** The error function, 2/√π·∫₀ˣ e^(−t²) dt. */
export const erf = unary({
  name: "erf",
  cost: 30,
  monotone: true,
  f: erf64,
  functions: specialFunctions,
  wgsl: (x) => `erf(${x})`,
  gradient: (d, x) => d.mul(x.square().neg().exp()).mul(2 / Math.sqrt(Math.PI)),
});

/** min(max(x, low), high). The gradient passes where low ≤ x ≤ high. */
export const clip = elementwise<{ low: number; high: number }>({
  name: "clip",
  monotone: true,
  f: ([x], { low, high }) => Math.min(Math.max(x!, low), high),
  wgsl: ([x], { low, high }) => `clamp(${x}, ${literal(low)}, ${literal(high)})`,
  gradient: ([d], { inputs: [x], outputs: [y] }) => [d!.where(y!.equal(x!), 0)],
});

/** Whether x is neither ±∞ nor NaN. By its bits: shader compilers may assume that no such value occurs. */
export const finite = elementwise({
  name: "finite",
  dtype: () => "bool",
  f: ([x]) => Number(Number.isFinite(x)),
  wgsl: ([x]) => `((bitcast<u32>(${x}) & 0x7f800000u) != 0x7f800000u)`,
  gradient: null,
});

export const not = unary({
  name: "not",
  takes: ["bool"],
  f: (x) => Number(!x),
  wgsl: (x) => `!(${x})`,
  gradient: null,
});

const wgslType: Record<DType, string> = { f32: "f32", i32: "i32", u32: "u32", u8: "u32", bool: "bool" };

/** To another dtype. f32 to an integer drops the fraction and stays within the range; between integers the low bits stay;
 *  anything but 0 is true. */
export const cast = elementwise<{ dtype: DType }>({
  name: "cast",
  takes: ["f32", "i32", "u32", "u8", "bool"],
  dtype: (_, { dtype }) => dtype,
  f: ([x], { dtype }, from) => {
    if (dtype === "f32") return x!;
    if (dtype === "bool") return Number(x !== 0);
    if (from !== "f32") return x!; // the array that it is stored in keeps the low bits
    const [low, high] = ranges[dtype];
    return Math.trunc(Math.min(Math.max(x!, low), high));
  },
  wgsl: ([x], { dtype }, [from]) => {
    if (dtype === "u8") return from === "f32" ? `u32(clamp(${x}, 0.0f, 255.0f))` : `(u32(${x}) & 255u)`;
    // CPUs convert signed integers in one instruction, unsigned ones in several
    return dtype === "f32" && from === "u8" ? `f32(i32(${x}))` : `${wgslType[dtype]}(${x})`;
  },
  gradient: null, // integers carry no gradient, and f32 to f32 is not made
});

// of f32 values cast to an integer dtype: the largest f32 in its range is the upper end
const ranges = { i32: [-2147483648, 2147483520], u32: [0, 4294967040], u8: [0, 255] } as const;
