// RNN, LSTM and GRU, by the library's layers: X [T,B,I] (layout 1: [B,T,I]), W [D, G·H, I], R [D, G·H, H], B [D, 2·G·H] = Wb then Rb, lengths
// i32[B], initial states [D,B,H] (layout 1: [B,D,H]), peepholes P [D, 3·H] = i, o, f; in D directions.
import { reverseSequence } from "../../compositions/recurrence.ts";
import type { Context } from "../../nn/layer.ts";
import { gru, lstm, type RecurrentLayer, type RunOutputs, rnn } from "../../nn/recurrentLayers.ts";
import { FormatError, UnsupportedError } from "../../shape/errors.ts";
import { u32 } from "../../shape/types.ts";
import { concat, full, stack, type Tensor } from "../../tensor.ts";
import type { Builder, Operator } from "../operator.ts";

type Weights = Record<string, Tensor>;

interface Kind {
  /** The library's gates, as places in ONNX's order. */
  readonly order: readonly number[];
  readonly activations: readonly string[];
  readonly memory: boolean;
  layer(n: Operator, options: { units: number; bidirectional: boolean }): RecurrentLayer;
  /** The weights of a direction besides wx and wh, from the biases with x and with h and the peepholes. */
  weights(n: Operator, bx: Tensor, bh: Tensor, peepholes: Tensor | undefined): Weights;
}

/** Part d of axis 0, without the axis. */
function part(t: Tensor, d: number): Tensor {
  const rest = t.shape.slice(1);
  return t.slice([d, ...rest.map(() => 0)], [d + 1, ...rest]).reshape(rest);
}

const resetAfter = (n: Operator): boolean => n.attributes.flag("linear_before_reset");

const kinds: Readonly<Record<string, Kind>> = {
  RNN: {
    order: [0],
    activations: ["Tanh"],
    memory: false,
    layer(n, options) {
      const names = n.attributes.texts("activations", ["Tanh"]);
      const [name] = names;
      if ((name !== "Tanh" && name !== "Relu") || names.some((other) => other !== name))
        throw new UnsupportedError(`activations ${names}`);
      return rnn({ ...options, activation: name === "Tanh" ? "tanh" : "relu" });
    },
    weights: (_, bx, bh) => ({ bias: bx.add(bh) }),
  },
  LSTM: {
    order: [0, 2, 3, 1], // i, o, f, c
    activations: ["Sigmoid", "Tanh", "Tanh"],
    memory: true,
    layer(n, options) {
      if (n.attributes.flag("input_forget")) throw new UnsupportedError("input_forget");
      return lstm({ ...options, peepholes: n.has(7) });
    },
    weights(_, bx, bh, peepholes): Weights {
      const bias = bx.add(bh);
      if (!peepholes) return { bias };
      const [peepI, peepO, peepF] = peepholes.split(3, 0) as [Tensor, Tensor, Tensor];
      return { bias, peepI, peepF, peepO };
    },
  },
  GRU: {
    order: [1, 0, 2], // z, r, h
    activations: ["Sigmoid", "Tanh"],
    memory: false,
    layer: (n, options) => gru({ ...options, resetAfter: resetAfter(n) }),
    weights(n, bx, bh): Weights {
      if (!resetAfter(n)) return { bias: bx.add(bh) };
      const [x, h] = [bx.split(3, 0), bh.split(3, 0)];
      return { bias: concat([x[0]!.add(h[0]!), x[1]!.add(h[1]!), x[2]!], 0), biasH: h[2]! };
    },
  },
};

/** Blocks of H columns in another order. */
function reordered(t: Tensor, order: readonly number[]): Tensor {
  const blocks = t.split(order.length, -1);
  return concat(
    order.map((k) => blocks[k]!),
    -1,
  );
}

