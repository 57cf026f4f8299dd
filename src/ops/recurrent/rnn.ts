// The simple recurrent net (Elman 1990), all steps in one op: h' = f(x[t] + h·Wh), f = tanh or relu. x holds x·Wx + b of every step.
//
// D[t] = ∂L/∂h[t+1] + dz[t+1]·whᵀ, dz[t] = D[t]∘f′(z[t]); dWh = Σ h[t]ᵀ·dz[t]. The gradient does not differentiate again: for second
// derivatives use the composition of nn/recurrent.ts.
import { backward, forward } from "../../../shaders/recurrent.ts";
import { rnn as cell } from "../../../shaders/rnn.ts";
import type { Op } from "../../graph/op.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate } from "../../shape/ndarray.ts";
import { f32, numel } from "../../shape/types.ts";
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

export interface RnnParams extends FormParams {
  readonly activation: "tanh" | "relu";
  /** h0 is given. */
  readonly initial: boolean;
}

/** (x [T,B,H], wh [H,H], h0 [B,H] if given) → hs [T+1,B,H], the initial state first */
export const rnn: Op<RnnParams> = {
  name: "rnn",
  type([x, wh, h0], { initial }) {
    const { steps, batch, units } = sizesOf("rnn", x!, wh!, 1);
    if (initial) requireShape("rnn", "h0", h0!, [batch, units]);
    return [f32(steps + 1, batch, units)];
  },
  reference([x, wh, h0], { activation }, [type]) {
    const [T, B, H] = x!.shape as [number, number, number];
    const hs = allocate("f32", numel(type!.shape));
    if (h0) hs.set(h0.data);
    for (let row = 0; row < T * B; row++)
      for (let j = 0; j < H; j++) {
        let z = x!.data[row * H + j]!;
        for (let k = 0; k < H; k++) z += hs[row * H + k]! * wh!.data[k * H + j]!;
        hs[(row + B) * H + j] = activation === "tanh" ? Math.tanh(z) : Math.max(z, 0);
      }
    return [{ ...type!, data: hs }];
  },
  kernel: {
    ...custom,
    dispatches({ inputs: [x, wh], params }, adapter) {
      const s = sizesOf("rnn", x!, wh!, 1);
      const tile = heldTileOf(s, 1, adapter, params, false);
      return dispatchesOf("rnn", s, tile, 1, false, ({ inputs: [x, wh, h0], outputs: [hs] }, which) =>
        forward(cell(params.activation), s, tile, { x, wh, h0, hs }, which),
      );
    },
  },
  gradient: ([dhs], { inputs: [x, wh], outputs: [hs], params, apply }) => {
    const [T, B, H] = x!.shape as [number, number, number];
    const { activation, form } = params;
    const dz = apply(rnnGrad, [dhs!, wh!.transpose(), hs!], { activation, ...formOf(form) })[0]!;
    const before = hs!.slice([0, 0, 0], [T, B, H]).reshape([T * B, H]);
    const dwh = before.transpose().matmul(dz.reshape([T * B, H]));
    const first = (t: typeof dz) => t.slice([0, 0, 0], [1, B, H]).squeeze(0);
    return params.initial ? [dz, dwh, first(dz).matmul(wh!.transpose()).add(first(dhs!))] : [dz, dwh];
  },
};

/** (dhs [T+1,B,H], whᵀ [H,H], hs [T+1,B,H]) → dz [T,B,H] */
export const rnnGrad: Op<Omit<RnnParams, "initial">> = {
  name: "rnnGrad",
  type([dhs, whT, hs]) {
    const { steps, batch, units } = statesSizes("rnnGrad", dhs!);
    requireShape("rnnGrad", "wh transposed", whT!, [units, units]);
    requireShape("rnnGrad", "hs", hs!, dhs!.shape);
    return [f32(steps, batch, units)];
  },
  reference([dhs, whT, hs], { activation }, [type]) {
    const [T, B, H] = type!.shape as [number, number, number];
    const dz = allocate("f32", numel(type!.shape));
    for (let t = T - 1; t >= 0; t--)
      for (let b = 0; b < B; b++)
        for (let j = 0; j < H; j++) {
          const row = t * B + b;
          const next = (row + B) * H;
          let dh = dhs!.data[next + j]!;
          if (t < T - 1) for (let n = 0; n < H; n++) dh += dz[next + n]! * whT!.data[n * H + j]!;
          const h = hs!.data[next + j]!;
          dz[row * H + j] = activation === "tanh" ? dh * (1 - h * h) : h > 0 ? dh : 0;
        }
    return [{ ...type!, data: dz }];
  },
  kernel: {
    ...custom,
    scratch: ({ inputs: [dhs] }) => [partialsOf("rnnGrad", dhs!, 1)],
    dispatches({ inputs: [dhs], params }, adapter) {
      const s = statesSizes("rnnGrad", dhs!);
      const tile = heldTileOf(s, 1, adapter, params, true);
      return dispatchesOf(
        "rnnGrad",
        s,
        tile,
        1,
        true,
        ({ inputs: [dhs, whT, hs], outputs: [d], scratch: [partial] }, which) =>
          backward(cell(params.activation), s, tile, { dhs, whT, hs, d, partial }, which),
      );
    },
  },
  gradient: () => {
    throw new ValueError("rnn: its gradient does not differentiate again; use the composition (fused: false)");
  },
};
