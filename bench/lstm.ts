// An LSTM layer: x [B, T, F] → the last h [B, H].
import { lstm as recurrence } from "../src/compositions/recurrence.ts";
import { glorotUniform, zeros } from "../src/nn/initialisers.ts";
import { fold } from "../src/nn/key.ts";
import type { Layer } from "../src/nn/layer.ts";
import type { Tensor } from "../src/tensor.ts";

export function lstm(units: number): Layer {
  return {
    name: "lstm",
    init(key, { shape }) {
      const [, , features] = shape as [number, number, number];
      const params = {
        wx: glorotUniform(fold(key, 0), [features, 4 * units]),
        wh: glorotUniform(fold(key, 1), [units, 4 * units]),
        bias: zeros(fold(key, 2), [4 * units]),
      };
      return { params, state: {} };
    },
    apply({ params }, x) {
      const { wx, wh, bias } = params as { wx: Tensor; wh: Tensor; bias: Tensor };
      const time = x.shape[1] as number;
      const { hs } = recurrence(x.transpose([1, 0, 2]).matmul(wx).add(bias), wh);
      return { y: hs.slice([time, 0, 0]).squeeze(0), state: {} };
    },
  };
}
