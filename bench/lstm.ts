// An LSTM layer of plain ops, x [B, T, F] → the last h [B, H]: x·Wx for all T at once, then a cell a step.
import { glorotUniform, zeros } from "../src/nn/initialisers.ts";
import { fold } from "../src/nn/key.ts";
import type { Layer } from "../src/nn/layer.ts";
import { f32 } from "../src/shape/types.ts";
import { full, type Tensor } from "../src/tensor.ts";

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
      const { wx, wh, bias } = params as Record<string, Tensor> as { wx: Tensor; wh: Tensor; bias: Tensor };
      const [batch, time] = x.shape as [number, number];
      const fromX = x.matmul(wx).add(bias);
      let h = full(f32(batch, units), 0);
      let c = h;
      for (let t = 0; t < time; t++) {
        const z = fromX.split(time, 1)[t]!.squeeze(1).add(h.matmul(wh));
        const [i, f, g, o] = z.split(4, -1) as [Tensor, Tensor, Tensor, Tensor];
        c = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
        h = o.sigmoid().mul(c.tanh());
      }
      return { y: h, state: {} };
    },
  };
}
