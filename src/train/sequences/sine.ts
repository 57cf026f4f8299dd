// One-to-many: a wave from its amplitude, frequency and phase. x enters at step 0 and the net runs on alone, zeros after.

import type { Dataset } from "../../data/dataset.ts";
import { dense } from "../../nn/layers.ts";
import { mse } from "../../nn/losses.ts";
import { sequential } from "../../nn/model.ts";
import { gru, lstm, rnn } from "../../nn/recurrentLayers.ts";
import { oneToMany, timeDistributed } from "../../nn/sequence.ts";
import { clipByGlobalNorm } from "../../optim/clip.ts";
import { adam } from "../../optim/rules.ts";
import { f32 } from "../../shape/types.ts";
import { Trainer } from "../trainer.ts";
import { Draw, filled, type SequenceTask, train } from "./task.ts";

/** x [n, 3]: amplitude in [½, 1), frequency in [¼, ½) a step, phase. y [n, T, 1] = a·sin(f·t + p). */
export function sineData(n: number, length: number, seed: number): Dataset {
  const draw = new Draw(seed);
  const waves = Array.from({ length: n }, () => [0.5 + draw.unit() / 2, 0.25 + draw.unit() / 4, draw.unit() * 3]);
  const y = waves.flatMap(([a, f, p]) => Array.from({ length }, (_, t) => a! * Math.sin(f! * t + p!)));
  return { x: filled(f32(n, 3), waves.flat()), y: filled(f32(n, length, 1), y) };
}

export const sine: SequenceTask = {
  description: "one-to-many: waves from amplitude, frequency and phase",
  takes: ["steps", "batch", "lr", "cell", "length"],
  async run(device, { seed, steps = 1500, batch = 64, lr = 0.005, cell = "lstm", length = 24 }, print) {
    const units = 64;
    const recurrent = { lstm, gru, rnn }[cell]({ units });
    await using trainer = await Trainer.create({
      ...{ device, seed, loss: mse, batchSize: batch, data: sineData(8_000, length, 2 * seed) },
      model: sequential(oneToMany(length), recurrent, timeDistributed(dense({ units: 1 }))),
      optimizer: adam({ learningRate: lr, clip: clipByGlobalNorm(1) }),
    });
    await train(trainer, steps, print);
    const test = sineData(1_000, length, 2 * seed + 1);
    const { loss } = await trainer.evaluate(test);
    const waves = await trainer.predict(test.x);
    const show = (values: ArrayLike<number>) =>
      Array.from({ length }, (_, t) => "▁▂▃▄▅▆▇█"[Math.max(0, Math.min(7, Math.floor(4 + 4 * values[t]!)))]).join("");
    print(`wanted ${show(test.y.data)}`);
    print(`got    ${show(waves.data)}`);
    print(`test loss ${loss.toFixed(5)}`, { testLoss: loss });
    return { testLoss: loss };
  },
};
