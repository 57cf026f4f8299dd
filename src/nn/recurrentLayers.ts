// Recurrent layers, x [B, T, F] → [B, T, H] or the last [B, H]: rnn, lstm and gru, one or more layers deep, in one or both directions.
//
// With `lengths` i32[B] a sequence ends before T: its outputs behind that are 0, and its last state is that of its own last step. The
// steps behind the end cost nothing more: no valid step depends on them, so outputs and gradients are masked outside the recurrence.
import { dropout as drop } from "../compositions/norm.ts";
import { reverseSequence } from "../compositions/recurrence.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { f32, i32, printType, type Shape, sameShape } from "../shape/types.ts";
import { concat, full, iota, type Tensor } from "../tensor.ts";
import { fold, foldTensor } from "./key.ts";
import { type Context, type Layer, lastSize, type Params, requireSize, type Variables } from "./layer.ts";
import {
  type GruOptions,
  gruKind,
  type Kind,
  type LstmOptions,
  lstmKind,
  type RnnOptions,
  rnnKind,
  runKind,
  type State,
  type States,
  type Weights,
} from "./recurrentKinds.ts";

/** Options of all recurrent layers. */
export interface RecurrentOptions {
  /** H, the size of a state. */
  readonly units: number;
  /** The output: h of every step, or of the last. Default: "sequence". */
  readonly returns?: "sequence" | "last";
  /** Default: 1. The second layer runs over the outputs of the first. */
  readonly layers?: number;
  /** A second run from the last step to the first; outputs stand side by side, [.., 2H]. Default: false. */
  readonly bidirectional?: boolean;
  /** Of what goes from layer to layer, in training. Default: 0. */
  readonly dropout?: number;
  /** The last states of a batch are the initial ones of the next, without gradient: truncated BPTT over consecutive windows. Default: false. */
  readonly stateful?: boolean;
  /** false: a composition of plain ops, step by step, which differentiates twice. "loop", "step", a number of steps a dispatch: the form
   *  of the fused kernel, chosen by size where this is true. Default: true. */
  readonly fused?: boolean | "loop" | "step" | number;
}

/** What a run may begin with. */
export interface RunInputs {
  /** One a layer and direction: layer 0, its reverse if there is one, layer 1, … Default: zeros. */
  readonly initial?: readonly State[];
  /** i32[B], in 0 … T. */
  readonly lengths?: Tensor;
  /** x is so much of a longer sequence: what dropout drops of it is what it would drop of the whole. */
  readonly within?: {
    /** Steps before it. */
    readonly start: number;
    /** Of the whole. */
    readonly steps: number;
  };
}

/** What a run gives. */
export interface RunOutputs {
  /** The output: [B, T, H] or [B, H], with 2H where there are two directions. */
  readonly y: Tensor;
  /** As `initial`. */
  readonly last: readonly State[];
  /** All states of each layer and direction, [T+1, B, H] in the order of its run. */
  readonly states: readonly States[];
}

/** A layer that can be given states and lengths. */
export interface RecurrentLayer extends Layer {
  /** The layer's function, with all states. */
  run(variables: Variables<Tensor>, x: Tensor, context: Context, inputs?: RunInputs): RunOutputs;
}

/** h' = tanh(x·Wx + b + h·Wh), or relu. */
export const rnn = (o: RecurrentOptions & RnnOptions): RecurrentLayer => recurrent(rnnKind(o), o);
/** c' = f∘c + i∘g, h' = o∘tanh(c'), and its variants. */
export const lstm = (o: RecurrentOptions & LstmOptions): RecurrentLayer => recurrent(lstmKind(o), o);
/** h' = (1 − z)∘n + z∘h, in both forms of the reset. */
export const gru = (o: RecurrentOptions & GruOptions): RecurrentLayer => recurrent(gruKind(o), o);

