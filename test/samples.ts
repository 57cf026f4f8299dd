// Samples of every op: a forgotten one is a compile error.
import type { OpName } from "../src/ops/index.ts";
import { samples as binary } from "./samples/binary.ts";
import { samples as conv, compositions as convs } from "./samples/conv.ts";
import { samples as matmul, compositions as products } from "./samples/matmul.ts";
import { compositions as norms } from "./samples/norm.ts";
import { samples as pool, compositions as pools } from "./samples/pool.ts";
import { samples as recurrent } from "./samples/recurrent.ts";
import { samples as reduce, compositions as reductions } from "./samples/reduce.ts";
import type { Sample } from "./samples/sample.ts";
import { samples as softmax, compositions as softmaxes } from "./samples/softmax.ts";
import { samples as unary } from "./samples/unary.ts";
import { samples as view } from "./samples/view.ts";

export type { Sample } from "./samples/sample.ts";

export const samples: Record<OpName, readonly Sample[]> = {
  ...unary,
  ...binary,
  ...view,
  ...reduce,
  ...softmax,
  ...matmul,
  ...conv,
  ...pool,
  ...recurrent,
};

/** What is made of ops, by file. */
export const compositions: Readonly<Record<string, readonly Sample[]>> = {
  conv: convs,
  matmul: products,
  norm: norms,
  pool: pools,
  reduce: reductions,
  softmax: softmaxes,
};
