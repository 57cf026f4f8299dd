// WGSL of the error function, and of sine and cosine: long polynomials, which come with the graphs that have them (Op.functions). All are those of
// Cephes' single-precision functions (S. Moshier, https://netlib.org/cephes, 1992).

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
};