function recurrent(kind: Kind, o: RecurrentOptions): RecurrentLayer {
  const { units, returns = "sequence", layers = 1, bidirectional = false, dropout = 0, stateful = false } = o;
  const { fused = true } = o;
  requireSize(kind.name, "units", units);
  requireSize(kind.name, "layers", layers);
  if (!(dropout >= 0 && dropout < 1))
    throw new ValueError(`${kind.name}: dropout must be in [0, 1), got ${dropout}; correct it`);
  if (returns !== "sequence" && returns !== "last")
    throw new ValueError(`${kind.name}: it cannot return ${returns}; use sequence or last`);
  if (typeof fused === "number") requireSize(kind.name, "fused, as steps a dispatch,", fused);
  else if (typeof fused !== "boolean" && fused !== "loop" && fused !== "step")
    throw new ValueError(`${kind.name}: no form ${fused}; use true, false, loop, step or a number of steps`);
  if (stateful && bidirectional)
    throw new ValueError(
      `${kind.name}: the backward run begins at the end of a window; leave stateful or bidirectional`,
    );
  const directions = bidirectional ? 2 : 1;
  const names = Array.from({ length: layers * directions }, (_, k) => {
    const layer = `layer${Math.floor(k / directions)}`;
    return k % directions ? `${layer}Reverse` : layer;
  });

  const run = (
    variables: Variables<Tensor>,
    x: Tensor,
    { training, key, observe }: Context,
    inputs: RunInputs = {},
  ): RunOutputs => {
    const [B, T] = sequenceSizes(kind.name, x);
    const initial = inputs.initial && checkedStates(kind, inputs.initial, names, [B, units]);
    const { lengths } = inputs;
    if (lengths) requireLengths(kind.name, lengths, B);
    const valid = lengths && iota(i32(T, B, 1)).less(lengths.reshape([B, 1]));
    const all: States[] = [];
    let s = x.transpose([1, 0, 2]);
    for (let layer = 0; layer < layers; layer++) {
      const outputs = Array.from({ length: directions }, (_, d) => {
        const k = layer * directions + d;
        const turn = (t: Tensor) => (d === 0 ? t : lengths ? reverseSequence(t, lengths) : t.flip(0));
        const p = (variables.params as Record<string, Weights<Tensor>>)[names[k]!]!;
        const show =
          observe &&
          ((seen: readonly State[], forget: readonly Tensor[] | undefined) =>
            observe({ name: `${kind.name} ${names[k]}`, states: seen, ...(forget ? { forget } : {}) }));
        const states = runKind(kind, p, turn(s), initial?.[k], fused, show);
        all.push(states);
        const hs = states.hs.slice([1, 0, 0]);
        return turn(valid ? hs.where(valid, 0) : hs);
      });
      s = concat(outputs, -1);
      if (training && dropout > 0 && layer < layers - 1) {
        const width = s.shape[2]!;
        const { start, steps } = inputs.within ?? { start: 0, steps: T };
        const mask = drop(full(f32(steps, B, width), 1), dropout, foldTensor(key, layer));
        s = s.mul(mask.slice([start, 0, 0], [start + T, B, width]));
      }
    }
    const last = all.map(({ hs, cs }) => ({ h: lastOf(hs, lengths), ...(cs ? { c: lastOf(cs, lengths) } : {}) }));
    const ends = last.slice(-directions).map(({ h }) => h);
    return { y: returns === "last" ? concat(ends, -1) : s.transpose([1, 0, 2]), last, states: all };
  };

  return {
    name: kind.name,
    run,
    init(key, input) {
      let features = lastSize(kind.name, input, 3, true, "[batch, steps, features]");
      const params: Record<string, Weights<NdArray>> = {};
      names.forEach((name, k) => {
        params[name] = kind.init(fold(key, k), features, units);
        if ((k + 1) % directions === 0) features = units * directions;
      });
      const zeros = (): NdArray => ({
        ...f32(input.shape[0]!, units),
        data: new Float64Array(input.shape[0]! * units),
      });
      const zero = () => (kind.memory ? { h: zeros(), c: zeros() } : { h: zeros() });
      const state = stateful ? Object.fromEntries(names.map((name) => [name, zero()])) : {};
      return { params: params as Params<NdArray>, state: state as unknown as Params<NdArray> };
    },
    apply(variables, x, context) {
      if (!stateful) return { y: run(variables, x, context).y, state: {} };
      const held = variables.state as unknown as Record<string, State>;
      const { y, last } = run(variables, x, context, { initial: names.map((name) => held[name]!) });
      const state = Object.fromEntries(names.map((name, k) => [name, detached(last[k]!)]));
      return { y, state: state as unknown as Params<Tensor> };
    },
  };
}

/** The state, from which no gradient flows back. */
export const detached = ({ h, c }: State): State => ({ h: h.detach(), ...(c ? { c: c.detach() } : {}) });

/** One state a run, [B, H] each; a cell that is not given is zeros. */
function checkedStates(kind: Kind, states: readonly State[], names: readonly string[], shape: Shape): State[] {
  if (states.length !== names.length)
    throw new ShapeError(
      `${kind.name}: ${states.length} initial states for ${names.length} runs (${names.join(", ")}); give one each`,
    );
  return states.map(({ h, c }, k) => {
    for (const [what, t] of Object.entries({ h, ...(c ? { c } : {}) }))
      if (t.dtype !== "f32" || !sameShape(t.shape, shape))
        throw new ShapeError(
          `${kind.name}: the initial ${what} of ${names[k]} is ${printType(t.type)}, wanted f32[${shape}] ([${t.shape}] vs [${shape}]); give one row a sequence`,
        );
    return kind.memory ? { h, c: c ?? h.zerosLike() } : { h };
  });
}

/** Of sequences: i32[B]. Throws ShapeError. */
export function requireLengths(name: string, lengths: Tensor, batch: number): void {
  if (lengths.dtype !== "i32" || !sameShape(lengths.shape, [batch]))
    throw new ShapeError(
      `${name}: lengths are ${printType(lengths.type)}, wanted i32[${batch}] ([${lengths.shape}] vs [${batch}]); give one a sequence`,
    );
}

function sequenceSizes(name: string, x: Tensor): [number, number] {
  if (x.rank !== 3)
    throw new ShapeError(
      `${name}: input must be [batch, steps, features], got ${printType(x.type)} (rank ${x.rank} vs 3); reshape it`,
    );
  return [x.shape[0]!, x.shape[1]!];
}

/** Of states [T+1, B, H], the last, or the one at each length. */
function lastOf(states: Tensor, lengths: Tensor | undefined): Tensor {
  const [count, B, H] = states.shape as [number, number, number];
  if (!lengths) return states.slice([count - 1, 0, 0]).squeeze(0);
  return states
    .where(iota(i32(count, B, 1)).equal(lengths.reshape([B, 1])), 0)
    .sum(0)
    .reshape([B, H]);
}
