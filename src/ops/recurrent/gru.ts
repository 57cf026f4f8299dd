// GRU with the reset after the product (PyTorch's and cuDNN's form of Cho et al. 2014), all steps in one op:
//
//   r, z = σ(x[t] + h·Wh),  q = h·Whn + bias,  n = tanh(x[t] + r∘q),  h' = n + z∘(h − n)
//
// Gates r, z, n side by side; x holds x·Wx + b of every step. The gradients of x and of h·Wh differ in the last gate by the factor r. The
// gradient does not differentiate again: for second derivatives use the composition of nn/recurrent.ts.
import { gru as cell } from "../../../shaders/gru.ts";
import { backward, forward } from "../../../shaders/recurrent.ts";
import type { Op } from "../../graph/op.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate } from "../../shape/ndarray.ts";
import { f32, numel } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { custom } from "../custom.ts";
import {
  dispatchesOf,
  type FormParams,
  formOf,
  heldTileOf,
  partialsOf,
  requireShape,
  sizesOf,
  statesSizes,
} from "./kernel.ts";

export interface GruParams extends FormParams {
  /** h0 is given. */
  readonly initial: boolean;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** (x [T,B,3H], wh [H,3H], bias [H], h0 [B,H] if given) → hs [T+1,B,H], the initial state first, saved r, z, n, q [T,B,4H] */
export const gru: Op<GruParams> = {
  name: "gru",
  type([x, wh, bias, h0], { initial }) {
    const { steps, batch, units } = sizesOf("gru", x!, wh!, 3);
    requireShape("gru", "bias", bias!, [units]);
    if (initial) requireShape("gru", "h0", h0!, [batch, units]);
    return [f32(steps + 1, batch, units), f32(steps, batch, 4 * units)];
  },
  reference([x, wh, bias, h0], _params, types) {
    const [T, B, width] = x!.shape as [number, number, number];
    const H = width / 3;
    const [hs, saved] = types.map((t) => allocate("f32", numel(t.shape)));
    if (h0) hs!.set(h0.data);
    for (let row = 0; row < T * B; row++)
      for (let j = 0; j < H; j++) {
        const [ar, az, an] = [0, 1, 2].map((gate) => {
          let sum = 0;
          for (let k = 0; k < H; k++) sum += hs![row * H + k]! * wh!.data[k * width + gate * H + j]!;
          return sum;
        });
        const [xr, xz, xn] = [0, 1, 2].map((gate) => x!.data[row * width + gate * H + j]!);
        const r = sigmoid(xr! + ar!);
        const z = sigmoid(xz! + az!);
        const q = an! + bias!.data[j]!;
        const n = Math.tanh(xn! + r * q);
        [r, z, n, q].forEach((v, k) => {
          saved![row * 4 * H + k * H + j] = v;
        });
        hs![(row + B) * H + j] = n + z * (hs![row * H + j]! - n);
      }
    return [hs!, saved!].map((data, k) => ({ ...types[k]!, data }));
  },
  kernel: {
    ...custom,
    dispatches({ inputs: [x, wh], params }, adapter) {
      const s = sizesOf("gru", x!, wh!, 3);
      const tile = heldTileOf(s, 3, adapter, params, false);
      return dispatchesOf("gru", s, tile, 3, false, ({ inputs, outputs: [hs, saved] }, which) => {
        const [x, wh, bias, h0] = inputs;
        return forward(cell, s, tile, { x, wh, bias, h0, hs, saved }, which);
      });
    },
  },
  gradient: ([dhs, dsaved], { inputs: [x, wh], outputs: [hs, saved], params, apply }) => {
    if (dsaved) throw new ValueError("gru: the gates have no gradient; take them from the composition nn.gruCell");
    const [T, B, width] = x!.shape as [number, number, number];
    const H = width / 3;
    const upstream = dhs ?? hs!.zerosLike();
    const given = [upstream, wh!.transpose(), hs!, saved!];
    const [dx, da, dh] = apply(gruGrad, given, formOf(params.form)) as [Tensor, Tensor, Tensor];
    const rows = da.reshape([T * B, width]);
    const before = hs!.slice([0, 0, 0], [T, B, H]).reshape([T * B, H]);
    const dwh = before.transpose().matmul(rows);
    const dbias = rows.slice([0, 2 * H], [T * B, width]).sum(0);
    const first = (t: Tensor) => t.slice([0, 0, 0], [1, B, t.shape[2]!]).squeeze(0);
    if (!params.initial) return [dx, dwh, dbias];
    return [dx, dwh, dbias, first(da).matmul(wh!.transpose()).add(dh).add(first(upstream))];
  },
};

/** (dhs [T+1,B,H], whᵀ [3H,H], hs [T+1,B,H], saved [T,B,4H]) → dx, da [T,B,3H], the gradients of x and of h·Wh, and [B,H] the part of that
 *  of h0 which passes by z */
export const gruGrad: Op<FormParams> = {
  name: "gruGrad",
  type([dhs, whT, hs, saved]) {
    const { steps, batch, units } = statesSizes("gruGrad", dhs!);
    requireShape("gruGrad", "wh transposed", whT!, [3 * units, units]);
    requireShape("gruGrad", "hs", hs!, dhs!.shape);
    requireShape("gruGrad", "saved", saved!, [steps, batch, 4 * units]);
    return [f32(steps, batch, 3 * units), f32(steps, batch, 3 * units), f32(batch, units)];
  },
  reference([dhs, whT, hs, saved], _params, types) {
    const [T, B, width] = types[0]!.shape as [number, number, number];
    const H = width / 3;
    const [dx, da, carry] = types.map((t) => allocate("f32", numel(t.shape)));
    for (let t = T - 1; t >= 0; t--)
      for (let b = 0; b < B; b++)
        for (let j = 0; j < H; j++) {
          const row = t * B + b;
          let dh = dhs!.data[(row + B) * H + j]! + carry![b * H + j]!;
          if (t < T - 1) for (let k = 0; k < width; k++) dh += da![(row + B) * width + k]! * whT!.data[k * H + j]!;
          const [r, z, n, q] = [0, 1, 2, 3].map((k) => saved!.data[row * 4 * H + k * H + j]!);
          const dn = dh * (1 - z!) * (1 - n! ** 2);
          const dz = dh * (hs!.data[row * H + j]! - n!) * z! * (1 - z!);
          const dr = dn * q! * r! * (1 - r!);
          [dr, dz, dn].forEach((v, gate) => {
            dx![row * width + gate * H + j] = v;
            da![row * width + gate * H + j] = gate === 2 ? v * r! : v;
          });
          carry![b * H + j] = dh * z!;
        }
    return [dx!, da!, carry!].map((data, k) => ({ ...types[k]!, data }));
  },
  kernel: {
    ...custom,
    scratch: ({ inputs: [dhs] }) => [partialsOf("gruGrad", dhs!, 3)],
    dispatches({ inputs: [dhs], params }, adapter) {
      const s = statesSizes("gruGrad", dhs!);
      const tile = heldTileOf(s, 3, adapter, params, true);
      return dispatchesOf(
        "gruGrad",
        s,
        tile,
        3,
        true,
        ({ inputs, outputs: [e, d, carry], scratch: [partial] }, which) => {
          const [dhs, whT, hs, saved] = inputs;
          return backward(cell, s, tile, { dhs, whT, hs, saved, d, e, carry, partial }, which);
        },
      );
    },
  },
  gradient: () => {
    throw new ValueError("gru: its gradient does not differentiate again; use the composition (fused: false)");
  },
};
