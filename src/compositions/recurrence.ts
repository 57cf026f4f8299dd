// The recurrent ops as functions, no methods of Tensor: a program without recurrence carries none of their kernels.
import { type NetLoopParams, netLoop as netLoopOp } from "../ops/netLoop.ts";
import { gru as gruOp } from "../ops/recurrent/gru.ts";
import { gruResetBefore as gruResetBeforeOp } from "../ops/recurrent/gruResetBefore.ts";
import { type Form, formOf } from "../ops/recurrent/kernel.ts";
import { lstm as lstmOp } from "../ops/recurrent/lstm.ts";
import { rnn as rnnOp } from "../ops/recurrent/rnn.ts";
import { reverseSequence as reverseSequenceOp } from "../ops/reverseSequence.ts";
import { apply, type Tensor } from "../tensor.ts";

/** x [T,B,H] = x·Wx + b of every step, wh [H,H], h0 [B,H] or zeros → states [T+1,B,H], the initial one first. */
export function rnn(x: Tensor, wh: Tensor, activation: "tanh" | "relu" = "tanh", h0?: Tensor, form?: Form): Tensor {
  const params = { activation, initial: h0 !== undefined, ...formOf(form) };
  return apply(rnnOp, h0 ? [x, wh, h0] : [x, wh], params)[0]!;
}

/** x [T,B,4H] = x·Wx + b of every step, wh [H,4H], initial h and c [B,H] or zeros, peepholes of i, f, o [3,H] → states hs, cs [T+1,B,H] and gates
 *  [T,B,4H]. */
export function lstm(
  x: Tensor,
  wh: Tensor,
  initial?: { h: Tensor; c: Tensor },
  form?: Form,
  peepholes?: Tensor,
): { hs: Tensor; cs: Tensor; gates: Tensor } {
  const params = { initial: initial !== undefined, ...(peepholes ? { peepholes: true } : {}), ...formOf(form) };
  const inputs = [x, wh, ...(peepholes ? [peepholes] : []), ...(initial ? [initial.h, initial.c] : [])];
  const [hs, cs, gates] = apply(lstmOp, inputs, params);
  return { hs: hs!, cs: cs!, gates: gates! };
}

/** x [T,B,3H] = x·Wx + b of every step, wh [H,3H], bias [H] of h·Whn, h0 [B,H] or zeros → states hs [T+1,B,H] and what its gradient needs. */
export function gru(x: Tensor, wh: Tensor, bias: Tensor, h0?: Tensor, form?: Form): { hs: Tensor; saved: Tensor } {
  const params = { initial: h0 !== undefined, ...formOf(form) };
  const [hs, saved] = apply(gruOp, h0 ? [x, wh, bias, h0] : [x, wh, bias], params);
  return { hs: hs!, saved: saved! };
}

/** x [T,B,3H] = x·Wx + b of every step, wh [H,3H], h0 [B,H] or zeros → states hs [T+1,B,H], of the GRU that resets before its product. */
export function gruResetBefore(x: Tensor, wh: Tensor, h0?: Tensor, form?: Form): Tensor {
  return apply(gruResetBeforeOp, h0 ? [x, wh, h0] : [x, wh], { initial: h0 !== undefined, ...formOf(form) })[0]!;
}

/** Parameters of a small net of sigmoids after some steps of gradient descent, in one kernel (ops/netLoop.ts). */
export function netLoop(params: Tensor, rows: Tensor, step: Tensor, key: Tensor, options: NetLoopParams): Tensor {
  return apply(netLoopOp, [params, rows, step, key], options)[0]!;
}

/** Reverses each sequence of x [T, B, …] within its own length, i32[B]; what lies behind stays. */
export function reverseSequence(x: Tensor, lengths: Tensor): Tensor {
  return apply(reverseSequenceOp, [x, lengths])[0]!;
}
