// Truncated backpropagation through time in the (k₁, k₂) form (Williams and Peng, Neural Computation 2, 1990): the outputs of every k₁ steps
// send their gradient back through the last k₂ steps and no further. k₂ = k₁ is windows with the state detached between them (`stateful`
// layers do that across batches); k₁ = 1 is the sliding window; k₂ ≥ T the full gradient.
import { ValueError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import { concat, type Tensor } from "../tensor.ts";
import type { Context, Variables } from "./layer.ts";
import { detached, type RecurrentLayer, type RunInputs } from "./recurrentLayers.ts";

/** How far gradients go back in time. */
export interface Truncation {
  /** Steps between two backward passes. */
  readonly k1: number;
  /** At least k1. */
  readonly k2: number;
}

/** The outputs [B, T, H] of a layer that returns the sequence, in one direction: the values are those of its run, the gradients are
 *  truncated. Windows that begin inside the sequence begin from its states, held constant. Throws ValueError. */
export function truncated(
  layer: RecurrentLayer,
  variables: Variables<Tensor>,
  x: Tensor,
  context: Context,
  { k1, k2 }: Truncation,
  { initial }: Pick<RunInputs, "initial"> = {},
): Tensor {
  if (!Number.isInteger(k1) || !Number.isInteger(k2) || k1 < 1 || k2 < k1)
    throw new ValueError(`truncated: k1 and k2 must be integers with 1 ≤ k1 ≤ k2, got ${k1} and ${k2}; correct them`);
  const given = initial ? { initial } : {};
  const { y: whole, states } = layer.run(variables, x, context, given);
  const [B, T, F] = x.shape as [number, number, number];
  const units = states.at(-1)!.hs.shape[2];
  if (whole.rank !== 3 || whole.shape[2] !== units)
    throw new ValueError(
      `truncated: the layer gives ${printType(whole.type)} (vs f32[${B},${T},${units}]); let it return the sequence, in one direction`,
    );
  const at = (all: Tensor, t: number) => all.slice([t, 0, 0], [t + 1, B, all.shape[2]!]).squeeze(0);
  const parts: Tensor[] = [];
  for (let from = 0; from < T; from += k1) {
    const to = Math.min(from + k1, T);
    const start = Math.max(0, from + k1 - k2);
    const before = states.map(({ hs, cs }) => detached({ h: at(hs, start), ...(cs ? { c: at(cs, start) } : {}) }));
    const inputs = start === 0 ? given : { initial: before };
    const window = x.slice([0, start, 0], [B, to, F]);
    const { y } = layer.run(variables, window, context, { ...inputs, within: { start, steps: T } });
    parts.push(y.slice([0, from - start, 0]));
  }
  return concat(parts, 1);
}
