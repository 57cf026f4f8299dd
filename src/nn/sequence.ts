// Layers round recurrent ones: sequences are [B, T, F].
//
//   one-to-one    dense                                   many-to-one    lstm({ returns: "last" })
//   one-to-many   oneToMany(T), lstm; or feedback(…)      many-to-many   lstm, timeDistributed(dense(…))
//
// A loss at the last step is one of the many-to-one output, a loss summed over steps one of the many-to-many output.
import { ShapeError, ValueError } from "../shape/errors.ts";
import { numel, printType, type Shape, type TensorType } from "../shape/types.ts";
import { stack, type Tensor } from "../tensor.ts";
import { type Initialiser, normal } from "./initialisers.ts";
import { fold } from "./key.ts";
import { type Layer, lastSize, outputType, type Params, requireSize, stateless } from "./layer.ts";
import {
  type GruOptions,
  gruKind,
  type Kind,
  type LstmOptions,
  lstmKind,
  type RnnOptions,
  rnnKind,
  type State,
  type Weights,
} from "./recurrentKinds.ts";

/** [N, …] → [N, shape…] */
export function reshape(...shape: number[]): Layer {
  return stateless("reshape", (x) => x.reshape([x.shape[0]!, ...shape]));
}

/** Options of embedding. */
export interface EmbeddingOptions {
  /** Of the vocabulary. */
  readonly size: number;
  /** Size of a token's row. */
  readonly units: number;
  /** Default: normal with deviation 0.05. */
  readonly initialiser?: Initialiser;
}

/** Tokens, integers […] → their rows […, units] of weight [size, units]. f32 tokens are cast. */
export function embedding({ size, units, initialiser = normal() }: EmbeddingOptions): Layer {
  requireSize("embedding", "size", size);
  requireSize("embedding", "units", units);
  return {
    name: "embedding",
    init: (key) => ({ params: { weight: initialiser(fold(key, 0), [size, units]) }, state: {} }),
    apply({ params }, x) {
      const { weight } = params as { weight: Tensor };
      return { y: weight.gather(x.dtype === "f32" || x.dtype === "u8" ? x.cast("i32") : x), state: {} };
    },
  };
}

/** Applies a layer to every step: [B, T, …] → [B, T, …], the steps of all sequences as one batch. */
export function timeDistributed(layer: Layer): Layer {
  const merged = (shape: Shape): Shape => {
    if (shape.length < 2)
      throw new ShapeError(
        `timeDistributed: input must be [batch, steps, …], got [${shape}] (rank ${shape.length} vs ≥ 2); reshape it`,
      );
    return [shape[0]! * shape[1]!, ...shape.slice(2)];
  };
  return {
    name: `timeDistributed_${layer.name}`,
    ...(layer.layers ? { layers: layer.layers } : {}),
    init: (key, input) => layer.init(key, { ...input, shape: merged(input.shape) }),
    apply(variables, x, context) {
      const { y, state } = layer.apply(variables, x.reshape(merged(x.shape)), context);
      return { y: y.reshape([x.shape[0]!, x.shape[1]!, ...y.shape.slice(1)]), state };
    },
  };
}

/** x enters at step 0, zeros after: [B, F] → [B, T, F]. */
export function oneToMany(steps: number): Layer {
  requireSize("oneToMany", "steps", steps);
  return stateless("oneToMany", (x) => {
    lastSize("oneToMany", x.type, 2, true, "[batch, features]");
    return x.unsqueeze(1).pad([0, 0, 0], [0, steps - 1, 0]);
  });
}

/** Options of the cell that is taken; of the others they are without effect. */
export interface FeedbackOptions extends RnnOptions, LstmOptions, GruOptions {
  /** Which recurrence. */
  readonly cell: "rnn" | "lstm" | "gru";
  /** H, the size of a state. */
  readonly units: number;
  /** T, how many outputs. */
  readonly steps: number;
  /** Makes the output of a step from its h [B, H]; that output is the next step's input, so it has the input's shape. */
  readonly output: Layer;
}

/** One-to-many with feedback: x enters at step 0, then each step takes the output of the step before. [B, F] → [B, T, F]. */
export function feedback({ cell, units, steps, output, ...options }: FeedbackOptions): Layer {
  requireSize("feedback", "units", units);
  requireSize("feedback", "steps", steps);
  const kinds: Record<string, () => Kind> = {
    rnn: () => rnnKind(options),
    lstm: () => lstmKind(options),
    gru: () => gruKind(options),
  };
  if (!Object.hasOwn(kinds, cell)) throw new ValueError(`feedback: no cell ${cell}; use rnn, lstm or gru`);
  const kind = (kinds[cell] as () => Kind)();
  return {
    name: "feedback",
    init(key, input) {
      const features = lastSize("feedback", input, 2, true, "[batch, features]");
      const h: TensorType = { dtype: "f32", shape: [input.shape[0]!, units] };
      const made = output.init(fold(key, 1), h);
      const { shape } = outputType(output, made, h);
      if (numel(shape) !== numel(input.shape))
        throw new ShapeError(
          `feedback: an output is [${shape}] and the input ${printType(input)} (${shape.at(-1)} vs ${features} features); they must be equal`,
        );
      return { params: { cell: kind.init(fold(key, 0), features, units), output: made.params }, state: made.state };
    },
    apply({ params, state }, x, context) {
      const p = params as unknown as { cell: Weights<Tensor>; output: Params<Tensor> };
      const zeros = p.cell.wh!.slice([0, 0], [1, units]).zerosLike().broadcastTo([x.shape[0]!, units]);
      const states: State[] = [kind.memory ? { h: zeros, c: zeros } : { h: zeros }];
      const ys: Tensor[] = [];
      let held = state;
      for (let t = 0; t < steps; t++) {
        const next = kind.step(p.cell, ys.at(-1) ?? x, states[t]!);
        const made = output.apply({ params: p.output, state: held }, next.h, context);
        held = made.state;
        states.push(next);
        ys.push(made.y);
      }
      const forget = kind.forget && states.slice(1).map((_, t) => kind.forget!(p.cell, ys[t - 1] ?? x, states[t]!));
      context.observe?.({ name: `feedback ${cell}`, states, ...(forget ? { forget } : {}) });
      return { y: stack(ys, 1), state: held };
    },
  };
}
