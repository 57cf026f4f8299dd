// The tasks of the page, as plain data that the page and its worker share. The worker's part is worker/models.ts.

export const optimizerNames = ["adam", "adamw", "nesterov", "momentum", "sgd", "rmsprop", "adagrad"] as const;
export type OptimizerName = (typeof optimizerNames)[number];

export interface Task {
  readonly name: string;
  readonly about: string;
  /** The net, as one would write it. */
  readonly code: string;
  readonly kind: "images" | "text" | "adding" | "points";
  readonly batch: number;
  readonly optimizer: OptimizerName;
  /** Of the optimizer above. */
  readonly learningRate: number;
  /** How long a run is: epochs of images, steps of anything else. */
  readonly length: number;
  /** Small enough for the CPU reference. */
  readonly small?: boolean;
  /** What is counted by the second. */
  readonly unit: string;
}

const images = {
  kind: "images",
  batch: 64,
  optimizer: "adam",
  learningRate: 0.004,
  length: 2,
  unit: "images",
} as const;

export const tasks = {
  "mnist-cnn": {
    ...images,
    name: "Digits, CNN",
    about: "Two convolutions with max-pooling, then a dense layer: the classic for images.",
    code: `nn.sequential(
  nn.conv2d({ filters: 8, kernel: 3, activation: "relu" }),
  nn.maxPool2d(2),
  nn.conv2d({ filters: 16, kernel: 3, activation: "relu" }),
  nn.maxPool2d(2),
  nn.flatten(),
  nn.dense({ units: 10 }),
)`,
  },
  "mnist-mlp": {
    ...images,
    name: "Digits, MLP",
    about: "One hidden layer of 128 units over the 784 pixels.",
    code: `nn.sequential(
  nn.flatten(),
  nn.dense({ units: 128, activation: "relu" }),
  nn.dense({ units: 10 }),
)`,
    small: true,
  },
  "mnist-lstm": {
    ...images,
    name: "Digits, LSTM",
    about: "An LSTM reads the image row by row, from top to bottom, and names the digit after the last.",
    code: `nn.sequential(
  nn.reshape(28, 28),
  nn.lstm({ units: 128, returns: "last" }),
  nn.dense({ units: 10 }),
)`,
    learningRate: 0.002,
    length: 1,
  },
  "char-rnn": {
    name: "Text, LSTM",
    about:
      "An LSTM learns to continue the book of Genesis letter by letter, by truncated backpropagation through time.",
    code: `nn.sequential(
  nn.embedding({ size: alphabet.length, units: 32 }),
  nn.lstm({ units: 128, stateful: true }),
  nn.dense({ units: alphabet.length }),
)`,
    ...{ kind: "text", batch: 32, optimizer: "adam", learningRate: 0.005, length: 1500, unit: "windows" },
  },
  adding: {
    name: "Sums, RNN beside LSTM",
    about:
      "Add the two marked numbers of a long sequence. The gradient of a plain RNN fades on the way back; the LSTM's does not.",
    code: `nn.functional(
  {
    rnn: nn.sequential(nn.rnn({ units: 32, returns: "last" }), nn.dense({ units: 1 })),
    lstm: nn.sequential(nn.lstm({ units: 32, returns: "last", forgetBias: 3 }), nn.dense({ units: 1 })),
  },
  ({ rnn, lstm }, x) => concat([rnn(x), lstm(x)], 1),
)`,
    ...{ kind: "adding", batch: 64, optimizer: "adam", learningRate: 0.005, length: 1500, unit: "sequences" },
  },
  netbp: {
    name: "Ten points, 2-2-3-2",
    about:
      "The toy of Higham and Higham (2019): ten points of two classes in a square, a net of three layers of sigmoids.",
    code: `nn.sequential(
  nn.dense({ units: 2, activation: "sigmoid" }),
  nn.dense({ units: 3, activation: "sigmoid" }),
  nn.dense({ units: 2, activation: "sigmoid" }),
)`,
    ...{ kind: "points", batch: 10, optimizer: "adam", learningRate: 0.02, length: 4000, unit: "points" },
    small: true,
  },
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;

/** Learning rates that do well, by optimizer; a task's own optimizer has its own. */
export const learningRates: Readonly<Record<OptimizerName, number>> = {
  ...{ adam: 0.004, adamw: 0.004, nesterov: 0.02, momentum: 0.02, sgd: 0.1, rmsprop: 0.001, adagrad: 0.02 },
};

/** Everything that a run is made from. */
export interface Setup {
  readonly task: TaskName;
  readonly batch: number;
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  readonly seed: number;
  /** Images to train on. */
  readonly images: number;
  /** Epochs of images, steps of anything else. */
  readonly length: number;
  /** Compute on the CPU reference in any case. */
  readonly cpu: boolean;
}
