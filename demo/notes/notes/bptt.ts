// Note: backpropagation through time.
import { checkGradients, concat, grad, type Tensor } from "wgrad";
import { h } from "../../common/dom.ts";
import { barsView } from "../bars.ts";
import { relativeDifference } from "../checks.ts";
import { button, choice, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import { field, picture } from "../matrix.ts";
import type { Note } from "../note.ts";
import { Random } from "../random.ts";

/** Time steps, and units of the state. */
const [steps, units] = [6, 3];
const times = Array.from({ length: steps }, (_, t) => t);

type Inputs = Record<"x" | "wx" | "wh" | "bias" | "scale" | "y" | "each", Tensor>;

const random = new Random(31);
const weights = () => ({
  wx: array([units, 1], random.list(units)),
  wh: array([units, units], random.list(units ** 2, -0.8, 0.8)),
  bias: array([units, 1], random.list(units, -0.2, 0.2)),
  y: array([units, steps], random.list(units * steps, -0.8, 0.8)),
});

/** Column t of a matrix. */
const column = (m: Tensor, t: number): Tensor => m.slice([0, t], [m.shape[0] as number, t + 1]);

/** The net unrolled: states h⁰ … hᵀ, sums z¹ … zᵀ, and the cost L = Σ each⁽ᵗ⁾·½‖h⁽ᵗ⁾ − y⁽ᵗ⁾‖². */
function unroll({ x, wx, wh, bias, scale, y, each }: Inputs) {
  const theta = wh.mul(scale);
  const states = [bias.mul(0)];
  const sums: Tensor[] = [];
  const costs: Tensor[] = [];
  for (const t of times) {
    const z = wx
      .matmul(column(x, t))
      .add(theta.matmul(states[t] as Tensor))
      .add(bias);
    const h = z.tanh();
    sums.push(z);
    states.push(h);
    costs.push(h.sub(column(y, t)).square().sum().mul(0.5).mul(column(each, t).sum()));
  }
  return { theta, states, sums, cost: costs.reduce((a, b) => a.add(b)) };
}

const slopeOf = (h: Tensor) => h.square().neg().add(1);

/** D_h⁽ᵗ⁾ from the last step to the first. `shift` 1 takes f′ at t + 1, as it must be; 0 takes it at t. */
function recursion({ y, each }: Inputs, theta: Tensor, states: readonly Tensor[], shift: 0 | 1): Tensor[] {
  const errors: Tensor[] = [];
  for (const t of times.toReversed()) {
    const h = states[t + 1] as Tensor;
    const own = h.sub(column(y, t)).mul(column(each, t).sum());
    const later = errors[0];
    const slope = slopeOf(states[t + 1 + shift] ?? h);
    errors.unshift(later ? own.add(theta.transpose().matmul(later.mul(slope))) : own);
  }
  return errors;
}

/** Σ δ⁽ᵗ⁾(h⁽ᵗ⁻¹⁾)ᵀ; with `late`, of h⁽ᵗ⁾. */
const shares = (deltas: readonly Tensor[], states: readonly Tensor[], late: 0 | 1): Tensor =>
  deltas.map((d, t) => d.matmul((states[t + late] as Tensor).transpose())).reduce((a, b) => a.add(b));

function compute(inputs: Inputs) {
  const { theta, states, sums, cost } = unroll(inputs);
  const errors = recursion(inputs, theta, states, 1);
  const slipped = recursion(inputs, theta, states, 0);
  const deltas = errors.map((e, t) => e.mul(slopeOf(states[t + 1] as Tensor)));
  const gradients = grad(cost, [...states.slice(1), ...sums, theta]);
  const [byState, bySum] = [gradients.slice(0, steps), gradients.slice(steps, 2 * steps)];
  return {
    h: concat(states.slice(1), 1),
    errors: concat(errors, 1),
    deltas: concat(deltas, 1),
    slipped: concat(slipped, 1),
    reverseErrors: concat(byState as Tensor[], 1),
    reverseDeltas: concat(bySum as Tensor[], 1),
    weight: shares(deltas, states, 0),
    late: shares(deltas, states, 1),
    reverseWeight: gradients[2 * steps] as Tensor,
    sizes: concat(
      errors.map((e) => e.square().sum().sqrt().reshape([1])),
      0,
    ),
  };
}

export const bptt: Note = {
  id: "bptt",
  title: "Back through time",
  text: [
    "A recurrent net reads a sequence one step at a time and keeps a state. Unrolled, it is a deep net whose layers share their weights:",
    "$$h^{(t)} = \\tanh\\bigl(\\theta_x x^{(t)} + \\theta_h h^{(t-1)} + \\theta_0\\bigr)$$",
    "A state matters twice: for what is read off it now, and for all that comes later. So its error has two parts, and is found from the end to the beginning:",
    "$$D^{(t)} = \\frac{\\d L^{(t)}}{\\d h^{(t)}} + \\theta_h\\T\\bigl(D^{(t+1)} \\had f'(z^{(t+1)})\\bigr), \\quad \\delta^{(t)} = D^{(t)} \\had f'(z^{(t)})$$",
    "$$\\frac{\\d L}{\\d\\theta_h} = \\sum_t \\delta^{(t)} \\bigl(h^{(t-1)}\\bigr)\\T, \\qquad \\frac{\\d L}{\\d\\theta_x} = \\sum_t \\delta^{(t)} \\bigl(x^{(t)}\\bigr)\\T$$",
    "Let only the last state count and make $\\theta_h$ small: the error fades on its way back. Make it large, and it grows.",
  ],
  slip: "Two indices are easily off by one: $f'$ belongs to the step that the error comes from, $t+1$, and a weight of $\\theta_h$ has seen $h^{(t-1)}$, not $h^{(t)}$. The last checks show what those formulas give.",
  async mount({ device, checks, add }) {
    let x = [0.9, -0.5, 0.3, 0.8, -0.7, 0.4];
    let last = false;
    const each = () => array([1, steps], (t) => (last && t < steps - 1 ? 0 : 1));
    const wide = (label: string, name: string, scale?: number) =>
      picture({ ...{ label, name, rows: units, cols: steps, cell: 44 }, ...(scale ? { scale } : {}) });
    const [h1, errors, deltas] = [
      wide("$h^{(1)} \\dots h^{(6)}$", "states", 1),
      wide("$D^{(1)} \\dots D^{(6)}$", "errors of the states"),
      wide("$\\delta^{(1)} \\dots \\delta^{(6)}$", "deltas"),
    ];
    const weight = picture({
      label: "$\\d L/\\d\\theta_h$",
      name: "gradient of the recurrent weights",
      rows: units,
      cols: units,
    });
    const sizes = barsView(
      "‖D⁽ᵗ⁾‖",
      times.map((t) => `t = ${t + 1}`),
      { low: 0, high: 2 },
    );
    const values = { ...weights(), x: array([1, steps], x), scale: array([1, 1], [1]), each: each() };
    const live = new Live(device, compute, values, (o, now) => {
      h1?.set(o.h);
      errors?.set(o.errors);
      deltas?.set(o.deltas);
      weight.set(o.weight);
      sizes.set(o.sizes);
      checks.soon(() => {
        const names = ["x", "wx", "wh", "bias", "scale", "y", "each"] as const;
        const cost = (...list: Tensor[]) =>
          unroll(Object.fromEntries(names.map((n, i) => [n, list[i]])) as Inputs).cost;
        return [
          {
            kind: "differences",
            check: checkGradients(
              cost,
              names.map((n) => now[n]),
              { wrt: [0, 1, 2, 3] },
            ),
          },
          { kind: "equal", label: "$D^{(t)}$ and reverse mode", error: relativeDifference(o.errors, o.reverseErrors) },
          {
            kind: "equal",
            label: "$\\delta^{(t)}$ and reverse mode",
            error: relativeDifference(o.deltas, o.reverseDeltas),
          },
          {
            kind: "equal",
            label: "$\\sum\\delta^{(t)} (h^{(t-1)})\\T$ and reverse mode",
            error: relativeDifference(o.weight, o.reverseWeight),
          },
          {
            kind: "wrong",
            label: "$D^{(t)}$ with $f'(z^{(t)})$",
            error: relativeDifference(o.slipped, o.reverseErrors),
          },
          {
            kind: "wrong",
            label: "$\\sum\\delta^{(t)} (h^{(t)})\\T$",
            error: relativeDifference(o.late, o.reverseWeight),
          },
        ];
      });
    });
    const sequence = field({
      ...{ label: "$x^{(1)} \\dots x^{(6)}$, what is read", name: "the sequence", rows: 1, cols: steps, values: x },
      onChange(v) {
        x = v;
        live.set({ x: array([1, steps], v) });
      },
    });
    await live.start();
    add(
      controls(
        slider({
          ...{
            label: "$\\theta_h \\times$",
            name: "size of the recurrent weights",
            min: 0,
            max: 3,
            step: 0.05,
            value: 1,
          },
          onInput: (v) => live.set({ scale: array([1, 1], [v]) }),
        }).element,
        choice(
          "what counts",
          [
            ["each", "every state"],
            ["last", "the last one"],
          ],
          "each",
          (v) => {
            last = v === "last";
            live.set({ each: each() });
          },
        ),
        button("Other weights", () => live.set(weights())),
      ),
      h("div", { className: "columns" }, sequence.element, h1!.element, errors!.element, deltas!.element),
      h("div", { className: "pair" }, sizes.element, weight.element),
    );
  },
};
