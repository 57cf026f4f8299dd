// Special functions: in float64, for the references, and their WGSL, which comes with graphs that have them.

/** Op.functions of what calls one of them. */
export const specialFunctions = async () => (await import("../../shaders/special.ts")).functions;

/** The error function, good to about 1e-15. */
export function erf(x: number): number {
  return Math.abs(x) < 2 ? erfSeries(x) : Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
}

/** 1 − erf(x), with its relative precision kept for large x. */
export function erfc(x: number): number {
  if (Math.abs(x) < 2) return 1 - erfSeries(x);
  return x > 0 ? erfcFraction(x) : 2 - erfcFraction(-x);
}

/** 2/√π·e^(−x²)·Σₙ 2ⁿx²ⁿ⁺¹ / (1·3·…·(2n+1)): no term cancels another (DLMF 7.6.2). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 3⁄2/(x + …)))), for x ≥ 2 (DLMF 7.9.1). */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 120; n > 0; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
}
