// Note: the gradient of weights is an outer product.
import { checkGradients, grad, type Tensor } from "wgrad";
import { relativeDifference } from "../checks.ts";
import { controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { equation, field, picture } from "../matrix.ts";
import type { Note } from "../note.ts";

type Inputs = Record<"theta" | "delta" | "a" | "counts", Tensor>;

/** Examples in the batch, at most. */
const most = 3;

export const outer: Note = {
  id: "outer",
  title: "A weight’s share: δ aᵀ",
  text: [
    "A weight multiplies what its neuron saw. If the sum should move by $\\delta_i$ and the input was $a_j$, then that weight's share is their product: the gradient is an *outer product*, a row for each neuron, a column for each input.",
    "$$\\frac{\\d C}{\\d\\theta_1} = \\delta\\, a\\T, \\qquad \\frac{\\d C}{\\d\\theta_0} = \\delta$$",
    "For a batch the shares add up. With an example a column, that sum is again one matrix product:",
    "$$\\sum_b \\delta_b\\, a_b\\T = \\Delta A\\T$$",
    "This product, the *weight gradient*, is what this library is named after. Type into δ and a.",
  ],
  async mount({ device, checks, add }) {
    let batch = 1;
    const counts = () => array([1, most], (b) => (b < batch ? 1 : 0));
    const values = {
      theta: array([3, 4], (i) => Math.sin(i)),
      delta: array([3, most], [0.5, -0.3, 0.8, -1, 0.6, 0.1, 0.2, 0.9, -0.4]),
      a: array([4, most], [1, -0.6, 0.2, 0.5, 0.4, -0.9, -0.8, 0.1, 0.7, 0.3, -0.2, 1]),
      counts: counts(),
    };
    const gradient = picture({ label: "$\\d C/\\d\\theta_1$", name: "gradient of the weights", rows: 3, cols: 4 });
    const bias = picture({ label: "$\\d C/\\d\\theta_0$", name: "gradient of the biases", rows: 3, cols: 1 });
    // a cost whose derivative by z = θa is δ
    const cost = ({ theta, delta, a, counts }: Inputs) => theta.matmul(a).mul(delta.mul(counts)).sum();
    const f = (inputs: Inputs) => {
      const { delta, a, counts, theta } = inputs;
      const counted = delta.mul(counts);
      return {
        outer: counted.matmul(a.transpose()),
        bias: counted.sum(1, true),
        reverse: grad(cost(inputs), [theta])[0] as Tensor,
      };
    };
    const live = new Live(device, f, values, (o) => {
      gradient.set(o.outer);
      bias.set(o.bias);
      checks.soon(() => [
        {
          kind: "differences",
          check: checkGradients(
            (theta, delta, a, counts) => cost({ theta: theta!, delta: delta!, a: a!, counts: counts! }),
            (["theta", "delta", "a", "counts"] as const).map((k) => live.values[k]),
            { wrt: [0] },
          ),
        },
        { kind: "equal", label: "$\\Delta A\\T$ and reverse mode", error: relativeDifference(o.outer, o.reverse) },
      ]);
    });
    const delta = field({
      ...{
        label: "$\\Delta$, an example a column",
        name: "delta",
        rows: 3,
        cols: most,
        values: [...values.delta.data],
      },
      onChange: (v) => live.set({ delta: array([3, most], v) }),
    });
    const a = field({
      ...{ label: "$A$, an example a column", name: "activations", rows: 4, cols: most, values: [...values.a.data] },
      onChange: (v) => live.set({ a: array([4, most], v) }),
    });
    const fade = () => {
      for (const { element } of [delta, a])
        element.querySelectorAll("input").forEach((input, i) => {
          input.disabled = i % most >= batch;
        });
    };
    fade();
    await live.start();
    add(
      controls(
        slider({
          ...{
            label: "examples",
            name: "examples in the batch",
            min: 1,
            max: most,
            step: 1,
            value: batch,
            format: String,
          },
          onInput(v) {
            batch = v;
            fade();
            live.set({ counts: counts() });
          },
        }).element,
      ),
      equation(delta.element, "$\\cdot$", a.element, "$\\!\\T$"),
      equation("$=$", gradient.element, "$,$", bias.element),
    );
  },
};
