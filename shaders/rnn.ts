// The cell h' = f(x + h·Wh), f = tanh or relu.
import type { Cell } from "./recurrence.ts";

export const rnn = (activation: "tanh" | "relu"): Cell => ({
  gates: 1,
  saved: 0,
  memory: false,
  forward: `let hNext = ${activation === "tanh" ? "tanh_v(x0 + a0)" : "max(x0 + a0, V())"};`,
  backward: `let d0 = ${activation === "tanh" ? "dh * (V(1.0f) - hNext * hNext)" : "select(V(), dh, hNext > V())"};`,
});
