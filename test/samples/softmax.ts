import type { OpName } from "../../src/ops/index.ts";
import { f32, i32, u32 } from "../../src/shape/types.ts";
import { given, random, type Sample, sample } from "./sample.ts";

const logits = random(f32(6, 5), { low: -4, high: 4 });
const labels = given(i32(6), [0, 4, 2, 2, 1, 3]);
const some = given(i32(6), [0, -100, 2, -100, 1, 3]);
const weights = given(f32(5), [0.5, 1, 2, 0.25, 1.5]);
const extreme = given(f32(2, 3), [1e4, -1e4, 0, -1e4, -1e4 + 1, -1e4 - 2]);

export const samples = {
  maxSumExp: [
    sample("an axis", [random(f32(3, 4, 5))], (x) => x.logSumExp(1)),
    sample("two axes", [random(f32(3, 4, 5))], (x) => x.logSumExp([0, 2], true)),
    sample("long rows", [random(f32(2, 257))], (x) => x.logSumExp()),
    sample("as it is", [random(f32(3, 4))], (x) => Object.values(x.maxSumExp(-1)), { differentiable: [] }),
  ],
  softmaxCrossEntropy: [
    sample("rows", [logits, labels], (x, t) => x.labelCrossEntropy(t)),
    sample("unsigned labels", [random(f32(2, 3, 4)), random(u32(2, 3))], (x, t) => x.labelCrossEntropy(t)),
  ],
} satisfies Partial<Record<OpName, readonly Sample[]>>;

export const compositions: readonly Sample[] = [
  sample("softmax", [logits], (x) => [x.softmax(), x.softmax(0), x.softmax([0, 1])]),
  sample("log-softmax", [logits], (x) => [x.logSoftmax(), x.logSoftmax(0)]),
  sample("softmax of extreme logits", [extreme], (x) => [x.softmax(), x.logSoftmax(), x.logSumExp()], {
    differentiable: [],
  }),
  sample("cross-entropy, mean", [logits, labels], (x, t) => x.softmaxCrossEntropy(t)),
  sample("cross-entropy, sum", [logits, labels], (x, t) => x.softmaxCrossEntropy(t, { reduction: "sum" })),
  sample("cross-entropy, ignored rows", [logits, some], (x, t) => [
    x.softmaxCrossEntropy(t, { ignoreIndex: -100 }),
    x.softmaxCrossEntropy(t, { ignoreIndex: -100, reduction: "none" }),
  ]),
  sample("cross-entropy, everything", [logits, some, weights], (x, t, classWeights) =>
    x.softmaxCrossEntropy(t, { classWeights, ignoreIndex: -100, labelSmoothing: 0.1 }),
  ),
  sample("cross-entropy of probabilities", [logits, random(f32(6, 5)), weights], (x, t, classWeights) => [
    x.softmaxCrossEntropy(t.softmax()),
    x.softmaxCrossEntropy(t.softmax(), { classWeights, labelSmoothing: 0.1, reduction: "none" }),
  ]),
];
