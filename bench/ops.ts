// Every op over sizes, for `bench kernels` (at one size) and `bench gpu-vs-cpu`: a forgotten one is a compile error.
import { vjp } from "../src/autodiff/backward.ts";
import * as recurrence from "../src/compositions/recurrence.ts";
import type { OpName } from "../src/ops/index.ts";
import { f32, u32 } from "../src/shape/types.ts";
import type { Tensor } from "../src/tensor.ts";
import { type OpCase, publicOps, sequences } from "./publicOps.ts";

export type { OpCase } from "./publicOps.ts";

/** Ops that do nothing on a device: values that are given, and one that stops gradients. */
type Idle = "input" | "constant" | "detach";

/** A recurrence of 128 units over 28 steps, from x·Wx + b; its gradient is with respect to that. */
const units = 128;
const recurrent = (gates: number, run: (x: Tensor, wh: Tensor) => Tensor, gradient: boolean): OpCase => ({
  ...{ ...sequences, inputs: (n) => [f32(28, n, gates * units), f32(units, gates * units), f32(29, n, units)] },
  build(x, wh, dhs) {
    const hs = run(x!, wh!.mul(0.1));
    return gradient ? vjp([hs], [dhs!], [x!]) : hs;
  },
});
const bias = (wh: Tensor) => wh.slice([0, 0], [1, units]).reshape([units]);
const kinds = {
  rnn: [1, (x, wh) => recurrence.rnn(x, wh)],
  lstm: [4, (x, wh) => recurrence.lstm(x, wh).hs],
  gru: [3, (x, wh) => recurrence.gru(x, wh, bias(wh)).hs],
  gruResetBefore: [3, (x, wh) => recurrence.gruResetBefore(x, wh)],
} as const satisfies Record<string, readonly [number, (x: Tensor, wh: Tensor) => Tensor]>;

export const opCases: Record<Exclude<OpName, Idle>, OpCase> = {
  ...publicOps,

  rnn: recurrent(...kinds.rnn, false),
  rnnGrad: recurrent(...kinds.rnn, true),
  lstm: recurrent(...kinds.lstm, false),
  lstmGrad: recurrent(...kinds.lstm, true),
  gru: recurrent(...kinds.gru, false),
  gruGrad: recurrent(...kinds.gru, true),
  gruResetBefore: recurrent(...kinds.gruResetBefore, false),
  gruResetBeforeGrad: recurrent(...kinds.gruResetBefore, true),
  netLoop: {
    ...{ axis: "steps of a net 2-3-1", sizes: [64, 1024, 16_384], typical: 1024 },
    // the steps are a parameter of the op: they come as the shape of what is given
    inputs: (n) => [f32(13), f32(64, 3), u32(), u32(2), f32(n)],
    build: (params, data, step, key, steps) =>
      recurrence.netLoop(params!, data!, step!, key!, { sizes: [2, 3, 1], steps: steps!.shape[0]!, rate: 0.1 }),
  },
};
