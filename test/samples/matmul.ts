import { dot, outer } from "../../src/compositions/linear.ts";
import type { OpName } from "../../src/ops/index.ts";
import { f32 } from "../../src/shape/types.ts";
import { random, type Sample, sample } from "./sample.ts";

const r = (seed: number, ...shape: number[]) => random(f32(...shape), { seed });

export const samples = {
  matmul: [
    sample("[5,7]·[7,3]", [r(1, 5, 7), r(2, 7, 3)], (a, b) => a.matmul(b)),
    sample("ones", [r(1, 1, 1), r(2, 1, 1)], (a, b) => a.matmul(b)),
    sample("a row", [r(1, 1, 9), r(2, 9, 4)], (a, b) => a.matmul(b)),
    sample("a column", [r(1, 6, 5), r(2, 5, 1)], (a, b) => a.matmul(b)),
    sample("nothing to sum", [r(1, 6, 1), r(2, 1, 5)], (a, b) => a.matmul(b)),
    sample("long", [r(1, 3, 130), r(2, 130, 2)], (a, b) => a.matmul(b)),
    sample("aᵀ", [r(1, 7, 5), r(2, 7, 3)], (a, b) => a.transpose().matmul(b)),
    sample("bᵀ", [r(1, 5, 7), r(2, 3, 7)], (a, b) => a.matmul(b.transpose())),
    sample("aᵀ and bᵀ", [r(1, 7, 5), r(2, 3, 7)], (a, b) => a.transpose().matmul(b.transpose())),
    sample("a batch", [r(1, 3, 4, 5), r(2, 3, 5, 2)], (a, b) => a.matmul(b)),
    sample("broadcast batches", [r(1, 2, 1, 4, 3), r(2, 5, 3, 2)], (a, b) => a.matmul(b)),
    sample("one matrix for the batch", [r(1, 2, 4, 3), r(2, 3, 2)], (a, b) => a.matmul(b)),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;

export const compositions: readonly Sample[] = [
  sample("outer", [r(1, 5), r(2, 3)], outer),
  sample("dot", [r(1, 7), r(2, 7)], dot),
];
