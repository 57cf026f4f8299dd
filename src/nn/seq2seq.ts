// Encoder–decoder: an LSTM reads the source, another writes the target from the first one's last state, and looks at all the source's states
// by attention (Luong et al. 2015, https://arxiv.org/abs/1508.04025):
//
//   logits[t] = [d[t], attention(d[t], encoder's states)]·W + b
//
// In training the decoder is given the target (teacher forcing), so that it runs over all steps at once; `decode` gives it its own output.
import { ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { f32, i32, printType } from "../shape/types.ts";
import { concat, full, stack, type Tensor } from "../tensor.ts";
import { type AdditiveWeights, additiveAttention, additiveWeights, dotAttention } from "./attention.ts";
import { glorotUniform, normal } from "./initialisers.ts";
import { fold } from "./key.ts";
import { type Context, type Layer, type Params, requireSize, type Variables } from "./layer.ts";
import { lstm, type RunInputs } from "./recurrentLayers.ts";

/** Options of seq2seq. */
export interface Seq2seqOptions {
  /** Tokens are 0 … vocabulary − 1. */
  readonly vocabulary: number;
  /** H, of encoder and decoder. */
  readonly units: number;
  /** Of the source; the rest of a row of x is the decoder's input. */
  readonly sourceLength: number;
  /** Size of a token's vector. Default: the units. */
  readonly embedding?: number;
  /** Default: dot. */
  readonly attention?: "dot" | "additive";
}

/** An encoder and a decoder with attention, as a layer of tokens. */
export interface Seq2seq extends Layer {
  /** The most probable token at each step, fed back, from token `start`: source i32[B, S] → tokens i32[B, steps], and where it looked,
   *  weights [B, steps, S]. */
  decode(
    params: Params<Tensor>,
    source: Tensor,
    start: number,
    steps: number,
  ): {
    /** i32[B, steps] */
    tokens: Tensor;
    /** [B, steps, S] */
    weights: Tensor;
  };
}

interface Weights<T> {
  readonly embedding: T;
  readonly encoder: Params<T>;
  readonly decoder: Params<T>;
  readonly weight: T;
  readonly bias: T;
  readonly attention?: AdditiveWeights<T>;
}

/** x [B, S + T]: source tokens, then the start token and the target but for its last → logits [B, T, vocabulary] */
export function seq2seq(o: Seq2seqOptions): Seq2seq {
  const { vocabulary, units, sourceLength, embedding = units, attention = "dot" } = o;
  for (const [what, size] of Object.entries({ vocabulary, units, sourceLength, embedding }))
    requireSize("seq2seq", what, size);
  if (attention !== "dot" && attention !== "additive")
    throw new ValueError(`seq2seq: no attention ${attention}; use dot or additive`);
  const recurrent = lstm({ units });

  const run = (p: Weights<Tensor>, part: "encoder" | "decoder", tokens: Tensor, context: Context, inputs?: RunInputs) =>
    recurrent.run({ params: p[part], state: {} }, p.embedding.gather(tokens), context, inputs);
  const look = (p: Weights<Tensor>, states: Tensor, source: Tensor) => {
    const { y, weights } = p.attention
      ? additiveAttention(p.attention, states, source)
      : dotAttention(states, source, source, { scale: 1 });
    return { logits: concat([states, y], -1).matmul(p.weight).add(p.bias), weights };
  };

  return {
    name: "seq2seq",
    init(key) {
      const sequence = { dtype: "f32", shape: [1, 1, embedding] } as const;
      const made = (part: number) => recurrent.init(fold(key, part), sequence).params;
      const params: Weights<NdArray> = {
        embedding: normal(0, 0.1)(fold(key, 0), [vocabulary, embedding]),
        ...{ encoder: made(1), decoder: made(2) },
        weight: glorotUniform(fold(key, 3), [2 * units, vocabulary]),
        bias: { ...f32(vocabulary), data: new Float64Array(vocabulary) },
        ...(attention === "additive" ? { attention: additiveWeights(fold(key, 4), units, units, units) } : {}),
      };
      return { params: params as unknown as Params<NdArray>, state: {} };
    },
    apply({ params }: Variables<Tensor>, x, context) {
      const p = params as unknown as Weights<Tensor>;
      requireTokens(x, sourceLength + 1);
      const tokens = x.cast("i32");
      const B = x.shape[0]!;
      const source = run(p, "encoder", tokens.slice([0, 0], [B, sourceLength]), context);
      const target = run(p, "decoder", tokens.slice([0, sourceLength]), context, { initial: source.last });
      return { y: look(p, target.y, source.y).logits, state: {} };
    },
    decode(params, source, start, steps) {
      const p = params as unknown as Weights<Tensor>;
      requireTokens(source, sourceLength);
      requireSize("seq2seq", "steps", steps);
      const context: Context = { training: false, key: full({ dtype: "u32", shape: [2] }, 0) };
      const encoded = run(p, "encoder", source, context);
      let token = full(i32(source.shape[0]!, 1), start);
      let initial = encoded.last;
      const found = Array.from({ length: steps }, () => {
        const { y, last } = run(p, "decoder", token, context, { initial });
        const { logits, weights } = look(p, y, encoded.y);
        token = logits.argmax(-1);
        initial = last;
        return { token: token.squeeze(1), weights: weights.squeeze(1) };
      });
      return {
        tokens: stack(found.map((f) => f.token), 1), // biome-ignore format: two alike
        weights: stack(
          found.map((f) => f.weights),
          1,
        ),
      };
    },
  };
}

/** Of a batch, in rows of at least so many. */
function requireTokens({ rank, shape, type }: Tensor, least: number): void {
  if (rank !== 2 || shape[1]! < least)
    throw new ShapeError(
      `seq2seq: tokens must be [batch, ≥ ${least}], got ${printType(type)} (${shape.at(-1)} vs ≥ ${least}); give the source, and in training the start token and the target behind it`,
    );
}
