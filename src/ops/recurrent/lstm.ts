// LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), all steps in one op:
//
//   z = x[t] + h·Wh, gates i, f, g, o side by side      i, f, o = σ(z), g = tanh(z)
//   c' = f∘c + i∘g,  h' = o∘tanh(c')
//
// With peepholes p [3,H] (Gers and Schmidhuber, IJCNN 2000) zi and zf also have c∘p[0] and c∘p[1], zo has c'∘p[2].
//
// x holds x·Wx + b of every step, so that one matrix product makes it; so do dWx, db and dWh from dz, after the loop. The gradient does not
// differentiate again: for second derivatives use the composition of nn/recurrent.ts.
import { lstm as cell, lstmWithPeepholes } from "../../../shaders/lstm.ts";
import type { Cell, Sizes, Tile } from "../../../shaders/recurrence.ts";
import { backward, forward } from "../../../shaders/recurrent.ts";
import type { CustomKernel, Op } from "../../graph/op.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate, type NdArray } from "../../shape/ndarray.ts";
import { f32, numel, type TensorType } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { custom } from "../custom.ts";
import {
  dispatchesOf,
  type FormParams,
  formOf,
  heldTileOf,
  holdsProjection,
  partialsOf,
  requireShape,
  sizesOf,
  statesSizes,
} from "./kernel.ts";
import { withProjection } from "./project.ts";

