// The ops of the page: those of the benchmarks, and the recurrent ones as layers, which are their public form.
import { f32, full, nn, u32, vjp } from "wgrad";
import { type OpCase, publicOps, sequences } from "../../bench/publicOps.ts";

const [steps, features, units] = [28, 64, 128];

/** 28 steps of a layer whose weights have `gates` columns a unit: its states, or the gradients of x and of the weights. */
const recurrent = (layer: nn.RecurrentLayer, gates: number, gradient: boolean): OpCase => ({
  ...sequences,
  inputs: (n) => [
    f32(n, steps, features),
    f32(features, gates * units),
    f32(units, gates * units),
    f32(n, steps, units),
  ],
  build(x, wx, wh, dy) {
    const params = { wx: wx!, wh: wh!.mul(0.1), bias: full(f32(gates * units), 0.1), biasH: full(f32(units), 0.1) };
    const context = { training: true, key: full(u32(2), 0) };
    const { y } = layer.run({ params: { layer0: params }, state: {} }, x!, context);
    return gradient ? vjp([y], [dy!], [x!, wx!, wh!]) : y;
  },
});

const layers: readonly (readonly [string, number, nn.RecurrentLayer])[] = [
  ["rnn layer", 1, nn.rnn({ units })],
  ["lstm layer", 4, nn.lstm({ units })],
  ["gru layer", 3, nn.gru({ units })],
  ["gru layer, reset before", 3, nn.gru({ units, resetAfter: false })],
];

export const opCases: Readonly<Record<string, OpCase>> = {
  ...publicOps,
  ...Object.fromEntries(
    layers.flatMap(([name, gates, layer]) => [
      [name, recurrent(layer, gates, false)],
      [`${name}, its gradient`, recurrent(layer, gates, true)],
    ]),
  ),
};
