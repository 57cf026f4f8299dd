// Note: softmax and cross-entropy.
import { checkGradients, grad, type Tensor } from "wgrad";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { barsView } from "../bars.ts";
import { relativeDifference } from "../checks.ts";
import { choice, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import type { Note } from "../note.ts";

const classes = ["cat", "dog", "owl", "fox"];

type Inputs = Record<"z" | "y" | "shift", Tensor>;

export const softmax: Note = {
  id: "softmax",
  title: "Softmax and cross-entropy",
  text: [
    "To choose among classes, a net gives each a score $z_k$, a *logit*. Softmax makes probabilities of them, and cross-entropy is the surprise at the right answer $y$:",
    "$$\\hat y_k = \\frac{e^{z_k}}{\\sum_j e^{z_j}}, \\qquad C = -\\sum_k y_k \\log \\hat y_k$$",
    "Their derivatives are ugly one by one and beautiful together. All that is left is what was said less what is true:",
    "$$\\delta = \\hat y - y$$",
    "Computed as written, $e^{z}$ is beyond float32 from $z = 89$ on. Softmax does not change when the largest logit is taken off all of them, so that is done first; loss and δ come from one kernel. Raise all logits and see.",
  ],
  async mount({ device, checks, add }) {
    const z = [1.2, 0.3, -0.8, 0.5];
    let shift = 0;
    let right = 1;
    const y = () => array([1, 4], (k) => (k === right ? 1 : 0));
    const probabilities = barsView("Probabilities", classes, { low: 0, high: 1 });
    const deltas = barsView("δ, what was said less what is true", classes, { low: -1, high: 1 });
    const loss = h("b", { className: "numbers" });
    const naive = h("b", { className: "numbers" });

    const cost = ({ z, y, shift }: Inputs) => z.add(shift).softmaxCrossEntropy(y).sum();
    const f = (inputs: Inputs) => {
      const { z, y, shift } = inputs;
      const raised = z.add(shift);
      const p = raised.softmax();
      const exp = raised.exp();
      return {
        p,
        loss: cost(inputs),
        delta: p.sub(y),
        reverse: grad(cost(inputs), [z])[0] as Tensor,
        naive: exp.div(exp.sum(-1, true)),
      };
    };
    const live = new Live(device, f, { z: array([1, 4], z), y: y(), shift: array([1, 1], [0]) }, (o) => {
      probabilities.set(o.p);
      deltas.set(o.delta);
      loss.textContent = number(o.loss[0] as number);
      const fine = o.naive.every(Number.isFinite) && relativeDifference(o.naive, o.p) < 1e-3;
      naive.textContent = fine ? "the same" : "nonsense: e to that power is beyond its range";
      checks.soon(() => {
        const { z, y, shift } = live.values;
        return [
          {
            kind: "differences",
            check: checkGradients((z, y, shift) => cost({ z: z!, y: y!, shift: shift! }), [z, y, shift], { wrt: [0] }),
          },
          { kind: "equal", label: "$\\hat y - y$ and reverse mode", error: relativeDifference(o.delta, o.reverse) },
        ];
      });
    });
    await live.start();
    add(
      controls(
        ...z.map(
          (value, k) =>
            slider({
              ...{ label: `$z$ ${classes[k]}`, name: `logit of ${classes[k]}`, min: -4, max: 4, step: 0.1, value },
              onInput(v) {
                z[k] = v;
                live.set({ z: array([1, 4], z) });
              },
            }).element,
        ),
        slider({
          ...{
            label: "all logits",
            name: "added to all logits",
            min: 0,
            max: 200,
            step: 1,
            value: shift,
            format: (v) => `+${v}`,
          },
          onInput(v) {
            shift = v;
            live.set({ shift: array([1, 1], [shift]) });
          },
        }).element,
        choice(
          "it is a",
          classes.map((name, k) => [String(k), name] as const),
          String(right),
          (k) => {
            right = Number(k);
            live.set({ y: y() });
          },
        ),
      ),
      h("div", { className: "pair" }, probabilities.element, deltas.element),
      h("p", {}, "The cost is ", loss, ". The formula computed as written gives ", naive, "."),
    );
  },
};
