// Note: errors flow back.
import { checkGradients, grad, type Tensor } from "wgrad";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { type ActivationName, activations } from "../activations.ts";
import { relativeDifference } from "../checks.ts";
import { button, choice, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { equation, picture } from "../matrix.ts";
import type { Note } from "../note.ts";
import { Random } from "../random.ts";

type Inputs = Record<"x" | "w1" | "b1" | "w2" | "b2" | "y", Tensor>;

const random = new Random(11);
const weights = () => ({
  x: array([3, 1], random.list(3)),
  w1: array([3, 3], random.list(9, -1.5, 1.5)),
  b1: array([3, 1], random.list(3, -0.5, 0.5)),
  w2: array([3, 3], random.list(9, -1.5, 1.5)),
  b2: array([3, 1], random.list(3, -0.5, 0.5)),
});

export const delta: Note = {
  id: "delta",
  title: "Errors flow back",
  text: [
    "How does the cost $C$ change when a sum $z$ does? Call that $\\delta = \\d C/\\d z$. At the last layer it follows from the cost; for $C = \\tfrac12\\lVert \\hat y - y\\rVert^2$",
    "$$\\delta^{(L)} = (\\hat y - y) \\had f'(z^{(L)})$$",
    "One layer earlier, a neuron has erred through all that it feeds, each by the weight between them. So δ goes back through the same matrix, transposed, and through the slope of the bend:",
    "$$\\delta^{(l-1)} = \\bigl(\\theta_1^{(l)}\\bigr)\\T \\delta^{(l)} \\had f'(z^{(l-1)})$$",
    "Again one kernel: a matrix product whose epilogue multiplies by $f'$.",
  ],
  slip: "$\\had$ is the Hadamard product, element by element; it is sometimes called a Kronecker product, which would make a 3-vector and a 3-vector a 9-vector. And without the transpose the formula is wrong, even where the shapes fit: the last check shows it.",
  async mount({ device, checks, add }) {
    let name: ActivationName = "tanh";
    const y = [0.9, -0.3, 0.2];
    const [theta, last, back, slope, first] = [
      picture({ label: "$(\\theta^{(2)})\\T$", name: "weights of the second layer, transposed", rows: 3, cols: 3 }),
      picture({ label: "$\\delta^{(2)}$", name: "delta of the last layer", rows: 3, cols: 1 }),
      picture({ label: "", name: "their product", rows: 3, cols: 1 }),
      picture({ label: "$f'(z^{(1)})$", name: "slopes", rows: 3, cols: 1, scale: 1 }),
      picture({ label: "$\\delta^{(1)}$", name: "delta of the first layer", rows: 3, cols: 1 }),
    ] as const;
    const cost = h("b", { className: "numbers" });

    const run = ({ x, w1, b1, w2, b2, y }: Inputs) => {
      const { f, derivative } = activations[name];
      const z1 = w1.matmul(x).add(b1);
      const a1 = f(z1);
      const z2 = w2.matmul(a1).add(b2);
      const a2 = f(z2);
      const c = a2.sub(y).square().sum().mul(0.5);
      return { z1, a1, z2, a2, c, derivative };
    };
    const f = (inputs: Inputs) => {
      const { z1, a1, z2, a2, c, derivative } = run(inputs);
      const d2 = a2.sub(inputs.y).mul(derivative(z2, a2));
      const slope = derivative(z1, a1);
      const back = inputs.w2.transpose().matmul(d2);
      const [g1, g2] = grad(c, [z1, z2]) as [Tensor, Tensor];
      return {
        c,
        d2,
        back,
        slope,
        d1: back.mul(slope),
        untransposed: inputs.w2.matmul(d2).mul(slope),
        g1,
        g2,
        transposed: inputs.w2.transpose(),
      };
    };
    const live = new Live(device, f, { ...weights(), y: array([3, 1], y) }, (o) => {
      theta.set(o.transposed);
      last.set(o.d2);
      back.set(o.back);
      slope.set(o.slope);
      first.set(o.d1);
      cost.textContent = number(o.c[0] as number);
      checks.soon(() => [
        {
          kind: "differences",
          check: checkGradients(
            (x, w1, b1, w2, b2, y) => run({ x: x!, w1: w1!, b1: b1!, w2: w2!, b2: b2!, y: y! }).c,
            (["x", "w1", "b1", "w2", "b2", "y"] as const).map((k) => live.values[k]),
            { wrt: [0, 1, 2, 3, 4] },
          ),
        },
        { kind: "equal", label: "$\\delta^{(2)}$ and reverse mode", error: relativeDifference(o.d2, o.g2) },
        { kind: "equal", label: "$\\delta^{(1)}$ and reverse mode", error: relativeDifference(o.d1, o.g1) },
        {
          kind: "wrong",
          label: "$\\delta^{(1)}$ without the transpose",
          error: relativeDifference(o.untransposed, o.g1),
        },
      ]);
    });
    await live.start();
    add(
      controls(
        ...y.map(
          (value, i) =>
            slider({
              ...{ label: `$y_${i + 1}$`, name: `target ${i + 1}`, min: -1, max: 1, step: 0.05, value },
              onInput(v) {
                y[i] = v;
                live.set({ y: array([3, 1], y) });
              },
            }).element,
        ),
        choice(
          "$f$",
          [
            ["tanh", "tanh"],
            ["sigmoid", "sigmoid"],
            ["softplus", "softplus"],
          ],
          name,
          (n) => {
            name = n;
            void live.start();
          },
        ),
        button("Another net", () => live.set(weights())),
      ),
      h("p", {}, "The cost is ", cost, "."),
      equation(
        theta.element,
        "$\\cdot$",
        last.element,
        "$=$",
        back.element,
        "$\\had$",
        slope.element,
        "$=$",
        first.element,
      ),
    );
  },
};
