// The training tasks: nets, batch 64, Adam, on MNIST. Peers build the same nets from the same initial weights (peers/).

import * as nn from "../src/nn/index.ts";
import type { Layer } from "../src/nn/layer.ts";

export const batchSize = 64;
export const learningRate = 1e-3;

export interface Task {
  readonly model: Layer;
  /** Of one image, as the model takes it. */
  readonly input: readonly number[];
}

export const taskNames = ["mnist-mlp", "mnist-cnn", "untuned"] as const;
export type TaskName = (typeof taskNames)[number];

export const tasks: Record<TaskName, Task> = {
  "mnist-mlp": {
    input: [784],
    model: nn.sequential(nn.dense({ units: 128, activation: "relu" }), nn.dense({ units: 10 })),
  },
  "mnist-cnn": {
    input: [28, 28, 1],
    model: nn.sequential(
      nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
      nn.maxPool2d(2),
      nn.flatten(),
      nn.dense({ units: 10 }),
    ),
  },
  /** A net that no one tuned for. */
  untuned: {
    input: [28, 28, 1],
    model: nn.sequential(
      nn.conv2d({ filters: 6, kernel: 5, padding: "same", activation: "tanh" }),
      nn.avgPool2d(2),
      nn.conv2d({ filters: 20, kernel: 3, stride: 2, activation: "leakyRelu" }),
      nn.flatten(),
      nn.dense({ units: 64 }),
      nn.dense({ units: 10 }),
    ),
  },
};
