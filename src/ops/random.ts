// Random numbers as functions of a key (u32[2]) and an index: no state, the same bits on every device. uniform and normal are
// compositions (tensor.ts).
import { Index } from "../graph/affine.ts";
import type { Lower, Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { allocate, ndarray } from "../shape/ndarray.ts";
import { numel, printType, type Shape, type TensorType } from "../shape/types.ts";
import { halfBits, shuffledIndex, threefry } from "./counter.ts";
import { flatIndex, requireDtype } from "./define.ts";

function requireKey(op: string, key: TensorType): void {
  if (key.dtype !== "u32" || key.shape.length !== 1 || key.shape[0] !== 2)
    throw new ShapeError(`${op}: the key must be two words (${printType(key)} vs u32[2]); give one made from a seed`);
}

const keyText = (lower: Lower, k: number): string =>
  lower.let(`vec2u(${lower.read(k, [Index.of(0)])}, ${lower.read(k, [Index.of(1)])})`);

/** Two outputs of u32: element i is Threefry-2x32-20 of the counter (i, 0). */
export const randomBits: Op<{ shape: Shape }> = {
  name: "randomBits",
  type([key], { shape }) {
    requireKey("randomBits", key!);
    return [
      { dtype: "u32", shape: [...shape] },
      { dtype: "u32", shape: [...shape] },
    ];
  },
  reference([key], { shape }, [type]) {
    const out = [allocate("u32", numel(shape)), allocate("u32", numel(shape))];
    for (let i = 0; i < numel(shape); i++)
      threefry(key!.data[0]!, key!.data[1]!, i, 0).forEach((word, k) => {
        out[k]![i] = word;
      });
    return out.map((data) => ({ ...type!, data }));
  },
  kernel: {
    kind: "map",
    cost: 80,
    element(at, lower, { params: { shape } }) {
      const counter = lower.text(flatIndex(at, shape, Index.of(0)));
      const words = lower.let(`threefry(${keyText(lower, 0)}, vec2u(u32(${counter}), 0u))`);
      return [`${words}.x`, `${words}.y`];
    },
  },
  gradient: null,
};

/** Where a pseudo-random permutation of 0 … n−1, chosen by the key, sends each position (mod n). */
export const shuffleIndex: Op<{ n: number }> = {
  name: "shuffleIndex",
  type([position, key], { n }) {
    requireDtype("shuffleIndex", "position", position!, "i32", "u32");
    requireKey("shuffleIndex", key!);
    if (!(Number.isInteger(n) && n >= 1 && n <= 2 ** 31))
      throw new ShapeError(`shuffleIndex: n must be a count (${n} vs 1 … 2³¹); give the size of what is shuffled`);
    return [position!];
  },
  reference: ([position, key], { n }, [type]) => [
    ndarray(type!, (i) => shuffledIndex(position!.data[i]!, key!.data[0]!, key!.data[1]!, n)),
  ],
  kernel: {
    kind: "map",
    cost: 300,
    element(at, lower, { inputs: [position], params: { n } }) {
      const index = `shuffle_index(u32(${lower.read(0, at)}), ${keyText(lower, 1)}, ${n}u, ${halfBits(n)}u)`;
      return [position!.dtype === "i32" ? `i32(${index})` : index];
    },
  },
  gradient: null,
};
