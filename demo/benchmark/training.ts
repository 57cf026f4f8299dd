// Training steps to be measured: nets of the size of MNIST's, on random images, since the time does not depend on what they show.
import { type Device, i32, ndarray, nn, optim, Trainer, u8 } from "wgrad";
import type { TaskName } from "./suite.ts";

const models: Readonly<Record<TaskName, () => nn.Layer>> = {
  MLP: () => nn.sequential(nn.flatten(), nn.dense({ units: 128, activation: "relu" }), nn.dense({ units: 10 })),
  CNN: () =>
    nn.sequential(
      nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.flatten(),
      nn.dense({ units: 10 }),
    ),
  LSTM: () => nn.sequential(nn.reshape(28, 28), nn.lstm({ units: 64, returns: "last" }), nn.dense({ units: 10 })),
};

export const batchSizes = [1, 8, 64, 256];

/** A trainer of the task, ready to step. */
export function trainerOf(device: Device, task: TaskName, batchSize: number): Promise<Trainer> {
  const examples = Math.max(64, batchSize);
  const x = ndarray(u8(examples, 28, 28, 1), (i) => (i * 7919) % 256);
  const y = ndarray(i32(examples), (i) => i % 10);
  return Trainer.create({
    ...{ device, model: models[task](), data: { x, y }, batchSize, seed: 1 },
    loss: nn.softmaxCrossEntropy,
    optimizer: optim.adam({ learningRate: 1e-3 }),
  });
}
