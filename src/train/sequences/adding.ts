// The adding problem: of T random numbers in [0, 1), two are marked; the answer is their sum. To predict 1 always has the squared error ⅙.
// A tanh RNN's gradient vanishes over long sequences; an LSTM's need not. Hochreiter and Schmidhuber, Neural Computation 9, 1997.

import type { Dataset } from "../../data/dataset.ts";
import { dense } from "../../nn/layers.ts";
import { mse } from "../../nn/losses.ts";
import { sequential } from "../../nn/model.ts";
import { gru, lstm, type RecurrentOptions, rnn } from "../../nn/recurrentLayers.ts";
import { clipByGlobalNorm } from "../../optim/clip.ts";
import { adam } from "../../optim/rules.ts";
import { f32 } from "../../shape/types.ts";
import { Trainer } from "../trainer.ts";
import { type CellName, Draw, filled, type SequenceTask, train } from "./task.ts";

/** x [n, T, 2]: a number and its mark. One mark in each half. y [n, 1]. */
export function addingData(n: number, length: number, seed: number): Dataset {
  const draw = new Draw(seed);
  const x: number[] = [];
  const y: number[] = [];
  const half = Math.floor(length / 2);
  for (let i = 0; i < n; i++) {
    const marks = [draw.below(half), half + draw.below(length - half)];
    let sum = 0;
    for (let t = 0; t < length; t++) {
      const value = draw.unit();
      const marked = marks.includes(t);
      x.push(value, marked ? 1 : 0);
      if (marked) sum += value;
    }
    y.push(sum);
  }
  return { x: filled(f32(n, length, 2), x), y: filled(f32(n, 1), y) };
}

const cells = {
  lstm: (o: RecurrentOptions) => lstm({ ...o, forgetBias: 3 }),
  gru: (o: RecurrentOptions) => gru(o),
  rnn: (o: RecurrentOptions) => rnn(o),
};

export const adding: SequenceTask = {
  description: "the adding problem: an RNN fails at long sequences, an LSTM does not",
  takes: ["steps", "batch", "lr", "cell", "length"],
  async run(device, { seed, steps = 2000, batch = 64, lr = 0.005, cell, length = 100 }, print) {
    const data = addingData(16_000, length, 2 * seed);
    const test = addingData(1_000, length, 2 * seed + 1);
    const result: Record<string, number> = {};
    for (const name of cell ? [cell] : (["rnn", "lstm"] as CellName[])) {
      print(`${name} of 32 units, T = ${length}; to predict 1 has a loss of 0.167`);
      await using trainer = await Trainer.create({
        ...{ device, data, seed, loss: mse, batchSize: batch },
        model: sequential(cells[name]({ units: 32, returns: "last" }), dense({ units: 1 })),
        optimizer: adam({ learningRate: lr, clip: clipByGlobalNorm(1) }),
      });
      await train(trainer, steps, print);
      const { loss } = await trainer.evaluate(test);
      print(`${name}: test loss ${loss.toFixed(4)}`, { cell: name, testLoss: loss });
      result[`${name}TestLoss`] = loss;
    }
    return result;
  },
};
