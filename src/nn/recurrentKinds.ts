// Kinds of recurrent layers: their parameters, and their run over a sequence [T, B, F], by the fused op or step by step. Both give all
// states, the initial one first. Gates stand side by side in the last axis of wx [F, G·H], wh [H, G·H] and bias [G·H].
import * as recurrence from "../compositions/recurrence.ts";
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { f32, numel } from "../shape/types.ts";
import { concat, full, stack, type Tensor } from "../tensor.ts";
import { glorotUniform, type Initialiser, orthogonal } from "./initialisers.ts";
import { fold, type Key } from "./key.ts";
import { gruCell, lstmCell, rnnCell, steps, unroll } from "./recurrent.ts";

/** [B, H] each; c is an LSTM's cell. */
export interface State {
  /** What the layer gives. */
  readonly h: Tensor;
  /** What an LSTM keeps. */
  readonly c?: Tensor;
}

/** [T+1, B, H] each, the initial state first. */
export interface States {
  /** Of h. */
  readonly hs: Tensor;
  /** Of an LSTM's c. */
  readonly cs?: Tensor;
}

export type Weights<T> = Record<string, T>;

export interface Kind {
  readonly name: string;
  /** The state is h and c. */
  readonly memory: boolean;
  init(key: Key, features: number, units: number): Weights<NdArray>;
  /** `form` as that of the ops. */
  readonly fused: (p: Weights<Tensor>, x: Tensor, initial: State | undefined, form?: Form) => States;
  step(p: Weights<Tensor>, x: Tensor, state: State): State;
  /** The forget gate [B, H] of a step, of an LSTM. */
  forget?(p: Weights<Tensor>, x: Tensor, state: State): Tensor;
}

type Form = "loop" | "step" | number;

export interface WeightOptions {
  /** Of wx. Default: Glorot's, uniform, gate by gate. */
  readonly initialiser?: Initialiser;
  /** Of wh. Default: orthogonal, gate by gate. */
  readonly recurrentInitialiser?: Initialiser;
}

/** Arrays side by side in the last axis. */
function beside(parts: readonly NdArray[]): NdArray {
  const [rows, columns] = [parts[0]!.shape.length > 1 ? parts[0]!.shape[0]! : 1, parts[0]!.shape.at(-1)!];
  const width = columns * parts.length;
  const data = new Float64Array(rows * width);
  parts.forEach((part, k) => {
    for (let r = 0; r < rows; r++)
      data.set(part.data.subarray(r * columns, (r + 1) * columns), r * width + k * columns);
  });
  return { dtype: "f32", shape: [...parts[0]!.shape.slice(0, -1), width], data };
}

/** wx, wh, and a bias that begins as `bias[gate]`. */
function weights(
  key: Key,
  features: number,
  units: number,
  bias: readonly number[],
  o: WeightOptions,
): Weights<NdArray> {
  const { initialiser = glorotUniform, recurrentInitialiser = orthogonal() } = o;
  const gate = (part: number, f: Initialiser, rows: number) =>
    beside(bias.map((_, g) => f(fold(fold(key, part), g), [rows, units])));
  const filled = (value: number): NdArray => ({ ...f32(units), data: new Float64Array(units).fill(value) });
  return {
    wx: gate(0, initialiser, features),
    wh: gate(1, recurrentInitialiser, units),
    bias: beside(bias.map(filled)),
  };
}

const cellWeights = (p: Weights<Tensor>) => ({ wx: p.wx!, wh: p.wh!, bx: p.bias });
/** x·Wx + b: of a step, or of all in one product [T·B, F]·Wx. */
function fromX(p: Weights<Tensor>, x: Tensor): Tensor {
  const width = p.wx!.shape[1]!;
  const rows = x.reshape([numel(x.shape.slice(0, -1)), x.shape.at(-1)!]);
  return rows
    .matmul(p.wx!)
    .add(p.bias!)
    .reshape([...x.shape.slice(0, -1), width]);
}

