// GRU with the reset before the product (Cho et al. 2014, https://arxiv.org/abs/1406.1078; ONNX's default), all steps in one op:
//
//   r, z = σ(x[t] + h·Wh),  m = r∘h,  n = tanh(x[t] + m·Whn),  h' = n + z∘(h − n)
//
// Gates r, z, n side by side; x holds x·Wx + b of every step. Its kernels run a step in two halves (shaders/gruResetBefore.ts). The gradient
// does not differentiate again: for second derivatives use the composition of nn/recurrent.ts.
import { backward, forward } from "../../../shaders/gruResetBefore.ts";
import type { Sizes, Tile } from "../../../shaders/recurrence.ts";
import type { Adapter, Op } from "../../graph/op.ts";
import { ValueError } from "../../shape/errors.ts";
import { allocate, type NdArray } from "../../shape/ndarray.ts";
import { f32, numel } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { custom } from "../custom.ts";
import { dispatchesOf, type FormParams, formOf, requireShape, sizesOf, statesSizes, tileOf } from "./kernel.ts";

export interface GruResetBeforeParams extends FormParams {
  /** h0 is given. */
  readonly initial: boolean;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Two halves a step, and the tile of both. */
function inHalves(s: Sizes, gates: number, adapter: Adapter, { form }: FormParams): { sizes: Sizes; tile: Tile } {
  const sizes = { ...s, steps: 2 * s.steps };
  return { sizes, tile: tileOf(sizes, gates, adapter, formOf(typeof form === "number" ? 2 * form : form)) };
}

/** Multiply-adds of a half are on average those of so many gates: two in the one, one in the other. */
const gatesOfHalf = 1.5;

/** (x [T,B,3H], wh [H,3H], h0 [B,H] if given) → hs [T+1,B,H], the initial state first, m [T,B,H], saved r, z, n [T,B,3H] */
export const gruResetBefore: Op<GruResetBeforeParams> = {
  name: "gruResetBefore",
  type([x, wh, h0], { initial }) {
    const { steps, batch, units } = sizesOf("gruResetBefore", x!, wh!, 3);
    if (initial) requireShape("gruResetBefore", "h0", h0!, [batch, units]);
    return [f32(steps + 1, batch, units), f32(steps, batch, units), x!];
  },
  reference([x, wh, h0], _params, types) {
    const [T, B, width] = x!.shape as [number, number, number];
    const H = width / 3;
    const [hs, ms, saved] = types.map((t) => allocate("f32", numel(t.shape)));
    if (h0) hs!.set(h0.data);
    for (let row = 0; row < T * B; row++) {
      /** x[gate, j] + Σₖ v[row, k]·wh[k, gate, j] */
      const gate = (v: NdArray["data"], g: number, j: number) => {
        let sum = x!.data[row * width + g * H + j]!;
        for (let k = 0; k < H; k++) sum += v[row * H + k]! * wh!.data[k * width + g * H + j]!;
        return sum;
      };
      for (let j = 0; j < H; j++) {
        for (const g of [0, 1]) saved![row * width + g * H + j] = sigmoid(gate(hs!, g, j));
        ms![row * H + j] = saved![row * width + j]! * hs![row * H + j]!;
      }
      for (let j = 0; j < H; j++) {
        const [n, z] = [Math.tanh(gate(ms!, 2, j)), saved![row * width + H + j]!];
        saved![row * width + 2 * H + j] = n;
        hs![(row + B) * H + j] = n + z * (hs![row * H + j]! - n);
      }
    }
    return [hs!, ms!, saved!].map((data, k) => ({ ...types[k]!, data }));
  },
  kernel: {
    ...custom,
    dispatches({ inputs: [x, wh], params }, adapter) {
      const { sizes, tile } = inHalves(sizesOf("gruResetBefore", x!, wh!, 3), 2, adapter, params);
      return dispatchesOf("gruResetBefore", sizes, tile, gatesOfHalf, false, ({ inputs, outputs }, which) => {
        const [x, wh, h0] = inputs;
        const [hs, m, saved] = outputs;
        return forward(sizes, tile, { x, wh, h0, hs, m, saved }, which);
      });
    },
  },
  gradient: ([dhs, dms, dsaved], { inputs: [, wh], outputs: [hs, ms, saved], params, apply }) => {
    if (dms || dsaved)
      throw new ValueError("gruResetBefore: the gates have no gradient; take them from the composition nn.gruCell");
    const [T, B, H] = ms!.shape as [number, number, number];
    const upstream = dhs ?? hs!.zerosLike();
    const given = [upstream, wh!.transpose(), hs!, saved!];
    const [d, dn, carry] = apply(gruResetBeforeGrad, given, formOf(params.form)) as [Tensor, Tensor, Tensor];
    const rows = (t: Tensor) => t.reshape([T * B, t.shape[2]!]);
    const before = hs!.slice([0, 0, 0], [T, B, H]);
    const product = (v: Tensor, g: Tensor) => rows(v).transpose().matmul(rows(g));
    /** Of r and z, and of n, side by side in the last axis. */
    const beside = (gates: Tensor, n: Tensor) => {
      const none = gates.shape.map(() => 0);
      const behind = (size: number) => none.with(-1, size);
      return gates.pad(none, behind(H)).add(n.pad(behind(2 * H), none));
    };
    const gradients = [beside(d, dn), beside(product(before, d), product(ms!, dn))];
    if (!params.initial) return gradients;
    const first = (t: Tensor) => t.slice([0, 0, 0], [1, B, t.shape[2]!]).squeeze(0);
    const whOfGates = wh!.slice([0, 0], [H, 2 * H]);
    return [...gradients, first(d).matmul(whOfGates.transpose()).add(carry!).add(first(upstream))];
  },
};

/** (dhs [T+1,B,H], whᵀ [3H,H], hs [T+1,B,H], saved r, z, n [T,B,3H]) → d [T,B,2H], dn [T,B,H], the gradients of x, and [B,H] the part of that of
 *  h0 which passes by r and z */
export const gruResetBeforeGrad: Op<FormParams> = {
  name: "gruResetBeforeGrad",
  type([dhs, whT, hs, saved]) {
    const { steps, batch, units } = statesSizes("gruResetBeforeGrad", dhs!);
    requireShape("gruResetBeforeGrad", "wh transposed", whT!, [3 * units, units]);
    requireShape("gruResetBeforeGrad", "hs", hs!, dhs!.shape);
    requireShape("gruResetBeforeGrad", "saved", saved!, [steps, batch, 3 * units]);
    return [f32(steps, batch, 2 * units), f32(steps, batch, units), f32(batch, units)];
  },
  reference([dhs, whT, hs, saved], _params, types) {
    const [T, B, H] = types[1]!.shape as [number, number, number];
    const [d, dn, carry] = types.map((t) => allocate("f32", numel(t.shape)));
    for (let row = T * B - 1; row >= 0; row--) {
      const b = row % B;
      const at = (gate: number, j: number) => saved!.data[row * 3 * H + gate * H + j]!;
      for (let j = 0; j < H; j++) {
        let dh = dhs!.data[(row + B) * H + j]! + carry![b * H + j]!;
        if (row + B < T * B) for (let k = 0; k < 2 * H; k++) dh += d![(row + B) * 2 * H + k]! * whT!.data[k * H + j]!;
        const [z, n] = [at(1, j), at(2, j)];
        dn![row * H + j] = dh * (1 - z) * (1 - n * n);
        d![row * 2 * H + H + j] = dh * (hs!.data[row * H + j]! - n) * z * (1 - z);
        carry![b * H + j] = dh * z;
      }
      for (let j = 0; j < H; j++) {
        let dm = 0;
        for (let k = 0; k < H; k++) dm += dn![row * H + k]! * whT!.data[(2 * H + k) * H + j]!;
        const r = at(0, j);
        d![row * 2 * H + j] = dm * hs!.data[row * H + j]! * r * (1 - r);
        carry![b * H + j] = carry![b * H + j]! + dm * r;
      }
    }
    return [d!, dn!, carry!].map((data, k) => ({ ...types[k]!, data }));
  },
  kernel: {
    ...custom,
    dispatches({ inputs: [dhs], params }, adapter) {
      const { sizes, tile } = inHalves(statesSizes("gruResetBeforeGrad", dhs!), 1, adapter, params);
      return dispatchesOf("gruResetBeforeGrad", sizes, tile, gatesOfHalf, true, ({ inputs, outputs }, which) => {
        const [dhs, whT, hs, saved] = inputs;
        const [d, dn, carry] = outputs;
        return backward(sizes, tile, { dhs, whT, hs, saved, d, dn, carry }, which);
      });
    },
  },
  gradient: () => {
    throw new ValueError(
      "gruResetBefore: its gradient does not differentiate again; use the composition (fused: false)",
    );
  },
};