export interface LstmParams extends FormParams {
  /** h0 and c0 are given. */
  readonly initial: boolean;
  readonly peepholes?: true;
  /** Of a step in a plan: in the place of x are x [T·B,F], Wx [F,4H] and b [4H] (project.ts). */
  readonly projected?: true;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const empty = (types: readonly TensorType[]): NdArray[] =>
  types.map((t) => ({ ...t, data: allocate(t.dtype, numel(t.shape)) }));

/** The inputs by name: p is the peepholes. */
function named<T>(inputs: readonly T[], { peepholes, projected }: LstmParams) {
  const [x, wx, b] = inputs as readonly [T, T?, T?];
  const [wh, ...others] = inputs.slice(projected ? 3 : 1) as [T, ...T[]];
  const [p, h0, c0] = peepholes ? others : [undefined, ...others];
  return { x, wh, p, h0, c0, ...(projected && { wx, b }) };
}

const cellOf = (peepholes: string | undefined, { units }: Sizes, { width }: Tile): Cell =>
  peepholes ? lstmWithPeepholes(peepholes, units / width) : cell;

const lstmKernel: CustomKernel<LstmParams> = {
  ...custom,
  // peepholes or an initial state besides would be more arrays than every device can bind
  absorb(spec, adapter) {
    const [x, wh] = spec.inputs.map(({ type }) => type) as [TensorType, TensorType];
    const s = sizesOf("lstm", x, wh, 4);
    const tile = heldTileOf(s, 4, adapter, spec.params as LstmParams, false);
    const fits = (features: number) => holdsProjection(s, 4, tile, features);
    return spec.inputs.length === 2 ? withProjection(spec, fits) : null;
  },
  dispatches({ inputs, outputs: [, , gates], params }, adapter) {
    const { wh, wx } = named(inputs, params);
    const s = { ...sizesOf("lstm", gates!, wh, 4), ...(wx && { features: wx.shape[0] as number }) };
    const tile = heldTileOf(s, 4, adapter, params, false);
    return dispatchesOf("lstm", s, tile, 4, false, ({ inputs, outputs }, which) => {
      const { p, ...given } = named(inputs, params);
      const [hs, cs, saved] = outputs;
      return forward(cellOf(p, s, tile), s, tile, { ...given, hs, cs, saved }, which);
    });
  },
};

/** (x [T,B,4H], wh [H,4H], peepholes i, f, o [3,H] if there are, h0, c0 [B,H] or neither) → hs, cs [T+1,B,H], the initial state first, gates
 *  [T,B,4H] */
export const lstm: Op<LstmParams> = {
  name: "lstm",
  type(inputs, params) {
    const { x, wh, p, h0, c0 } = named(inputs, params);
    const { steps, batch, units } = sizesOf("lstm", x, wh, 4);
    if (p) requireShape("lstm", "peepholes", p, [3, units]);
    if (params.initial)
      for (const [what, t] of Object.entries({ h0, c0 })) requireShape("lstm", what, t!, [batch, units]);
    const states = f32(steps + 1, batch, units);
    return [states, states, x];
  },
  reference(inputs, params, types) {
    const { x, wh, p, h0, c0 } = named(inputs, params);
    const [hs, cs, gates] = empty(types);
    const [T, B, width] = x.shape as [number, number, number];
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
            let sum = x.data[row * width + gate * H + j]!;
            for (let k = 0; k < H; k++) sum += hs!.data[row * H + k]! * wh.data[k * width + gate * H + j]!;
            return sum;
          });
          const before = cs!.data[row * H + j]!;
          const seen = (c: number, gate: number) => (p ? c * p.data[gate * H + j]! : 0);
          const [i, f] = [sigmoid(z[0]! + seen(before, 0)), sigmoid(z[1]! + seen(before, 1))];
          const g = Math.tanh(z[2]!);
          const c = f * before + i * g;
          const o = sigmoid(z[3]! + seen(c, 2));
          [i, f, g, o].forEach((v, gate) => {
            gates!.data[row * width + gate * H + j] = v;
          });
          cs!.data[(row + B) * H + j] = c;
          hs!.data[(row + B) * H + j] = o * Math.tanh(c);
        }
    return [hs!, cs!, gates!];
  },
  kernel: lstmKernel,
  gradient: ([dhs, dcs, dgates], { inputs, outputs: [hs, cs, gates], params, apply }) => {
    if (dgates) throw new ValueError("lstm: the gates have no gradient; take them from the composition nn.lstmCell");
    const { wh, p } = named(inputs, params);
    const [T, B, width] = gates!.shape as [number, number, number];
    const upstream = dhs ?? hs!.zerosLike();
    const given = [upstream, wh.transpose(), cs!, gates!, ...(p ? [p] : []), ...(dcs ? [dcs] : [])];
    const own = { cells: dcs !== null, ...(p ? { peepholes: true } : {}), ...formOf(params.form) };
    const [dz, dc] = apply(lstmGrad, given, own) as [Tensor, Tensor];
    const first = (t: Tensor) => t.slice([0, 0, 0], [1, B, t.shape[2]!]).squeeze(0);
    const before = hs!.slice([0, 0, 0], [T, B, width / 4]).reshape([T * B, width / 4]);
    const dwh = before.transpose().matmul(dz.reshape([T * B, width]));
    const gradients = p ? [dz, dwh, peepholeGradient(dz, cs!)] : [dz, dwh];
    if (!params.initial) return gradients;
    const dh0 = first(dz).matmul(wh.transpose()).add(first(upstream));
    return [...gradients, dh0, dcs ? dc.add(first(dcs)) : dc];
  },
};

/** Of peepholes [3,H], from dz [T,B,4H] and cs [T+1,B,H]: Σ dzi∘c, Σ dzf∘c, Σ dzo∘c'. */
function peepholeGradient(dz: Tensor, cs: Tensor): Tensor {
  const [T, B, width] = dz.shape as [number, number, number];
  const H = width / 4;
  return [0, 1, 3]
    .map((gate, row) => {
      const seen = gate === 3 ? cs.slice([1, 0, 0]) : cs.slice([0, 0, 0], [T, B, H]);
      const sum = dz
        .slice([0, 0, gate * H], [T, B, (gate + 1) * H])
        .mul(seen)
        .sum([0, 1]);
      return sum.reshape([1, H]).pad([row, 0], [2 - row, 0]);
    })
    .reduce((a, b) => a.add(b));
}

export interface LstmGradParams extends FormParams {
  /** dcs is given. */
  readonly cells: boolean;
  readonly peepholes?: true;
}

/** The inputs by name: p is the peepholes. */
function namedOfGrad<T>(inputs: readonly T[], { peepholes }: LstmGradParams) {
  const [dhs, whT, cs, saved] = inputs as readonly [T, T, T, T];
  const [p, dcs] = (peepholes ? inputs.slice(4) : [undefined, inputs[4]]) as (T | undefined)[];
  return { dhs, whT, cs, saved, p, dcs };
}

