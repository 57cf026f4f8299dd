// Note: one step of an LSTM cell.
import { checkGradients, concat, grad, nn, type Tensor } from "wgrad";
import { h } from "../../common/dom.ts";
import { type CellValues, cellView } from "../cellView.ts";
import { relativeDifference } from "../checks.ts";
import { controls, slider } from "../controls.ts";
import { array, Live } from "../live.ts";
import type { Note } from "../note.ts";

type Inputs = Record<"x" | "h" | "c" | "wx" | "wh" | "bias", Tensor>;

/** Gates i, f, g, o: weights of the input and of the state, for one unit. */
const wx = array([1, 4], [0.9, -0.7, 1.4, 0.8]);
const wh = array([1, 4], [0.5, 0.6, -0.9, 0.4]);
const bias = (forget: number) => array([4], [0, forget, 0, 0]);

/** The notes' formulas, with all gates written out. */
function cell({ x, h, c, wx, wh, bias }: Inputs) {
  const [i, f, g, o] = x.matmul(wx).add(h.matmul(wh)).add(bias).split(4, -1) as [Tensor, Tensor, Tensor, Tensor];
  const gates = { i: i.sigmoid(), f: f.sigmoid(), g: g.tanh(), o: o.sigmoid() };
  const kept = gates.f.mul(c);
  const written = gates.i.mul(gates.g);
  const next = kept.add(written);
  return { ...gates, kept, written, c: next, h: gates.o.mul(next.tanh()) };
}

export const lstm: Note = {
  id: "lstm",
  title: "A cell that remembers",
  text: [
    "Going through a matrix and a bend at every step, an error fades. The LSTM (Hochreiter and Schmidhuber 1997; forget gates by Gers, Schmidhuber and Cummins 2000) gives it a road of its own: a cell $C$ that is only ever scaled and added to. Three gates between 0 and 1 say what is let through:",
    "$$i, f, o = \\sigma(\\theta_x x + \\theta_h h + \\theta_0), \\qquad \\tilde C = \\tanh(\\dots)$$",
    "$$C^{(t)} = f \\had C^{(t-1)} + i \\had \\tilde C, \\qquad h^{(t)} = o \\had \\tanh C^{(t)}$$",
    "Along that road the derivative from one step to the next is the forget gate itself:",
    "$$\\frac{\\d C^{(t)}}{\\d C^{(t-1)}} = f^{(t)}$$",
    "Open the forget gate by its bias, and the cell keeps what it holds, and passes on what it is blamed for.",
  ],
  async mount({ device, checks, add }) {
    const state = { x: 0.6, h: -0.3, c: 0.8 };
    const view = cellView();
    const values = {
      ...{ wx, wh, bias: bias(1) },
      ...{ x: array([1, 1], [state.x]), h: array([1, 1], [state.h]), c: array([1, 1], [state.c]) },
    };
    const f = (inputs: Inputs) => {
      const made = cell(inputs);
      const library = nn.lstmCell({ wx: inputs.wx, wh: inputs.wh, bx: inputs.bias }, inputs.x, {
        h: inputs.h,
        c: inputs.c,
      });
      return {
        ...made,
        library: concat([library.c, library.h], 1),
        through: grad(made.c.sum(), [inputs.c])[0] as Tensor,
        all: grad(made.h.sum(), [inputs.c])[0] as Tensor,
        byFormula: made.o.mul(made.c.tanh().square().neg().add(1)).mul(made.f),
      };
    };
    const live = new Live(device, f, values, (o, now) => {
      const first = (list: readonly number[]) => list[0] as number;
      const shown = Object.fromEntries(Object.entries(o).map(([name, list]) => [name, first(list)]));
      view.set({ ...state, ...shown, before: state.c, hidden: first(o.h), cell: first(o.c) } as unknown as CellValues);
      checks.soon(() => {
        const names = ["x", "h", "c", "wx", "wh", "bias"] as const;
        const run = (...list: Tensor[]) => {
          const made = cell(Object.fromEntries(names.map((n, i) => [n, list[i]])) as Inputs);
          return [made.c, made.h];
        };
        return [
          {
            kind: "differences",
            check: checkGradients(
              run,
              names.map((n) => now[n]),
            ),
          },
          {
            kind: "equal",
            label: "these formulas and `nn.lstmCell`",
            error: relativeDifference([first(o.c), first(o.h)], o.library),
          },
          { kind: "equal", label: "$\\d C^{(t)}/\\d C^{(t-1)}$ and $f$", error: relativeDifference(o.through, o.f) },
          {
            kind: "equal",
            label: "$\\d h^{(t)}/\\d C^{(t-1)}$ and $o \\had (1-\\tanh^2 C) \\had f$",
            error: relativeDifference(o.all, o.byFormula),
          },
        ];
      });
    });
    const of = (name: "x" | "h" | "c", label: string, words: string) =>
      slider({
        ...{ label, name: words, min: -2, max: 2, step: 0.05, value: state[name] },
        onInput(v) {
          state[name] = v;
          live.set({ [name]: array([1, 1], [v]) });
        },
      }).element;
    await live.start();
    add(
      controls(
        of("x", "$x^{(t)}$", "the input"),
        of("h", "$h^{(t-1)}$", "the state before"),
        of("c", "$C^{(t-1)}$", "the cell before"),
        slider({
          ...{ label: "bias of $f$", name: "bias of the forget gate", min: -4, max: 6, step: 0.1, value: 1 },
          onInput: (v) => live.set({ bias: bias(v) }),
        }).element,
      ),
      h("div", { className: "wide", tabIndex: 0, attr: { role: "region", "aria-label": "The cell" } }, view.element),
    );
  },
};
