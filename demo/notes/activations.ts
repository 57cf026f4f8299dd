// Activations of the notes, with the derivatives that the formulas use.
import type { Tensor } from "wgrad";

export interface Activation {
  readonly tex: string;
  readonly f: (z: Tensor) => Tensor;
  /** f′(z), from z and a = f(z). */
  readonly derivative: (z: Tensor, a: Tensor) => Tensor;
}

export const activations = {
  tanh: { tex: "\\tanh", f: (z) => z.tanh(), derivative: (_, a) => a.square().neg().add(1) },
  sigmoid: { tex: "\\sigma", f: (z) => z.sigmoid(), derivative: (_, a) => a.mul(a.neg().add(1)) },
  softplus: { tex: "\\log(1+e^z)", f: (z) => z.softplus(), derivative: (z) => z.sigmoid() },
  relu: { tex: "\\max(0,\\cdot)", f: (z) => z.relu(), derivative: (z) => z.greater(0).cast("f32") },
} satisfies Record<string, Activation>;

export type ActivationName = keyof typeof activations;

export const activationChoices = [
  ["tanh", "tanh"],
  ["sigmoid", "sigmoid"],
  ["softplus", "softplus"],
  ["relu", "ReLU"],
] as const satisfies readonly (readonly [ActivationName, string])[];
