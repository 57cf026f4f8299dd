// Note: the forward pass.
import { checkGradients, type Tensor } from "wgrad";
import { h } from "../../common/dom.ts";
import { type ActivationName, activationChoices, activations } from "../activations.ts";
import { button, choice, controls, signed, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { equation, picture } from "../matrix.ts";
import { netView } from "../netView.ts";
import type { Note } from "../note.ts";
import { inline } from "../prose.ts";
import { Random } from "../random.ts";

type Inputs = Record<"x" | "w1" | "b1" | "w2" | "b2", Tensor>;

const random = new Random(4);
const weights = () => ({
  w1: array([4, 3], random.list(12)),
  b1: array([4, 1], random.list(4, -0.5, 0.5)),
  w2: array([2, 4], random.list(8)),
  b2: array([2, 1], random.list(2, -0.5, 0.5)),
});

export const forward: Note = {
  id: "forward",
  title: "The forward pass",
  text: [
    "A neuron weighs what it sees, adds a bias and bends the sum. A layer is many neurons that look at the same thing, so its weights are a matrix with a row for each neuron:",
    "$$z = \\theta_1\\, a + \\theta_0, \\qquad a' = f(z)$$",
    "The activations $a'$ of one layer are what the next one sees. Without the bend $f$, any number of layers would be one matrix.",
    "Move the inputs, or choose a neuron to see its sum. wgrad makes one kernel of each layer: bias and bend are applied where the product is stored.",
  ],
  async mount({ device, checks, add }) {
    let name: ActivationName = "tanh";
    let chosen = 0;
    const x = [0.8, -0.4, 0.5];
    const sum = h("p", { className: "sum", attr: { "aria-live": "polite" } });
    let explain = () => {};
    const net = netView([3, 4, 2], (neuron) => {
      chosen = neuron;
      explain();
    });
    const [theta, a, bias, z, out] = [
      picture({ label: "$\\theta_1$", name: "weights of the first layer", rows: 4, cols: 3 }),
      picture({ label: "$a$", name: "inputs", rows: 3, cols: 1 }),
      picture({ label: "$\\theta_0$", name: "biases", rows: 4, cols: 1 }),
      picture({ label: "$z$", name: "sums", rows: 4, cols: 1 }),
      picture({ label: "$f(z)$", name: "activations", rows: 4, cols: 1, scale: 1 }),
    ] as const;
    const f = ({ x, w1, b1, w2, b2 }: Inputs) => {
      const bend = activations[name].f;
      const z1 = w1.matmul(x).add(b1);
      const a1 = bend(z1);
      const z2 = w2.matmul(a1).add(b2);
      return { z1, a1, z2, a2: bend(z2) };
    };
    const names = ["x", "w1", "b1", "w2", "b2"] as const;
    const live = new Live(device, f, { ...weights(), x: array([3, 1], x) }, (o, { x, w1, b1, w2, b2 }) => {
      theta.set(w1.data);
      a.set(x.data);
      bias.set(b1.data);
      z.set(o.z1);
      out.set(o.a1);
      net.set([[...x.data], o.a1, o.a2], [[...w1.data], [...w2.data]]);
      const first = { w: w1.data, b: b1.data, seen: [...x.data], z: o.z1, a: o.a1 };
      const second = { w: w2.data, b: b2.data, seen: o.a1, z: o.z2, a: o.a2 };
      explain = () => {
        net.choose(chosen);
        sum.replaceChildren(...inline(chosen < 4 ? sumOf(first, chosen) : sumOf(second, chosen - 4)));
      };
      explain();
      checks.soon(() => [
        {
          kind: "differences",
          check: checkGradients(
            (...list) => f(Object.fromEntries(names.map((n, i) => [n, list[i]])) as Inputs).a2,
            names.map((n) => live.values[n]),
          ),
        },
      ]);
    });
    await live.start();
    add(
      controls(
        ...x.map(
          (value, i) =>
            slider({
              ...{ label: `$a_${i + 1}$`, name: `input ${i + 1}`, min: -2, max: 2, step: 0.05, value },
              onInput(v) {
                x[i] = v;
                live.set({ x: array([3, 1], x) });
              },
            }).element,
        ),
        choice("$f$", activationChoices, name, (n) => {
          name = n;
          void live.start();
        }),
        button("Other weights", () => live.set(weights())),
      ),
      net.element,
      sum,
      equation(
        theta.element,
        "$\\cdot$",
        a.element,
        "$+$",
        bias.element,
        "$=$",
        z.element,
        "$\\xrightarrow{f}$",
        out.element,
      ),
    );
  },
};

interface Layer {
  readonly w: ArrayLike<number>;
  readonly b: ArrayLike<number>;
  readonly seen: readonly number[];
  readonly z: readonly number[];
  readonly a: readonly number[];
}

/** A neuron's sum in numbers, as a formula. */
function sumOf({ w, b, seen, z, a }: Layer, i: number): string {
  const plain = (v: number | undefined) => signed(v ?? 0).replace("−", "-");
  const terms = seen.map((v, k) => `${plain(w[i * seen.length + k])}\\cdot ${v < 0 ? `(${plain(v)})` : plain(v)}`);
  const all = [...terms, plain(b[i])].join("+").replaceAll("+-", "-");
  return `$z_${i + 1} = ${all} = ${plain(z[i])}$, and $f(z_${i + 1}) = ${plain(a[i])}$.`;
}
