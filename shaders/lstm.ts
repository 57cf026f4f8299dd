// The cell c' = f∘c + i∘g, h' = o∘tanh(c'), with i, f, o = σ and g = tanh of x + h·Wh. It keeps the gates; dc∘f is carried back.
// Through peepholes p [3,H] i and f see c, o sees c', each by a weight a unit.
import type { Cell } from "./recurrence.ts";

export const lstm: Cell = {
  gates: 4,
  saved: 4,
  memory: true,
  forward: `let s0 = sigmoid_v(x0 + a0);
let s1 = sigmoid_v(x1 + a1);
let s2 = tanh_v(x2 + a2);
let s3 = sigmoid_v(x3 + a3);
let cNext = s1 * c + s0 * s2;
let hNext = s3 * tanh_v(cNext);`,
  backward: `let squashed = tanh_v(cNext);
let dcell = dc + carry + dh * s3 * (V(1.0f) - squashed * squashed);
let d0 = dcell * s2 * s0 * (V(1.0f) - s0);
let d1 = dcell * c * s1 * (V(1.0f) - s1);
let d2 = dcell * s0 * (V(1.0f) - s2 * s2);
let d3 = dh * squashed * s3 * (V(1.0f) - s3);
let carryNext = dcell * s1;`,
};

/** `peepholes` is the array p, of `hv` vectors a gate. */
export const lstmWithPeepholes = (peepholes: string, hv: number): Cell => {
  const p = (gate: number) => `${peepholes}[${gate * hv}u + u]`;
  return {
    ...lstm,
    forward: `let s0 = sigmoid_v(x0 + a0 + c * ${p(0)});
let s1 = sigmoid_v(x1 + a1 + c * ${p(1)});
let s2 = tanh_v(x2 + a2);
let cNext = s1 * c + s0 * s2;
let s3 = sigmoid_v(x3 + a3 + cNext * ${p(2)});
let hNext = s3 * tanh_v(cNext);`,
    backward: `let squashed = tanh_v(cNext);
let d3 = dh * squashed * s3 * (V(1.0f) - s3);
let dcell = dc + carry + dh * s3 * (V(1.0f) - squashed * squashed) + d3 * ${p(2)};
let d0 = dcell * s2 * s0 * (V(1.0f) - s0);
let d1 = dcell * c * s1 * (V(1.0f) - s1);
let d2 = dcell * s0 * (V(1.0f) - s2 * s2);
let carryNext = dcell * s1 + d0 * ${p(0)} + d1 * ${p(1)};`,
  };
};
