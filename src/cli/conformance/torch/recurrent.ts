// Recurrent cells over a sequence, networks of them, and truncated backpropagation through time. Sequences are [T, B, I]. What runs over a
// whole sequence does so by the fused kernels, as layers do; feedback and truncation are made of cells.

import { grad } from "../../../autodiff/backward.ts";
import * as cells from "../../../nn/recurrent.ts";
import { gruKind, type Kind, lstmKind, rnnKind } from "../../../nn/recurrentKinds.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { dense } from "../../../onnx/layout.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import { stack, type Tensor } from "../../../tensor.ts";
import type { Builder, Inputs, Outputs } from "./common.ts";
import { lossOf } from "./networks.ts";

interface State {
  readonly h: Tensor;
  readonly c?: Tensor;
}

/** A kind of cell: one step, with weights by their names in the case. */
type Cell = (get: (name: string) => Tensor, a: Attributes) => (x: Tensor, state: State) => State;

const weightsOf = (get: (name: string) => Tensor): cells.CellWeights => ({
  wx: get("w_ih").transpose(),
  wh: get("w_hh").transpose(),
  bx: get("b_ih"),
  bh: get("b_hh"),
});

const rnn: Cell = (get, a) => {
  const name = a.text("activation", "tanh");
  if (name !== "tanh" && name !== "relu") throw new UnsupportedError(`rnn activation ${name}`);
  const w = weightsOf(get);
  return (x, { h }) => ({ h: cells.rnnCell(w, x, h, (z) => (name === "tanh" ? z.tanh() : z.relu())) });
};

const lstm: Cell = (get, a) => {
  const order = a.text("gate_order", "i,f,g,o");
  if (order !== "i,f,g,o") throw new UnsupportedError(`lstm gate order ${order}`);
  const w = weightsOf(get);
  return (x, { h, c }) => cells.lstmCell(w, x, { h, c: c as Tensor });
};

const gru: Cell = (get, a) => {
  const order = a.text("gate_order", "r,z,n");
  if (order !== "r,z,n") throw new UnsupportedError(`gru gate order ${order}`);
  const w = weightsOf(get);
  const resetAfter = a.flag("reset_after", true);
  return (x, { h }) => ({ h: cells.gruCell(w, x, h, { resetAfter }) });
};

const initial = (x: Inputs): State => {
  const c = x.maybe("c0");
  return { h: x.get("h0"), ...(c ? { c } : {}) };
};

const finalOf = ({ h, c }: State): Outputs => ({ hT: h, ...(c ? { cT: c } : {}) });

/** The inputs of each step: a sequence, or one input and then zeros. */
function stepsOf(x: Inputs, a: Attributes): Tensor[] {
  const t = x.get("x");
  if (t.rank === 3) return cells.steps(t);
  return Array.from({ length: a.number("T") }, (_, i) => (i === 0 ? t : t.zerosLike()));
}

/** A step of it, and the kind of layer that runs all steps at once. */
interface Recurrence {
  readonly cell: Cell;
  kind(a: Attributes): Kind;
}

/** The states after each step [T, B, H], and the last. */
function run({ cell, kind }: Recurrence, x: Inputs, a: Attributes): { hs: Tensor; last: State } {
  const get = (name: string) => x.get(name);
  cell(get, a); // refuses what it does not know
  const [wx, wh] = [get("w_ih").transpose(), get("w_hh").transpose()];
  const [bx, bh] = [get("b_ih"), get("b_hh")];
  const H = wh.shape[0]!;
  const resetAfter = kind(a).name === "gru" && a.flag("reset_after", true);
  const [withX, withH] = resetAfter ? [bh.slice([0], [2 * H]).pad([0], [H]), { biasH: bh.slice([2 * H]) }] : [bh, {}];
  const all = kind(a).fused({ wx, wh, bias: bx.add(withX), ...withH }, stack(stepsOf(x, a), 0), initial(x));
  const lastOf = (t: Tensor) => t.slice([t.shape[0]! - 1, 0, 0]).squeeze(0);
  const last = { h: lastOf(all.hs), ...(all.cs ? { c: lastOf(all.cs) } : {}) };
  return { hs: all.hs.slice([1, 0, 0]), last };
}

const sequence =
  (recurrence: Recurrence): Builder =>
  (x, a) => {
    const { hs, last } = run(recurrence, x, a);
    return { hs, ...finalOf(last) };
  };

/** y = W_out·h + b_out at each step, or at the last. */
const network =
  (recurrence: Recurrence): Builder =>
  (x, a) => {
    const out = (h: Tensor) => dense(h, x.get("w_out"), x.maybe("b_out"));
    const mode = a.text("mode");
    if (!["mimo", "miso", "simo", "simo_feedback"].includes(mode)) throw new UnsupportedError(`mode ${mode}`);
    const ran = mode === "simo_feedback" ? feedback(recurrence, x, a, out) : run(recurrence, x, a);
    const y = "y" in ran ? ran.y : out(mode === "miso" ? ran.last.h : ran.hs);
    const loss = lossOf(a.text("loss"));
    // the loss sees every step of every sequence as a row of its own
    const rows = (t: Tensor, keep: number) =>
      mode === "miso" ? t : t.reshape([t.shape[0]! * t.shape[1]!, ...t.shape.slice(2, 2 + keep)]);
    const target = x.get("target");
    return { y, loss: loss(rows(y, 1), rows(target, target.rank - 2)), ...finalOf(ran.last) };
  };