function weightsOf(n: Operator, kind: Kind, d: number): Weights {
  const [wx, wh] = [1, 2].map((k) => reordered(part(n.get(k), d).transpose(), kind.order)) as [Tensor, Tensor];
  const width = wx.shape[1] as number;
  const biases = n.maybe(3)
    ? part(n.get(3), d).split(2, 0)
    : [0, 1].map(() => full({ dtype: "f32", shape: [width] }, 0));
  const [bx, bh] = biases.map((b) => reordered(b, kind.order)) as [Tensor, Tensor];
  const peepholes = n.maybe(7);
  return { wx, wh, ...kind.weights(n, bx, bh, peepholes && part(peepholes, d)) };
}

const recurrence =
  (kind: Kind): Builder =>
  (n) => {
    requireKnown(n, kind);
    const batchFirst = n.attributes.number("layout", 0) === 1;
    const swapped = (t: Tensor) => t.transpose(t.shape.map((_, d) => (d < 2 ? 1 - d : d)));
    const steps = batchFirst ? swapped(n.get(0)) : n.get(0); // [T,B,I]
    if (steps.rank !== 3) throw new FormatError(`X must have three axes, got ${steps.rank}`);
    const direction = n.attributes.text("direction", "forward");
    const directions = direction === "bidirectional" ? 2 : 1;
    const lengths = n.maybe(4)?.cast("i32");
    const turn = (t: Tensor) => (direction !== "reverse" ? t : lengths ? reverseSequence(t, lengths) : t.flip(0));

    const state = (k: number) => n.maybe(k) && (batchFirst ? swapped(n.get(k)) : n.get(k));
    const [h0, c0] = [state(5), kind.memory ? state(6) : undefined];
    const given = h0 ?? c0;
    const initial =
      given &&
      Array.from({ length: directions }, (_, d) => {
        const at = (t: Tensor | undefined) => (t ? part(t, d) : part(given, d).zerosLike());
        return { h: at(h0), ...(kind.memory ? { c: at(c0) } : {}) };
      });
    const units = n.get(2).shape.at(-1) as number;
    const layer = kind.layer(n, { units, bidirectional: directions === 2 });
    const params = {
      layer0: weightsOf(n, kind, 0),
      ...(directions === 2 ? { layer0Reverse: weightsOf(n, kind, 1) } : {}),
    };
    const context: Context = { training: false, key: full(u32(2), 0) };
    const run = layer.run({ params, state: {} }, swapped(turn(steps)), context, {
      ...(initial ? { initial } : {}),
      ...(lengths ? { lengths } : {}),
    });
    return outputsOf(run, { directions, turn, batchFirst, memory: kind.memory });
  };

interface Form {
  readonly directions: number;
  readonly turn: (t: Tensor) => Tensor;
  readonly batchFirst: boolean;
  readonly memory: boolean;
}

/** Y [T,D,B,H] (layout 1: [B,T,D,H]), Y_h and Y_c [D,B,H] (layout 1: [B,D,H]). */
function outputsOf({ y, last }: RunOutputs, { directions, turn, batchFirst, memory }: Form): (Tensor | undefined)[] {
  const [B, T, width] = y.shape as [number, number, number];
  const all = turn(y.transpose([1, 0, 2])).reshape([T, B, directions, width / directions]);
  const states = (list: readonly Tensor[]) => stack(list, batchFirst ? 1 : 0);
  return [
    all.transpose(batchFirst ? [1, 0, 2, 3] : [0, 2, 1, 3]),
    states(last.map(({ h }) => h)),
    memory ? states(last.map(({ c }) => c!)) : undefined,
  ];
}

function requireKnown(n: Operator, kind: Kind): void {
  const a = n.attributes;
  if (a.has("clip")) throw new UnsupportedError("clip");
  if (!["forward", "reverse", "bidirectional"].includes(a.text("direction", "forward")))
    throw new UnsupportedError(`direction ${a.text("direction")}`);
  if (kind === kinds.RNN) return; // has a choice
  const given = a.texts("activations", kind.activations);
  if (given.some((name, i) => name !== kind.activations[i % kind.activations.length]))
    throw new UnsupportedError(`activations ${given}`);
}

export const recurrent: Readonly<Record<string, Builder>> = Object.fromEntries(
  Object.entries(kinds).map(([name, kind]) => [name, recurrence(kind)]),
);
