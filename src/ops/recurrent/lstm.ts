// LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), all steps in one op:
//
//   z = x[t] + h·Wh, gates i, f, g, o side by side      i, f, o = σ(z), g = tanh(z)
//   c' = f∘c + i∘g,  h' = o∘tanh(c')
//
// x holds x·Wx + b of every step, so that one matrix product makes it; so do dWx, db and dWh from dz, after the loop. The gradient does not
// differentiate again: for second derivatives use the composition of nn/recurrent.ts.
import { lstm as cell } from "../../../shaders/lstm.ts";
import { backward, forward } from "../../../shaders/recurrent.ts";
import type { CustomKernel, Op } from "../../graph/op.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate, type NdArray } from "../../shape/ndarray.ts";
import { f32, numel, type TensorType } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { dispatchesOf, type FormParams, formOf, requireShape, sizesOf, statesSizes, tileOf } from "./kernel.ts";

export interface LstmParams extends FormParams {
  /** h0 and c0 are given. */
  readonly initial: boolean;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const empty = (types: readonly TensorType[]): NdArray[] =>
  types.map((t) => ({ ...t, data: allocate(t.dtype, numel(t.shape)) }));

const lstmKernel: CustomKernel<LstmParams> = {
  kind: "custom",
  dispatches({ inputs: [x, wh], params }, adapter) {
    const s = sizesOf("lstm", x!, wh!, 4);
    const tile = tileOf(s, 4, adapter, params);
    return dispatchesOf("lstm", s, tile, 4, false, ({ inputs, outputs }, which) => {
      const [x, wh, h0, c0] = inputs;
      const [hs, cs, saved] = outputs;
      return forward(cell, s, tile, { x, wh, h0, c0, hs, cs, saved }, which);
    });
  },
};

/** (x [T,B,4H], wh [H,4H], h0, c0 [B,H] or neither) → hs, cs [T+1,B,H], the initial state first, gates [T,B,4H] */
export const lstm: Op<LstmParams> = {
  name: "lstm",
  type([x, wh, h0, c0], { initial }) {
    const { steps, batch, units } = sizesOf("lstm", x!, wh!, 4);
    if (initial) for (const [what, t] of Object.entries({ h0, c0 })) requireShape("lstm", what, t!, [batch, units]);
    const states = f32(steps + 1, batch, units);
    return [states, states, x!];
  },
  reference([x, wh, h0, c0], _params, types) {
    const [hs, cs, gates] = empty(types);
    const [T, B, width] = x!.shape as [number, number, number];
    const H = width / 4;
    for (let i = 0; i < B * H; i++) {
      hs!.data[i] = h0?.data[i] ?? 0;
      cs!.data[i] = c0?.data[i] ?? 0;
    }
    for (let t = 0; t < T; t++)
      for (let b = 0; b < B; b++)
        for (let j = 0; j < H; j++) {
          const row = t * B + b;
          const z = [0, 1, 2, 3].map((gate) => {
            let sum = x!.data[row * width + gate * H + j]!;
            for (let k = 0; k < H; k++) sum += hs!.data[row * H + k]! * wh!.data[k * width + gate * H + j]!;
            return sum;
          });
          const [i, f, o] = [sigmoid(z[0]!), sigmoid(z[1]!), sigmoid(z[3]!)];
          const g = Math.tanh(z[2]!);
          const c = f * cs!.data[row * H + j]! + i * g;
          [i, f, g, o].forEach((v, gate) => {
            gates!.data[row * width + gate * H + j] = v;
          });
          cs!.data[(row + B) * H + j] = c;
          hs!.data[(row + B) * H + j] = o * Math.tanh(c);
        }
    return [hs!, cs!, gates!];
  },
  kernel: lstmKernel,
  gradient: ([dhs, dcs, dgates], { inputs: [, wh], outputs: [hs, cs, gates], params, apply }) => {
    if (dgates) throw new ValueError("lstm: the gates have no gradient; take them from the composition nn.lstmCell");
    const [T, B, width] = gates!.shape as [number, number, number];
    const upstream = dhs ?? hs!.zerosLike();
    const given = [upstream, wh!.transpose(), cs!, gates!, ...(dcs ? [dcs] : [])];
    const [dz, dc] = apply(lstmGrad, given, { cells: dcs !== null, ...formOf(params.form) }) as [Tensor, Tensor];
    const first = (t: Tensor) => t.slice([0, 0, 0], [1, B, t.shape[2]!]).squeeze(0);
    const before = hs!.slice([0, 0, 0], [T, B, width / 4]).reshape([T * B, width / 4]);
    const dwh = before.transpose().matmul(dz.reshape([T * B, width]));
    if (!params.initial) return [dz, dwh];
    const dh0 = first(dz).matmul(wh!.transpose()).add(first(upstream));
    return [dz, dwh, dh0, dcs ? dc.add(first(dcs)) : dc];
  },
};

export interface LstmGradParams extends FormParams {
  /** dcs is given. */
  readonly cells: boolean;
}

/** (dhs [T+1,B,H], whᵀ [4H,H], cs [T+1,B,H], gates [T,B,4H], dcs [T+1,B,H] if given) → dz [T,B,4H], dc [B,H] of the initial cell:
 *
 *    dh = dhs[t+1] + dz[t+1]·whᵀ,  dc = dcs[t+1] + dh∘o∘(1 − tanh²c') + (dc∘f of step t+1),
 *    dz = dc∘g∘i(1 − i), dc∘c∘f(1 − f), dc∘i∘(1 − g²), dh∘tanh(c')∘o(1 − o) */
export const lstmGrad: Op<LstmGradParams> = {
  name: "lstmGrad",
  type([dhs, whT, cs, gates, dcs], { cells }) {
    const { steps, batch, units } = statesSizes("lstmGrad", dhs!);
    requireShape("lstmGrad", "wh transposed", whT!, [4 * units, units]);
    requireShape("lstmGrad", "cs", cs!, dhs!.shape);
    requireShape("lstmGrad", "gates", gates!, [steps, batch, 4 * units]);
    if (cells) requireShape("lstmGrad", "dcs", dcs!, dhs!.shape);
    return [gates!, f32(batch, units)];
  },
  reference([dhs, whT, cs, gates, dcs], _params, types) {
    const [dz, carry] = empty(types);
    const [T, B, width] = gates!.shape as [number, number, number];
    const H = width / 4;
    for (let t = T - 1; t >= 0; t--)
      for (let b = 0; b < B; b++)
        for (let j = 0; j < H; j++) {
          const row = t * B + b;
          const next = (row + B) * H + j;
          let dh = dhs!.data[next]!;
          if (t < T - 1) for (let n = 0; n < width; n++) dh += dz!.data[(row + B) * width + n]! * whT!.data[n * H + j]!;
          const [i, f, g, o] = [0, 1, 2, 3].map((gate) => gates!.data[row * width + gate * H + j]!);
          const squashed = Math.tanh(cs!.data[next]!);
          const dc = carry!.data[b * H + j]! + (dcs?.data[next] ?? 0) + dh * o! * (1 - squashed ** 2);
          const d = [
            dc * g! * i! * (1 - i!),
            dc * cs!.data[row * H + j]! * f! * (1 - f!),
            dc * i! * (1 - g! ** 2),
            dh * squashed * o! * (1 - o!),
          ];
          d.forEach((v, gate) => {
            dz!.data[row * width + gate * H + j] = v;
          });
          carry!.data[b * H + j] = dc * f!;
        }
    return [dz!, carry!];
  },
  kernel: {
    kind: "custom",
    dispatches({ inputs: [dhs], params }, adapter) {
      const s = statesSizes("lstmGrad", dhs!);
      const tile = tileOf(s, 1, adapter, params);
      return dispatchesOf("lstmGrad", s, tile, 4, true, ({ inputs, outputs }, which) => {
        const [dhs, whT, cs, saved, dcs] = inputs;
        const [d, carry] = outputs;
        return backward(cell, s, tile, { dhs, whT, cs, saved, dcs, d, carry }, which);
      });
    },
  },
  gradient: () => {
    throw new ValueError("lstm: its gradient does not differentiate again; use the composition (fused: false)");
  },
};