/** Options of rnn. */
export interface RnnOptions extends WeightOptions {
  /** Default: tanh. */
  readonly activation?: "tanh" | "relu";
}

/** h' = f(x·Wx + b + h·Wh) */
export function rnnKind({ activation = "tanh", ...o }: RnnOptions): Kind {
  if (activation !== "tanh" && activation !== "relu")
    throw new ValueError(`rnn: no activation ${activation}; use tanh or relu`);
  return {
    name: "rnn",
    memory: false,
    init: (key, features, units) => weights(key, features, units, [0], o),
    fused: (p, x, initial, form) => ({ hs: recurrence.rnn(fromX(p, x), p.wh!, activation, initial?.h, form) }),
    step: (p, x, { h }) => ({ h: rnnCell(cellWeights(p), x, h, (z) => (activation === "tanh" ? z.tanh() : z.relu())) }),
  };
}

/** Options of lstm. */
export interface LstmOptions extends WeightOptions {
  /** Of the forget gate at the start: 1 keeps the cell. Jozefowicz et al., ICML 2015. Default: 1. */
  readonly forgetBias?: number;
  /** i and f look at c, o at c', each by a weight a unit. Gers and Schmidhuber, IJCNN 2000. Default: false. */
  readonly peepholes?: boolean;
  /** "coupled": f = 1 − i. "none": f = 1. Greff et al., https://arxiv.org/abs/1503.04069. Default: "gate". */
  readonly forget?: "gate" | "coupled" | "none";
}

/** c' = f∘c + i∘g, h' = o∘tanh(c'). Gates i, f, g, o; without a forget gate of its own i, g, o. */
export function lstmKind({ forgetBias = 1, peepholes = false, forget = "gate", ...o }: LstmOptions): Kind {
  if (!["gate", "coupled", "none"].includes(forget))
    throw new ValueError(`lstm: no forget ${forget}; use gate, coupled or none`);
  if (!Number.isFinite(forgetBias))
    throw new ValueError(`lstm: forgetBias must be finite, got ${forgetBias}; correct it`);
  const gate = forget === "gate";
  const gated = (p: Weights<Tensor>) => (gate ? p : withForgetGate(p, forget === "coupled"));
  const peep = (p: Weights<Tensor>) => (peepholes ? { i: p.peepI!, f: p.peepF!, o: p.peepO! } : undefined);
  return {
    name: "lstm",
    memory: true,
    init(key, features, units) {
      const all = weights(key, features, units, gate ? [0, forgetBias, 0, 0] : [0, 0, 0], o);
      const peephole = { ...f32(units), data: new Float64Array(units) };
      const names = gate ? ["peepI", "peepF", "peepO"] : ["peepI", "peepO"];
      return peepholes ? { ...all, ...Object.fromEntries(names.map((n) => [n, peephole])) } : all;
    },
    fused(p, x, initial, form) {
      const w = gated(p);
      const state = initial && { h: initial.h, c: initial.c as Tensor };
      const through = peepholes ? stack([w.peepI!, w.peepF!, w.peepO!], 0) : undefined;
      return recurrence.lstm(fromX(w, x), w.wh!, state, form, through);
    },
    step(p, x, { h, c }) {
      const state = { h, c: c as Tensor };
      return gate ? lstmCell(cellWeights(p), x, state, peep(p)) : ungatedCell(p, x, state, forget === "coupled");
    },
    forget(p, x, { h, c }) {
      const w = gated(p);
      const z = fromX(w, x).add(h.matmul(w.wh!)).split(4, -1)[1] as Tensor;
      return (peepholes ? z.add((c as Tensor).mul(w.peepF!)) : z).sigmoid();
    },
  };
}

