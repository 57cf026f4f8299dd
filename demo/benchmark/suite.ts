// What the benchmark can measure, for the page and its worker: ops by name, and training steps.
import { opCases } from "./ops.ts";

export const opNames: readonly string[] = Object.keys(opCases);

/** Ops that are ticked at first. */
export const usual: readonly string[] = [
  "add",
  "tanh",
  "sum",
  "softmaxCrossEntropy",
  "matmul",
  "conv2d",
  "maxPool2d",
  "lstm layer",
];

export const taskNames = ["MLP", "CNN", "LSTM"] as const;
export type TaskName = (typeof taskNames)[number];

/** How far to go: sizes of each series, and samples of each time. */
export const extents = {
  small: { name: "Small: seconds", sizes: 2, samples: 2 },
  medium: { name: "Medium: a minute or two", sizes: 4, samples: 3 },
  large: { name: "Large: all sizes", sizes: Number.POSITIVE_INFINITY, samples: 5 },
} as const;
export type Extent = keyof typeof extents;

/** What the worker is asked for. */
export interface Job {
  readonly ops: readonly string[];
  readonly tasks: readonly TaskName[];
  readonly extent: Extent;
  readonly cpu: boolean;
}