/** Each step but the first takes the output of the step before. */
function feedback({ cell }: Recurrence, x: Inputs, a: Attributes, out: (h: Tensor) => Tensor) {
  const step = cell((name) => x.get(name), a);
  const ys: Tensor[] = [];
  const states = cells.unroll(
    (input, state: State, t) => {
      const next = step(t === 0 ? input : ys.at(-1)!, state);
      ys.push(out(next.h));
      return next;
    },
    stepsOf(x, a),
    initial(x),
  );
  return { y: stack(ys, 0), last: states.at(-1)! };
}

const trained = ["w_ih", "w_hh", "b_ih", "b_hh", "w_out", "b_out"];
type Weights = Readonly<Record<string, Tensor>>;

/** Tensors of the same value that nothing depends on yet: a gradient with respect to them stops there. */
const detached = (w: Weights): Weights => Object.fromEntries(Object.entries(w).map(([name, t]) => [name, t.add(0)]));

/** Σ of two trees of gradients. */
const plus = (a: Weights | undefined, b: Weights): Weights =>
  a ? Object.fromEntries(Object.entries(a).map(([name, t]) => [name, t.add(b[name]!)])) : b;

const truncated =
  (cell: Cell): Builder =>
  (x, a) =>
    a.has("k2") ? slidingWindows(cell, x, a) : windows(cell, x, a);

/** Mean cross entropy of the steps `from` … `to`, by these weights, and the state behind them. */
function windowLoss(cell: Cell, x: Inputs, a: Attributes, w: Weights, state: State, from: number, to: number) {
  const xs = cells.steps(x.get("x")).slice(from, to);
  const targets = cells.steps(x.get("target")).slice(from, to);
  const states = cells.unroll(
    cell((name) => w[name]!, a),
    xs,
    state,
  );
  const losses = states.map(({ h }, t) => lossOf("ce")(dense(h, w.w_out!, w.b_out), targets[t]!));
  return { losses, states };
}

function windows(cell: Cell, x: Inputs, a: Attributes): Outputs {
  const [length, size] = [x.get("x").shape[0]!, a.number("window")];
  const update = a.text("update", "none");
  const rate = Number(/^SGD lr ([\d.]+)/.exec(update)?.[1] ?? 0);
  if (rate === 0 && !update.startsWith("none")) throw new UnsupportedError(`update ${update}`);
  let w: Weights = Object.fromEntries(trained.map((name) => [name, x.get(name)]));
  let state = initial(x);
  let total: Weights | undefined;
  const all: Tensor[] = [];
  for (let from = 0; from < length; from += size) {
    const own = detached(w);
    const { losses, states } = windowLoss(cell, x, a, own, state, from, Math.min(from + size, length));
    const loss = stack(losses, 0).mean();
    const gradients = grad(
      loss,
      trained.map((name) => own[name]!),
    );
    const byName: Weights = Object.fromEntries(trained.map((name, i) => [name, gradients[i]!]));
    if (rate > 0) w = Object.fromEntries(trained.map((name) => [name, own[name]!.sub(byName[name]!.mul(rate))]));
    total = plus(total, byName);
    state = states.at(-1)!;
    all.push(loss);
  }
  return { window_losses: stack(all, 0), ...finalOf(state), ...prefixed("grad ", total!), ...prefixed("after.", w) };
}

/** At every step the loss goes back through the last k2 steps. */
function slidingWindows(cell: Cell, x: Inputs, a: Attributes): Outputs {
  if (a.number("k1", 1) !== 1) throw new UnsupportedError(`k1 ${a.number("k1")}`);
  const [length, k2] = [x.get("x").shape[0]!, a.number("k2")];
  const w: Weights = Object.fromEntries(trained.map((name) => [name, x.get(name)]));
  const { losses, states } = windowLoss(cell, x, a, w, initial(x), 0, length);
  let total: Weights | undefined;
  for (let t = 0; t < length; t++) {
    const from = Math.max(0, t - k2 + 1);
    const own = detached(w);
    const before = from === 0 ? initial(x) : states[from - 1]!;
    const loss = windowLoss(cell, x, a, own, before, from, t + 1).losses.at(-1)!;
    const gradients = grad(
      loss,
      trained.map((name) => own[name]!),
    );
    total = plus(total, Object.fromEntries(trained.map((name, i) => [name, gradients[i]!])));
  }
  return { step_losses: stack(losses, 0), ...finalOf(states.at(-1)!), ...prefixed("grad ", total!) };
}

const prefixed = (prefix: string, w: Weights): Weights =>
  Object.fromEntries(Object.entries(w).map(([name, t]) => [prefix + name, t]));

const kinds: Readonly<Record<string, Recurrence>> = {
  rnn: { cell: rnn, kind: (a) => rnnKind({ activation: a.text("activation", "tanh") as "tanh" | "relu" }) },
  lstm: { cell: lstm, kind: () => lstmKind({}) },
  gru: { cell: gru, kind: (a) => gruKind({ resetAfter: a.flag("reset_after", true) }) },
};

export const recurrent: Readonly<Record<string, Builder>> = Object.fromEntries(
  Object.entries(kinds).flatMap(([name, kind]) => [
    [name, sequence(kind)],
    [`${name}_net`, network(kind)],
    [`${name}_tbptt`, truncated(kind.cell)],
  ]),
);
