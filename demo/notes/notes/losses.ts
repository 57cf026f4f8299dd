// Note: one output between 0 and 1: squared error and binary cross-entropy.
import { checkGradients, grad, type Tensor } from "wgrad";
import { chart } from "../../common/chart.ts";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { relativeDifference } from "../checks.ts";
import { choice, controls, signed, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import type { Note } from "../note.ts";

type Inputs = Record<"z" | "y", Tensor>;

/** Points of the curves, the slider's z last. */
const points = 81;
const curve = (i: number) => -6 + (12 * i) / (points - 1);

export const losses: Note = {
  id: "losses",
  title: "Yes or no: which cost?",
  text: [
    "A single yes or no is one logit through a sigmoid, $\\hat y = \\sigma(z)$. Two costs offer themselves, squared error and *binary cross-entropy*:",
    "$$C_2 = \\tfrac12(\\hat y - y)^2, \\qquad C_\\times = -\\bigl(y\\log\\hat y + (1-y)\\log(1-\\hat y)\\bigr)$$",
    "$$\\delta_2 = (\\hat y - y) \\had \\hat y \\had (1-\\hat y), \\qquad \\delta_\\times = \\hat y - y$$",
    "Move $z$ far to the wrong side. Squared error has gone flat: the worse the mistake, the less it learns. Cross-entropy pulls with all its might.",
  ],
  slip: "The minus sign of cross-entropy is easily lost. Without it the cost is the likelihood, and going down its slope would unlearn: the derivative points the other way.",
  async mount({ device, checks, add }) {
    let at = -3;
    let y = 1;
    const z = () => array([points + 1], (i) => (i < points ? curve(i) : at));
    const lines = [
      { label: "squared error", color: "second" },
      { label: "cross-entropy", color: "accent" },
      { label: "here", color: "second", points: true },
      { label: "and here", color: "accent", points: true },
    ] as const;
    const shared = { x: "z", height: 170, formatX: (v: number) => signed(v, v % 1 ? 1 : 0) };
    const costs = chart({ ...shared, title: "Cost over z", lines, range: [-0.2, 6.2] });
    const slopes = chart({ ...shared, title: "δ over z", lines, range: [-1.1, 1.1] });
    const here = h("p", { className: "numbers" });

    const squared = ({ z, y }: Inputs) => z.sigmoid().sub(y).square().mul(0.5);
    // −(y log σ + (1 − y) log(1 − σ)) without the logarithm of nought
    const cross = ({ z, y }: Inputs) => z.softplus().sub(z.mul(y));
    const f = (inputs: Inputs) => {
      const { z, y } = inputs;
      const p = z.sigmoid();
      const [c2, cx] = [squared(inputs), cross(inputs)];
      const likelihood = y.mul(p.log()).add(y.neg().add(1).mul(p.neg().add(1).log()));
      return {
        ...{ c2, cx, d2: p.sub(y).mul(p).mul(p.neg().add(1)), dx: p.sub(y) },
        r2: grad(c2.sum(), [z])[0] as Tensor,
        rx: grad(cx.sum(), [z])[0] as Tensor,
        signless: grad(likelihood.sum(), [z])[0] as Tensor,
      };
    };
    const live = new Live(device, f, { z: z(), y: array([1], [y]) }, (o) => {
      // the curve with the slider's point put in where it belongs
      const before = Array.from({ length: points }, (_, i) => curve(i)).filter((x) => x <= at).length;
      const inOrder = (list: readonly number[]) => [
        ...list.slice(0, before),
        last(list),
        ...list.slice(before, points),
      ];
      const mark = (list: readonly number[]) => inOrder(list).map((v, i) => (i === before ? v : null));
      const xs = inOrder([...Array.from({ length: points }, (_, i) => curve(i)), at]);
      costs.set([xs, inOrder(o.c2), inOrder(o.cx), mark(o.c2), mark(o.cx)]);
      slopes.set([xs, inOrder(o.d2), inOrder(o.dx), mark(o.d2), mark(o.dx)]);
      here.textContent = `At z = ${signed(at)}: squared error ${number(last(o.c2))} with δ = ${signed(last(o.d2), 3)}; cross-entropy ${number(last(o.cx))} with δ = ${signed(last(o.dx), 3)}.`;
      checks.soon(() => {
        const values = [array([1], [at]), live.values.y];
        const check = (cost: (i: Inputs) => Tensor) =>
          checkGradients((z, y) => cost({ z: z!, y: y! }), values, { wrt: [0] });
        return [
          { kind: "differences", check: check((i) => squared(i)) },
          { kind: "differences", check: check((i) => cross(i)) },
          {
            kind: "equal",
            label: "$\\delta_2$ and reverse mode, all along the curve",
            error: relativeDifference(o.d2, o.r2),
          },
          {
            kind: "equal",
            label: "$\\delta_\\times$ and reverse mode, all along the curve",
            error: relativeDifference(o.dx, o.rx),
          },
          { kind: "wrong", label: "cross-entropy without its minus sign", error: relativeDifference(o.signless, o.rx) },
        ];
      });
    });
    await live.start();
    add(
      controls(
        slider({
          ...{ label: "$z$", name: "logit", min: -6, max: 6, step: 0.1, value: at },
          onInput(v) {
            at = v;
            live.set({ z: z() });
          },
        }).element,
        choice(
          "the truth",
          [
            ["1", "y = 1"],
            ["0", "y = 0"],
          ],
          String(y),
          (v) => {
            y = Number(v);
            live.set({ y: array([1], [y]) });
          },
        ),
      ),
      costs.element,
      slopes.element,
      here,
    );
  },
};

const last = (list: readonly number[]) => list[points] as number;
