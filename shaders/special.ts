// WGSL of functions that come with the graphs that call them (Op.functions). The polynomials of the error function, sine and cosine are those of
// Cephes' single-precision functions (S. Moshier, https://netlib.org/cephes, 1992), with the digits that f32 holds. WGSL's own sine may be off by 2⁻¹¹.

/** Name → complete source, as in math.ts. */
export const functions: Record<string, string> = {
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
  return x * ((((((7.8538615e-5f * z - 8.0101937e-4f) * z + 5.1883277e-3f) * z - 2.6853813e-2f) * z + 1.12835854e-1f) * z - 3.7612626e-1f) * z + 1.1283791f);
}`,
  // erfc(x) for x ≥ 1; zero in f32 beyond 10.06.
  erfc_tail: `
fn erfc_tail(x: f32) -> f32 {
  let a = clamp(x, 1.0f, 12.0f);
  let q = 1.0f / a;
  let y = q * q;
  let near = (((((((2.32682e-2f * y - 1.3870394e-1f) * y + 3.6874247e-1f) * y - 5.824733e-1f) * y + 6.2100047e-1f) * y - 4.9445152e-1f) * y + 3.40488e-1f) * y - 2.741127e-1f) * y + 5.6382596e-1f;
  let far = ((((((-1.0477664e1f * y + 1.29772e1f) * y - 7.4955187f) * y + 2.921019f) * y - 1.0152652f) * y + 4.2184633e-1f) * y - 2.8207675e-1f) * y + 5.641895e-1f;
  return exp(-a * a) * q * select(far, near, a < 2.0f);
}`,

  // Cephes sinf and cosf: x − k·π/2 with π/2 in three parts (Cody and Waite), then one of two polynomials. `phase` counts
  // quarter turns: sine 0, cosine 1. Absolute error about 1e-7 for |x| < 8192; it grows with |x| beyond, within [−1, 1].
  sine: `
fn sine(x: f32, phase: i32) -> f32 {
  let k = round(x * 0.63661975f);
  let r = clamp(((x - k * 1.5703125f) - k * 4.837513e-4f) - k * 7.54979e-8f, -0.79f, 0.79f);
  let z = r * r;
  let odd = ((-1.9515296e-4f * z + 8.332161e-3f) * z - 1.6666655e-1f) * z * r + r;
  let even = ((2.4433157e-5f * z - 1.3887316e-3f) * z + 4.1666646e-2f) * z * z - 0.5f * z + 1.0f;
  let quarter = (i32(k) + phase) & 3;
  let s = select(odd, even, (quarter & 1) == 1);
  return select(s, -s, quarter >= 2);
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
