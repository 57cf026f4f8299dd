import { batchNorm, dropout, groupNorm, instanceNorm, layerNorm, rmsNorm } from "../../src/compositions/norm.ts";
import { f32, u32 } from "../../src/shape/types.ts";
import { given, random, type Sample, sample } from "./sample.ts";

const x = random(f32(3, 2, 5, 4));
const channels = (seed: number, low = -2) => random(f32(4), { seed, low });

export const compositions: readonly Sample[] = [
  sample("layerNorm", [x, channels(2), channels(3)], (x, scale, shift) => layerNorm(x, -1, { scale, shift })),
  sample("layerNorm over two axes", [x, random(f32(5, 4))], (x, scale) =>
    layerNorm(x, [2, 3], { scale, epsilon: 0.1 }),
  ),
  sample("rmsNorm", [x, channels(2)], (x, scale) => rmsNorm(x, -1, { scale })),
  sample("groupNorm", [x, channels(2), channels(3)], (x, scale, shift) => groupNorm(x, 2, { scale, shift })),
  sample("instanceNorm", [x, channels(2), channels(3)], (x, scale, shift) => instanceNorm(x, { scale, shift })),
  sample(
    "batchNorm, training",
    [x, channels(2), channels(3), channels(4), channels(5, 0.5)],
    (x, scale, shift, mean, variance) => {
      const { y, running } = batchNorm(x, { mean, variance }, { training: true, scale, shift });
      return [y, running.mean, running.variance];
    },
  ),
  sample(
    "batchNorm, inference",
    [x, channels(2), channels(3), channels(4), channels(5, 0.5)],
    (x, scale, shift, mean, variance) => batchNorm(x, { mean, variance }, { training: false, scale, shift }).y,
  ),
  sample("dropout", [x, given(u32(2), [3, 5])], (x, key) => dropout(x, 0.4, key)),
];
