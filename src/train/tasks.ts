// Tasks of the command line and the demo: a net, and how it is trained unless one says otherwise.
import type { Layer } from "../nn/layer.ts";
import { avgPool2d, conv2d, dense, flatten, maxPool2d } from "../nn/layers.ts";
import { type Loss, softmaxCrossEntropy } from "../nn/losses.ts";
import { sequential } from "../nn/model.ts";
import { lstm, rnn } from "../nn/recurrentLayers.ts";
import { reshape } from "../nn/sequence.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd } from "../optim/rules.ts";

export const optimizers = { sgd, momentum, nesterov, adam, adamw, rmsprop, adagrad };
export type OptimizerName = keyof typeof optimizers;

/** Learning rates that do well on most tasks. */
export const learningRates: Readonly<Record<OptimizerName, number>> = {
  ...{ sgd: 0.1, momentum: 0.02, nesterov: 0.02 },
  ...{ adam: 0.004, adamw: 0.004, rmsprop: 0.001, adagrad: 0.02 },
};

/** An optimizer by name. Throws ValueError on a learning rate that is none. */
export const optimizerOf = (name: OptimizerName, learningRate: number = learningRates[name]): Optimizer =>
  optimizers[name]({ learningRate });

export interface Task {
  readonly description: string;
  /** For images [N, 28, 28, 1] of ten classes. */
  readonly model: Layer;
  readonly loss: Loss;
  readonly optimizer: OptimizerName;
  /** For that optimizer. Default: its usual one. */
  readonly learningRate?: number;
  readonly batchSize: number;
  readonly epochs: number;
}

const cnn = (activation: "relu" | "tanh", pool: (kernel: number) => Layer): Layer =>
  sequential(
    conv2d({ filters: 8, kernel: 3, activation }),
    pool(2),
    conv2d({ filters: 16, kernel: 3, activation }),
    pool(2),
    flatten(),
    dense({ units: 10 }),
  );

const usual = { loss: softmaxCrossEntropy, optimizer: "adam", batchSize: 64, epochs: 1 } as const;

export const tasks = {
  "mnist-mlp": {
    ...usual,
    description: "784-128-10, ReLU",
    model: sequential(flatten(), dense({ units: 128, activation: "relu" }), dense({ units: 10 })),
  },
  "mnist-cnn": {
    ...usual,
    description: "conv 3×3×8, ReLU, max-pool 2, conv 3×3×16, ReLU, max-pool 2, dense 10",
    model: cnn("relu", (k) => maxPool2d(k)),
  },
  "mnist-cnn-smooth": {
    ...usual,
    description: "the same with tanh and average pooling",
    model: cnn("tanh", (k) => avgPool2d(k)),
  },
  "mnist-lstm": {
    ...usual,
    description: "LSTM of 128 units over the 28 rows of an image, dense 10",
    model: sequential(reshape(28, 28), lstm({ units: 128, returns: "last" }), dense({ units: 10 })),
  },
  "mnist-rnn": {
    ...usual,
    learningRate: 0.002,
    description: "tanh RNN of 128 units over the 28 rows of an image, dense 10",
    model: sequential(reshape(28, 28), rnn({ units: 128, returns: "last" }), dense({ units: 10 })),
  },
} satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
