// Recurrent cells, one step each, and the loop that unrolls them over time. Formulas are PyTorch's; gates stand side by side in the last
// axis of the weights, in the order that each cell names. With x [B,I], h [B,H], G gates, σ the sigmoid:
//
//   rnn   h' = tanh(x·Wx + bx + h·Wh + bh)                                     G = 1
//   lstm  c' = σ(f)∘c + σ(i)∘tanh(g);  h' = σ(o)∘tanh(c')                      G = 4: i, f, g, o
//   gru   h' = (1 − z)∘n + z∘h                                                 G = 3: r, z, n
//
// These are compositions of plain ops: what they give is what a fused op must give.
import { ShapeError } from "../shape/errors.ts";
import { printType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

/** Of a cell with G gates. One bias is enough, except for a gru that resets after its product. */
export interface CellWeights {
  /** [I, G·H] */
  readonly wx: Tensor;
  /** [H, G·H] */
  readonly wh: Tensor;
  /** [G·H], with x·Wx. */
  readonly bx?: Tensor | undefined;
  /** [G·H], with h·Wh. */
  readonly bh?: Tensor | undefined;
}

const affine = (x: Tensor, w: Tensor, b: Tensor | undefined): Tensor => (b ? x.matmul(w).add(b) : x.matmul(w));

function gates(op: string, count: number, x: Tensor, w: CellWeights, h: Tensor): [Tensor[], Tensor[]] {
  if (w.wh.shape[1] !== count * (h.shape[1] as number))
    throw new ShapeError(
      `${op}: wh is ${printType(w.wh.type)} for a state ${printType(h.type)} (${w.wh.shape[1]} vs ${count} × ${h.shape[1]} columns); give ${count} gates`,
    );
  return [affine(x, w.wx, w.bx).split(count, -1), affine(h, w.wh, w.bh).split(count, -1)];
}

/** x [B,I], h [B,H] → h' */
export function rnnCell(w: CellWeights, x: Tensor, h: Tensor, activation = (z: Tensor): Tensor => z.tanh()): Tensor {
  return activation(affine(x, w.wx, w.bx).add(affine(h, w.wh, w.bh)));
}

/** [B, H] each. */
export interface LstmState {
  /** What the cell gives. */
  readonly h: Tensor;
  /** What it keeps. */
  readonly c: Tensor;
}

/** What looks through a peephole at the cell: i and f at c, o at c'. [H] each. Gers and Schmidhuber, IJCNN 2000. */
export interface Peepholes {
  /** Of the input gate. */
  readonly i: Tensor;
  /** Of the forget gate. */
  readonly f: Tensor;
  /** Of the output gate. */
  readonly o: Tensor;
}

/** Gates i, f, g, o. */
export function lstmCell(w: CellWeights, x: Tensor, { h, c }: LstmState, peepholes?: Peepholes): LstmState {
  const [fromX, fromH] = gates("lstmCell", 4, x, w, h);
  const [i, f, g, o] = fromX.map((z, k) => z.add(fromH[k] as Tensor)) as [Tensor, Tensor, Tensor, Tensor];
  const look = (z: Tensor, at: Tensor, p: Tensor | undefined) => (p ? z.add(at.mul(p)) : z).sigmoid();
  const next = look(f, c, peepholes?.f)
    .mul(c)
    .add(look(i, c, peepholes?.i).mul(g.tanh()));
  return { c: next, h: look(o, next, peepholes?.o).mul(next.tanh()) };
}

/** Options of gruCell. */
export interface GruOptions {
  /** true (PyTorch, cuDNN): n = tanh(x·Wxn + bxn + r∘(h·Whn + bhn)). false (Cho et al. 2014; ONNX's default):
   *  n = tanh(x·Wxn + bxn + (r∘h)·Whn + bhn). Default: true. */
  readonly resetAfter?: boolean;
}

/** Gates r, z, n. */
export function gruCell(w: CellWeights, x: Tensor, h: Tensor, { resetAfter = true }: GruOptions = {}): Tensor {
  const [[xr, xz, xn], [hr, hz, hn]] = gates("gruCell", 3, x, w, h) as [Triple, Triple];
  const r = xr.add(hr).sigmoid();
  const z = xz.add(hz).sigmoid();
  const last = (t: Tensor) => t.split(3, -1)[2] as Tensor;
  const inner = resetAfter ? r.mul(hn) : affine(r.mul(h), last(w.wh), w.bh && last(w.bh));
  const n = xn.add(inner).tanh();
  return n.add(z.mul(h.sub(n)));
}

type Triple = [Tensor, Tensor, Tensor];

/** The states after each step, from inputs in their order in time. */
export function unroll<State>(
  step: (x: Tensor, state: State, t: number) => State,
  xs: readonly Tensor[],
  initial: State,
): State[] {
  let state = initial;
  return xs.map((x, t) => (state = step(x, state, t)));
}

/** The steps of a sequence: x [.., T, ..] → T tensors without that axis. */
export const steps = (x: Tensor, axis = 0): Tensor[] =>
  x.split(x.shape[axis] as number, axis).map((t) => t.squeeze(axis));
