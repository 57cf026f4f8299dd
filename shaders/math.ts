// WGSL functions that elementwise expressions call: the ones WGSL lacks, and the ones whose built-in may be off by far
// more than rounding (WGSL allows tanh an absolute error of 1e-5 and sin one of 2⁻¹¹).
// Polynomials are those of Cephes' single-precision functions (S. Moshier, https://netlib.org/cephes, 1992),
// with the digits that f32 holds.

/** Name → complete source. A module that calls a function carries it, and those that it calls. */
export const functions: Record<string, string> = {
  // Cephes tanhf. The argument is clamped: beyond 9.02 the result is ±1, and exp(2·44) would overflow.
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

  // log(1 + eˣ) = max(x, 0) + log1p(e) with e = e^−|x| in (0, 1]; log1p(e) = 2·artanh(s), s = e / (2 + e) ≤ ⅓, by its
  // series: nothing cancels, and small e keeps its digits.
  softplus: `
fn softplus(x: f32) -> f32 {
  let e = exp(-abs(x));
  let s = e / (2.0f + e);
  let z = s * s;
  let p = (((((((z / 15.0f + 1.0f / 13.0f) * z + 1.0f / 11.0f) * z + 1.0f / 9.0f) * z + 1.0f / 7.0f) * z + 0.2f) * z + 1.0f / 3.0f) * z + 1.0f);
  return max(x, 0.0f) + 2.0f * s * p;
}`,

  // eˣ − 1 for x ≤ 0 without the cancellation near 0: with t = tanh(x/2) it is 2t / (1 − t), and 1 − t ≥ 1.
  expm1_negative: `
fn expm1_negative(x: f32) -> f32 {
  let t = tanh_safe(0.5f * x);
  return 2.0f * t / (1.0f - t);
}`,

  // xʸ, defined for negative x where y is an integer (WGSL's pow is not). Small integers are multiplied out, which is exact
  // in sign and good to an ulp or two.
  pow_signed: `
fn pow_signed(x: f32, y: f32) -> f32 {
  let whole = floor(y) == y;
  if (whole && abs(y) <= 64.0f) {
    var n = u32(abs(y));
    var base = x;
    var r = 1.0f;
    while (n > 0u) {
      if ((n & 1u) == 1u) { r *= base; }
      base *= base;
      n >>= 1u;
    }
    return select(r, 1.0f / r, y < 0.0f);
  }
  let p = pow(abs(x), y);
  let odd = whole && floor(0.5f * y) * 2.0f != y;
  return select(p, -p, odd && x < 0.0f);
}`,
};