/** The weights of an LSTM with a forget gate that does the same: σ(−z) = 1 − σ(z), and σ(50) is 1, with a slope of 0. */
function withForgetGate(p: Weights<Tensor>, coupled: boolean): Weights<Tensor> {
  const widen = (w: Tensor, otherwise: number) => {
    const [i, g, o] = w.split(3, -1) as [Tensor, Tensor, Tensor];
    return concat([i, coupled ? i.neg() : full(i.type, otherwise), g, o], -1);
  };
  const peepF = p.peepI && (coupled ? p.peepI.neg() : p.peepI.zerosLike());
  return { ...p, wx: widen(p.wx!, 0), wh: widen(p.wh!, 0), bias: widen(p.bias!, 50), ...(peepF ? { peepF } : {}) };
}

/** The LSTM cell with f = 1 − i (coupled) or f = 1. */
function ungatedCell(p: Weights<Tensor>, x: Tensor, { h, c }: Required<State>, coupled: boolean): Required<State> {
  const [zi, zg, zo] = fromX(p, x).add(h.matmul(p.wh!)).split(3, -1) as [Tensor, Tensor, Tensor];
  const look = (z: Tensor, at: Tensor, w: Tensor | undefined) => (w ? z.add(at.mul(w)) : z).sigmoid();
  const i = look(zi, c, p.peepI);
  const kept = coupled ? c.sub(i.mul(c)) : c;
  const next = kept.add(i.mul(zg.tanh()));
  return { c: next, h: look(zo, next, p.peepO).mul(next.tanh()) };
}

/** Options of gru. */
export interface GruOptions extends WeightOptions {
  /** The reset gate acts on h·Whn + biasH (PyTorch, cuDNN), or on h before the product (Cho et al. 2014). Default: true. */
  readonly resetAfter?: boolean;
}

/** h' = (1 − z)∘n + z∘h. Gates r, z, n; with resetAfter there is a second bias of n, biasH [H]. */
export function gruKind({ resetAfter = true, ...o }: GruOptions): Kind {
  return {
    name: "gru",
    memory: false,
    init(key, features, units) {
      const biasH = { ...f32(units), data: new Float64Array(units) };
      return { ...weights(key, features, units, [0, 0, 0], o), ...(resetAfter ? { biasH } : {}) };
    },
    fused: (p, x, initial, form) =>
      resetAfter
        ? recurrence.gru(fromX(p, x), p.wh!, p.biasH!, initial?.h, form)
        : { hs: recurrence.gruResetBefore(fromX(p, x), p.wh!, initial?.h, form) },
    step(p, x, { h }) {
      const none = p.biasH && full(f32(2 * h.shape[1]!), 0);
      const bh = none && concat([none, p.biasH!], 0);
      return { h: gruCell({ ...cellWeights(p), bh }, x, h, { resetAfter }) };
    },
  };
}

/** All states over x [T, B, F]. `observe` gets those of each step, and the forget gates that there are. */
export function runKind(
  kind: Kind,
  p: Weights<Tensor>,
  x: Tensor,
  initial: State | undefined,
  fused: boolean | Form,
  observe?: (states: readonly State[], forget: readonly Tensor[] | undefined) => void,
): States {
  if (fused && !observe) return kind.fused(p, x, initial, fused === true ? undefined : fused);
  const zeros = full(f32(x.shape[1]!, p.wh!.shape[0]!), 0);
  const first: State = initial ?? { h: zeros, ...(kind.memory ? { c: zeros } : {}) };
  const inputs = steps(x);
  const all = [first, ...unroll((x_t: Tensor, state: State) => kind.step(p, x_t, state), inputs, first)];
  observe?.(all, kind.forget && inputs.map((x_t, t) => kind.forget!(p, x_t, all[t] as State)));
  const hs = stack(
    all.map(({ h }) => h),
    0,
  );
  return kind.memory
    ? {
        hs,
        cs: stack(
          all.map(({ c }) => c as Tensor),
          0,
        ),
      }
    : { hs };
}
