// RNN, LSTM and GRU: X [T,B,I] (layout 1: [B,T,I]), W [D, G·H, I], R [D, G·H, H], B [D, 2·G·H] = Wb then Rb, in D directions.
import * as cells from "../../../nn/recurrent.ts";
import { concat, constant, full, stack, type Tensor } from "../../../tensor.ts";
import { Unsupported } from "../case.ts";
import type { Builder, Operator } from "./common.ts";

interface State {
  readonly h: Tensor;
  readonly c?: Tensor;
}

interface Kind {
  readonly gates: number;
  /** The library's gates, as places in ONNX's order. */
  readonly order: readonly number[];
  readonly activations: readonly string[];
  readonly step: (n: Operator, w: cells.CellWeights, direction: number) => (x: Tensor, state: State) => State;
}

/** Part d of axis 0, without the axis. */
const part = (t: Tensor, d: number): Tensor => cells.steps(t)[d]!;

/** Blocks of H columns in another order. */
const reordered = (t: Tensor, order: readonly number[]): Tensor => {
  const blocks = t.split(order.length, -1);
  return order.length === 1
    ? t
    : concat(
        order.map((k) => blocks[k]!),
        -1,
      );
};

const named: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  Tanh: (x) => x.tanh(),
  Relu: (x) => x.relu(),
  Sigmoid: (x) => x.sigmoid(),
};

const kinds: Readonly<Record<string, Kind>> = {
  RNN: {
    gates: 1,
    order: [0],
    activations: ["Tanh"],
    step: (n, w, direction) => {
      const name = n.attributes.texts("activations", ["Tanh", "Tanh"])[direction] ?? "Tanh";
      const f = named[name];
      if (!f) throw new Unsupported(`activation ${name}`);
      return (x, { h }) => ({ h: cells.rnnCell(w, x, h, f) });
    },
  },
  LSTM: {
    gates: 4,
    order: [0, 2, 3, 1], // i, o, f, c
    activations: ["Sigmoid", "Tanh", "Tanh"],
    step: (n, w, direction) => {
      if (n.attributes.flag("input_forget")) throw new Unsupported("input_forget");
      const p = n.maybe(7);
      const [i, o, f] = p ? (part(p, direction).split(3, 0) as [Tensor, Tensor, Tensor]) : [];
      const peepholes = i && o && f ? { i, f, o } : undefined;
      return (x, { h, c }) => cells.lstmCell(w, x, { h, c: c! }, peepholes);
    },
  },
  GRU: {
    gates: 3,
    order: [1, 0, 2], // z, r, h
    activations: ["Sigmoid", "Tanh"],
    step: (n, w) => {
      const resetAfter = n.attributes.flag("linear_before_reset");
      return (x, { h }) => ({ h: cells.gruCell(w, x, h, { resetAfter }) });
    },
  },
};

const recurrence =
  (kind: Kind): Builder =>
  (n) => {
    const a = n.attributes;
    requirePlain(n, kind);
    const batchFirst = a.number("layout", 0) === 1;
    const x = batchFirst ? n.get(0).transpose([1, 0, 2]) : n.get(0);
    const direction = a.text("direction", "forward");
    const directions = direction === "bidirectional" ? ["forward", "reverse"] : [direction];
    const runs = directions.map((which, d) => runDirection(n, kind, x, which === "reverse", d, batchFirst));
    const y = stack(
      runs.map((run) =>
        stack(
          run.map(({ h }) => h),
          0,
        ),
      ),
      1,
    ); // [T, D, B, H]
    const last = (pick: (state: State) => Tensor) => {
      const states = stack(
        runs.map((run, d) => pick(run.at(directions[d] === "reverse" ? 0 : -1)!)),
        0,
      );
      return batchFirst ? states.transpose([1, 0, 2]) : states;
    };
    const lengths = n.values(4);
    const shown = lengths ? y.mul(mask(lengths, x.shape[0]!).reshape([x.shape[0]!, 1, x.shape[1]!, 1])) : y;
    const c = kind === kinds.LSTM ? last(({ c }) => c!) : undefined;
    return [batchFirst ? shown.transpose([2, 0, 1, 3]) : shown, last(({ h }) => h), c];
  };

/** The states after each step, in the order of time. Steps beyond a sequence's length leave its state alone. */
function runDirection(n: Operator, kind: Kind, x: Tensor, reverse: boolean, d: number, batchFirst: boolean): State[] {
  const [length, batch] = x.shape as readonly number[];
  const hidden = n.get(2).shape[2]!;
  const first = (k: number): Tensor => {
    const t = n.maybe(k);
    if (!t) return full({ dtype: "f32", shape: [batch!, hidden] }, 0);
    return part(batchFirst ? t.transpose([1, 0, 2]) : t, d);
  };
  const step = kind.step(n, weightsOf(n, kind, d), d);
  const lengths = n.values(4);
  const alive = lengths && cells.steps(mask(lengths, length!));
  const inTime = <T>(list: T[]) => (reverse ? [...list].reverse() : list);
  const advance = (xt: Tensor, state: State, k: number): State => {
    const next = step(xt, state);
    const here = alive?.[reverse ? length! - 1 - k : k]?.reshape([batch!, 1]).greater(0);
    if (!here) return next;
    return { h: next.h.where(here, state.h), ...(next.c ? { c: next.c.where(here, state.c!) } : {}) };
  };
  const initial: State = { h: first(5), ...(kind === kinds.LSTM ? { c: first(6) } : {}) };
  return inTime(cells.unroll(advance, inTime(cells.steps(x)), initial));
}

function weightsOf(n: Operator, kind: Kind, d: number): cells.CellWeights {
  const [wx, wh] = [1, 2].map((k) => reordered(part(n.get(k), d).transpose(), kind.order)) as [Tensor, Tensor];
  const b = n.maybe(3);
  if (!b) return { wx, wh };
  const [bx, bh] = part(b, d)
    .split(2, 0)
    .map((t) => reordered(t, kind.order));
  return { wx, wh, bx, bh };
}

/** 1 where step t of a sequence is within its length: f32[T, B]. */
const mask = (lengths: readonly number[], steps: number): Tensor =>
  constant(
    { dtype: "f32", shape: [steps, lengths.length] },
    Array.from({ length: steps }, (_, t) => lengths.map((l) => Number(t < l))).flat(),
  );

function requirePlain(n: Operator, kind: Kind): void {
  if (n.attributes.has("clip")) throw new Unsupported("clip");
  if (kind === kinds.RNN) return;
  const given = n.attributes.texts("activations", kind.activations);
  if (given.some((name, i) => name !== kind.activations[i % kind.activations.length]))
    throw new Unsupported(`activations ${given}`);
}

export const recurrent: Readonly<Record<string, Builder>> = Object.fromEntries(
  Object.entries(kinds).map(([name, kind]) => [name, recurrence(kind)]),
);