/** (dhs [T+1,B,H], whᵀ [4H,H], cs [T+1,B,H], gates [T,B,4H], peepholes [3,H] if there are, dcs [T+1,B,H] if given) → dz [T,B,4H], dc [B,H] of the
 *  initial cell:
 *
 *    dh = dhs[t+1] + dz[t+1]·whᵀ,  dc = dcs[t+1] + dh∘o∘(1 − tanh²c') + dzo∘p[2] + (dc∘f + dzi∘p[0] + dzf∘p[1] of step t+1),
 *    dz = dc∘g∘i(1 − i), dc∘c∘f(1 − f), dc∘i∘(1 − g²), dh∘tanh(c')∘o(1 − o) */
export const lstmGrad: Op<LstmGradParams> = {
  name: "lstmGrad",
  type(inputs, params) {
    const { dhs, whT, cs, saved, p, dcs } = namedOfGrad(inputs, params);
    const { steps, batch, units } = statesSizes("lstmGrad", dhs);
    requireShape("lstmGrad", "wh transposed", whT, [4 * units, units]);
    requireShape("lstmGrad", "cs", cs, dhs.shape);
    requireShape("lstmGrad", "gates", saved, [steps, batch, 4 * units]);
    if (p) requireShape("lstmGrad", "peepholes", p, [3, units]);
    if (params.cells) requireShape("lstmGrad", "dcs", dcs!, dhs.shape);
    return [saved, f32(batch, units)];
  },
  reference(inputs, params, types) {
    const { dhs, whT, cs, saved, p, dcs } = namedOfGrad(inputs, params);
    const [dz, carry] = empty(types);
    const [T, B, width] = saved.shape as [number, number, number];
    const H = width / 4;
    for (let t = T - 1; t >= 0; t--)
      for (let b = 0; b < B; b++)
        for (let j = 0; j < H; j++) {
          const row = t * B + b;
          const next = (row + B) * H + j;
          let dh = dhs.data[next]!;
          if (t < T - 1) for (let n = 0; n < width; n++) dh += dz!.data[(row + B) * width + n]! * whT.data[n * H + j]!;
          const [i, f, g, o] = [0, 1, 2, 3].map((gate) => saved.data[row * width + gate * H + j]!);
          const [pi, pf, po] = [0, 1, 2].map((gate) => p?.data[gate * H + j] ?? 0);
          const squashed = Math.tanh(cs.data[next]!);
          const dzo = dh * squashed * o! * (1 - o!);
          const dc = carry!.data[b * H + j]! + (dcs?.data[next] ?? 0) + dh * o! * (1 - squashed ** 2) + dzo * po!;
          const dzi = dc * g! * i! * (1 - i!);
          const dzf = dc * cs.data[row * H + j]! * f! * (1 - f!);
          [dzi, dzf, dc * i! * (1 - g! ** 2), dzo].forEach((v, gate) => {
            dz!.data[row * width + gate * H + j] = v;
          });
          carry!.data[b * H + j] = dc * f! + dzi * pi! + dzf * pf!;
        }
    return [dz!, carry!];
  },
  kernel: {
    ...custom,
    scratch: ({ inputs: [dhs] }) => [partialsOf("lstmGrad", dhs!, 4)],
    dispatches({ inputs: [dhs], params }, adapter) {
      const s = statesSizes("lstmGrad", dhs!);
      const tile = heldTileOf(s, 4, adapter, params, true);
      return dispatchesOf("lstmGrad", s, tile, 4, true, ({ inputs, outputs, scratch: [partial] }, which) => {
        const { p, ...given } = namedOfGrad(inputs, params);
        const [d, carry] = outputs;
        return backward(cellOf(p, s, tile), s, tile, { ...given, d, carry, partial }, which);
      });
    },
  },
  gradient: () => {
    throw new ValueError("lstm: its gradient does not differentiate again; use the composition (fused: false)");
  },
};
