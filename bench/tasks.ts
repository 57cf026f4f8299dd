// The training tasks as plain data: batch 64, Adam, MNIST. wgrad and its peers build the same nets from the same initial weights.

export const batchSize = 64;
export const learningRate = 1e-3;

export type ActivationName = "relu" | "tanh" | "leakyRelu";

export interface Convolution {
  readonly kind: "conv";
  readonly filters: number;
  readonly kernel: number;
  readonly stride?: number;
  /** Default: "valid". */
  readonly padding?: "same";
  readonly activation: ActivationName;
}

export interface Dense {
  readonly kind: "dense";
  readonly units: number;
  readonly activation?: ActivationName;
}

/** The last state of an LSTM over the rows of an image. Gates i, f, g, o. */
export interface Lstm {
  readonly kind: "lstm";
  readonly units: number;
}

/** Windows of 2×2. */
export interface Pool {
  readonly kind: "maxPool" | "avgPool";
}

export type LayerSpec = Convolution | Dense | Lstm | Pool | { readonly kind: "flatten" };

export interface Task {
  /** One image, as the net takes it. */
  readonly input: readonly number[];
  readonly layers: readonly LayerSpec[];
}

export const tasks = {
  "mnist-mlp": {
    input: [784],
    layers: [
      { kind: "dense", units: 128, activation: "relu" },
      { kind: "dense", units: 10 },
    ],
  },
  "mnist-cnn": {
    input: [28, 28, 1],
    layers: [
      { kind: "conv", filters: 8, kernel: 3, activation: "relu" },
      { kind: "maxPool" },
      { kind: "conv", filters: 16, kernel: 3, activation: "relu" },
      { kind: "maxPool" },
      { kind: "flatten" },
      { kind: "dense", units: 10 },
    ],
  },
  "mnist-lstm": {
    input: [28, 28],
    layers: [
      { kind: "lstm", units: 128 },
      { kind: "dense", units: 10 },
    ],
  },
  /** A net that no one tuned for. */
  untuned: {
    input: [28, 28, 1],
    layers: [
      { kind: "conv", filters: 6, kernel: 5, padding: "same", activation: "tanh" },
      { kind: "avgPool" },
      { kind: "conv", filters: 20, kernel: 3, stride: 2, activation: "leakyRelu" },
      { kind: "flatten" },
      { kind: "dense", units: 64 },
      { kind: "dense", units: 10 },
    ],
  },
} as const satisfies Record<string, Task>;

export type TaskName = keyof typeof tasks;
export const taskNames = Object.keys(tasks) as TaskName[];
