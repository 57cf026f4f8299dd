// The operators of ai.onnx.preview.training: one step for several tensors. R is the rate, T how many steps came before; then all X, all
// gradients, and all of each state. ONNX adds norm_coefficient·X to the gradient.

import type { Attributes } from "../../../onnx/attributes.ts";
import type { Builder, Operator } from "../../../onnx/operator.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import type { Tensor } from "../../../tensor.ts";
import { CaseError } from "../case.ts";

/** New X and new states, from X, its gradient and its states. */
type Step = (x: Tensor, g: Tensor, states: readonly Tensor[], rate: Tensor, t: number, a: Attributes) => Tensor[];

const optimizer =
  (states: number, step: Step): Builder =>
  (n: Operator) => {
    const count = (n.count - 2) / (2 + states);
    if (!Number.isInteger(count) || count < 1) throw new CaseError(`${n.count} arguments do not fit the operator`);
    const a = n.attributes;
    const decay = a.number("norm_coefficient", 0);
    const t = n.values(1)![0]!;
    const results = Array.from({ length: count }, (_, i) => {
      const [x, g, ...rest] = Array.from({ length: 2 + states }, (_, k) => n.get(2 + i + k * count)) as [
        Tensor,
        Tensor,
      ];
      return step(x, decay === 0 ? g : g.add(x.mul(decay)), rest, n.get(0), t, a);
    });
    return Array.from({ length: 1 + states }, (_, k) => results.map((r) => r[k]!)).flat();
  };

const adagrad: Step = (x, g, [h], rate, t, a) => {
  const sum = h!.add(g.square());
  const r = rate.div(1 + t * a.number("decay_factor", 0));
  return [x.sub(r.mul(g).div(sum.sqrt().add(a.number("epsilon", 1e-6)))), sum];
};

const adam: Step = (x, g, [v, h], rate, t, a) => {
  const [alpha, beta] = [a.number("alpha", 0.9), a.number("beta", 0.999)];
  const first = v!.mul(alpha).add(g.mul(1 - alpha));
  const second = h!.mul(beta).add(g.square().mul(1 - beta));
  const r = t > 0 ? rate.mul(Math.sqrt(1 - beta ** t) / (1 - alpha ** t)) : rate;
  const next = x.sub(r.mul(first).div(second.sqrt().add(a.number("epsilon", 1e-6))));
  return [next.mul(1 - a.number("norm_coefficient_post", 0)), first, second];
};

const momentum: Step = (x, g, [v], rate, t, a) => {
  const [alpha, mode] = [a.number("alpha"), a.text("mode")];
  if (mode !== "standard" && mode !== "nesterov") throw new UnsupportedError(`mode ${mode}`);
  const next = v!.mul(alpha).add(g.mul(t > 0 ? a.number("beta") : 1));
  const direction = mode === "nesterov" ? g.add(next.mul(alpha)) : next;
  return [x.sub(rate.mul(direction)), next];
};

export const optimization: Readonly<Record<string, Builder>> = {
  Adagrad: optimizer(1, adagrad),
  Adam: optimizer(2, adam),
  Momentum: optimizer(1, momentum),
};
