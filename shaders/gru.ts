// The cell h' = n + z∘(h − n), with r, z = σ(x + h·Wh) and n = tanh(x + r∘q), q = h·Whn + bias. It keeps r, z, n, q; dh'∘z is carried back.
import type { Cell } from "./recurrence.ts";

export const gru: Cell = {
  gates: 3,
  saved: 4,
  memory: false,
  forward: `let s0 = sigmoid_v(x0 + a0);
let s1 = sigmoid_v(x1 + a1);
let s3 = a2 + bias;
let s2 = tanh_v(x2 + s0 * s3);
let hNext = s2 + s1 * (h - s2);`,
  backward: `let dstate = dh + carry;
let e2 = dstate * (V(1.0f) - s1) * (V(1.0f) - s2 * s2);
let e1 = dstate * (h - s2) * s1 * (V(1.0f) - s1);
let e0 = e2 * s3 * s0 * (V(1.0f) - s0);
let d0 = e0;
let d1 = e1;
let d2 = e2 * s0;
let carryNext = dstate * s1;`,
};
