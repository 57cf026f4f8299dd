// Note: how gradients flow through an RNN and an LSTM.
import { checkGradients, concat, constant, Device, f32, grad, nn, type Tensor } from "wgrad";
import { chart } from "../../common/chart.ts";
import { h } from "../../common/dom.ts";
import { number } from "../../common/format.ts";
import { relativeDifference } from "../checks.ts";
import { button, controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import type { Note } from "../note.ts";
import { Random } from "../random.ts";

/** Time steps and units. */
const [steps, units] = [20, 4];

const names = ["xs", "wx", "wh", "scale", "lx", "lh", "forget"] as const;
type Inputs = Record<(typeof names)[number], Tensor>;

const random = new Random(77);
const weights = () => ({
  xs: array([steps, 1, 1], random.list(steps)),
  wx: array([1, units], random.list(units)),
  wh: orthogonal(),
  lx: array([1, 4 * units], random.list(4 * units)),
  lh: array([units, 4 * units], random.list(4 * units ** 2, -0.25, 0.25)),
});

/** A rotation, which neither shrinks nor stretches: H = I − 2vvᵀ/‖v‖² (Householder 1958). */
function orthogonal() {
  const v = random.list(units, 0.2, 1);
  const size = v.reduce((sum, a) => sum + a * a, 0);
  const entry = (r: number, c: number) => (r === c ? 1 : 0) - (2 * (v[r] as number) * (v[c] as number)) / size;
  return array([units, units], (i) => entry(Math.floor(i / units), i % units));
}

/** Of four gates i, f, g, o the forget gate alone has a bias. */
const forgetOnly = () =>
  constant(
    f32(4 * units),
    Array.from({ length: 4 * units }, (_, i) => (Math.floor(i / units) === 1 ? 1 : 0)),
  );

/** Both nets over the sequence, from the states before it; a cost reads the last state of each. */
function run({ xs, wx, wh, scale, lx, lh, forget }: Inputs) {
  const inputs = nn.steps(xs);
  const zero = wh.slice([0, 0], [1, units]).mul(0);
  const lstm = { wx: lx, wh: lh, bx: forgetOnly().mul(forget) };
  const rnn = { wx, wh: wh.mul(scale) };
  const start = { h: zero, c: zero.add(0) };
  const plain = [zero, ...nn.unroll((x, s: Tensor) => nn.rnnCell(rnn, x, s), inputs, zero)];
  const cells = [start, ...nn.unroll((x, s: nn.LstmState) => nn.lstmCell(lstm, x, s), inputs, start)];
  const cost = (state: Tensor | undefined) => (state as Tensor).sub(0.5).square().sum().mul(0.5);
  return { inputs, lstm, plain, cells, zero, costs: [cost(plain.at(-1)), cost(cells.at(-1)?.h)] as const };
}

const norms = (list: readonly Tensor[]) =>
  concat(
    list.map((t) => t.square().sum().sqrt().reshape([1])),
    0,
  );

function compute(inputs: Inputs) {
  const { inputs: xs, lstm, plain, cells, costs, zero } = run(inputs);
  // gates are held: what is left is the cell's own road
  const gates = xs.map((x, t) =>
    x
      .matmul(lstm.wx)
      .add((cells[t] as nn.LstmState).h.matmul(lstm.wh))
      .add(lstm.bx)
      .detach(),
  );
  const forget = gates.map((z) => (z.split(4, -1)[1] as Tensor).sigmoid());
  const products = [zero.add(1)];
  for (const f of forget.toReversed()) products.unshift(f.mul(products[0] as Tensor));
  const first = (cells[0] as nn.LstmState).c;
  const road = gates.reduce((c, z) => {
    const [i, f, g] = z.split(4, -1) as [Tensor, Tensor, Tensor];
    return f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
  }, first);
  return {
    rnn: norms(grad(costs[0], plain)),
    cell: norms(
      grad(
        costs[1],
        cells.map((s) => s.c),
      ),
    ),
    product: concat(
      products.map((p) => p.mean().reshape([1])),
      0,
    ),
    firstProduct: products[0] as Tensor,
    alongRoad: grad(road.sum(), [first])[0] as Tensor,
  };
}

export const flow: Note = {
  id: "flow",
  title: "Vanish, explode, or flow",
  text: [
    "Put the two side by side. Going back $k$ steps, the error of an RNN's state has met $k$ matrices and $k$ slopes; that of an LSTM's cell has met $k$ forget gates:",
    "$$\\frac{\\d h^{(T)}}{\\d h^{(t)}} = \\prod_{s=t+1}^{T} \\operatorname{diag}\\bigl(f'(z^{(s)})\\bigr)\\,\\theta_h, \\qquad \\frac{\\d C^{(T)}}{\\d C^{(t)}} \\approx \\prod_{s=t+1}^{T} f^{(s)}$$",
    "The first vanishes or explodes with the size of $\\theta_h$; there is one right size, and training does not stay there. The second is steered by a bias. It is approximate, as gates depend on the state too; with the gates held it is exact.",
    "The cost reads the last state alone. How much of its error is left at step $t$?",
  ],
  async mount({ checks, add }) {
    const plot = chart({
      ...{
        title: "Size of the error at each step",
        x: "t",
        height: 260,
        logY: true,
        formatX: (t) => String(Math.round(t)),
      },
      lines: [
        { label: "RNN ‖∂L/∂h‖", color: "second" },
        { label: "LSTM ‖∂L/∂C‖", color: "accent" },
        { label: "Π f", color: "good" },
      ],
    });
    const left = h("p", { className: "numbers", attr: { "aria-live": "polite" } });
    const values = { ...weights(), scale: array([1, 1], [0.9]), forget: array([1], [4]) };
    // hundreds of tiny steps one after another: the CPU is the right device for them
    const live = new Live(Device.cpu(), compute, values, (o, now) => {
      const times = Array.from({ length: steps + 1 }, (_, t) => t);
      const positive = (list: readonly number[]) => list.map((v) => (v > 1e-12 ? v : null));
      plot.set([times, positive(o.rnn), positive(o.cell), positive(o.product)]);
      const share = (list: readonly number[]) => number((list[0] as number) / (list.at(-1) as number));
      left.textContent = `From the last step to the first, the RNN's error is multiplied by ${share(o.rnn)}; the LSTM's forget gates alone multiply by ${number(o.product[0] as number)}.`;
      plot.describe(left.textContent);
      checks.soon(() => {
        const costs = (...list: Tensor[]) => [
          ...run(Object.fromEntries(names.map((n, i) => [n, list[i]])) as Inputs).costs,
        ];
        return [
          {
            kind: "differences",
            check: checkGradients(
              costs,
              names.map((n) => now[n]),
            ),
          },
          {
            kind: "equal",
            label: "$\\prod f$ and $\\d C^{(T)}/\\d C^{(0)}$ with the gates held",
            error: relativeDifference(o.firstProduct, o.alongRoad),
          },
        ];
      });
    });
    await live.start();
    add(
      controls(
        slider({
          ...{
            label: "size of the RNN’s $\\theta_h$",
            name: "size of the recurrent weights",
            min: 0.3,
            max: 1.8,
            step: 0.05,
            value: 0.9,
          },
          onInput: (v) => live.set({ scale: array([1, 1], [v]) }),
        }).element,
        slider({
          ...{ label: "bias of the LSTM’s $f$", name: "bias of the forget gate", min: -3, max: 6, step: 0.1, value: 4 },
          onInput: (v) => live.set({ forget: array([1], [v]) }),
        }).element,
        button("Other weights", () => live.set(weights())),
      ),
      plot.element,
      left,
    );
  },
};
