// WGSL functions that elementwise expressions call: the ones WGSL lacks, and the ones whose built-in may be off by far
// more than rounding (WGSL allows tanh an absolute error of 1e-5 and sin one of 2⁻¹¹).
// Polynomials are those of Cephes' single-precision functions (S. Moshier, https://netlib.org/cephes, 1992).

/** Name → complete source. A module that calls a function carries it, and those that it calls. */
export const functions: Record<string, string> = {
  // Cephes tanhf. The argument is clamped: beyond 9.02 the result is ±1, and exp(2·44) would overflow.
  tanh_safe: `
fn tanh_safe(x: f32) -> f32 {
  let z = x * x;
  let p = (((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z - 3.33332819422e-1f;
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

  // Cephes erff and erfcf. In f32 arithmetic erf is off by at most 1.4e-7, erfc by 1e-6 of itself below 2.
  erf: `
fn erf(x: f32) -> f32 {
  let large = 1.0f - erfc_tail(abs(x));
  return select(select(large, -large, x < 0.0f), erf_small(x), abs(x) < 1.0f);
}`,
  erfc: `
fn erfc(x: f32) -> f32 {
  let tail = erfc_tail(abs(x));
  return select(select(tail, 2.0f - tail, x < 0.0f), 1.0f - erf_small(x), abs(x) < 1.0f);
}`,
  erf_small: `
fn erf_small(x: f32) -> f32 {
  let z = x * x;
  return x * ((((((7.853861353153693e-5f * z - 8.010193625184903e-4f) * z + 5.188327685732524e-3f) * z - 2.685381193529856e-2f) * z + 1.128358514861418e-1f) * z - 3.761262582423300e-1f) * z + 1.128379165726710f);
}`,
  // erfc(x) for x ≥ 1; zero in f32 beyond 10.06.
  erfc_tail: `
fn erfc_tail(x: f32) -> f32 {
  let a = clamp(x, 1.0f, 12.0f);
  let q = 1.0f / a;
  let y = q * q;
  let near = (((((((2.326819970068386e-2f * y - 1.387039388740657e-1f) * y + 3.687424674597105e-1f) * y - 5.824733027278666e-1f) * y + 6.210004621745983e-1f) * y - 4.944515323274145e-1f) * y + 3.404879937665872e-1f) * y - 2.741127028184656e-1f) * y + 5.638259427386472e-1f;
  let far = ((((((-1.047766399936249e1f * y + 1.297719955372516e1f) * y - 7.495518717768503f) * y + 2.921019019210786f) * y - 1.015265279202700f) * y + 4.218463358204948e-1f) * y - 2.820767439740514e-1f) * y + 5.641895067754075e-1f;
  return exp(-a * a) * q * select(far, near, a < 2.0f);
}`,

  // Cephes sinf and cosf: x − k·π/2 with π/2 in three parts (Cody and Waite), then one of two polynomials. `phase` counts
  // quarter turns: sine 0, cosine 1. Absolute error about 1e-7 for |x| < 8192; it grows with |x| beyond, within [−1, 1].
  sine: `
fn sine(x: f32, phase: i32) -> f32 {
  let k = round(x * 0.6366197723675814f);
  let r = clamp(((x - k * 1.5703125f) - k * 4.837512969970703e-4f) - k * 7.549789948768648e-8f, -0.79f, 0.79f);
  let z = r * r;
  let odd = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * r + r;
  let even = ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z - 0.5f * z + 1.0f;
  let quarter = (i32(k) + phase) & 3;
  let s = select(odd, even, (quarter & 1) == 1);
  return select(s, -s, quarter >= 2);
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
