// WGSL functions that elementwise expressions of most nets call: WGSL has no sigmoid, and allows tanh an absolute error of 1e-5. Others come with
// the graphs that call them (special.ts).

/** Name → complete source. A module that calls a function carries it, and those that it calls. */
export const functions: Record<string, string> = {
  // tanhf of Cephes (S. Moshier, https://netlib.org/cephes, 1992), with the digits that f32 holds. The argument is clamped: beyond 9.02 the result
  // is ±1, and exp(2·44) would overflow.
  tanh_safe: `
fn tanh_safe(x: f32) -> f32 {
  let z = x * x;
  let p = (((-5.7049887e-3f * z + 2.0639088e-2f) * z - 5.3739715e-2f) * z + 1.3331442e-1f) * z - 3.333328e-1f;
  let large = 1.0f - 2.0f / (exp(2.0f * min(abs(x), 9.02f)) + 1.0f);
  return select(select(large, -large, x < 0.0f), p * z * x + x, abs(x) < 0.625f);
}`,

  // 1 / (1 + e⁻ˣ); the exponential never overflows.
  sigmoid: `
fn sigmoid(x: f32) -> f32 {
  let e = exp(-abs(x));
  return select(e, 1.0f, x >= 0.0f) / (1.0f + e);
}`,
};
