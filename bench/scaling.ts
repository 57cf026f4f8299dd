// The ops that `bench gpu-vs-cpu` runs over sizes: for wgrad and for TensorFlow.js.
import * as tf from "@tensorflow/tfjs-core";
import { conv2DBackpropInput } from "@tensorflow/tfjs-core/dist/ops/conv2d_backprop_input.js";
import { f32, type TensorType } from "../src/shape/types.ts";
import type { Tensor } from "../src/tensor.ts";

export interface Scaled {
  readonly name: string;
  /** What the size counts. */
  readonly axis: string;
  readonly sizes: readonly number[];
  readonly inputs: (size: number) => readonly TensorType[];
  readonly wgrad: (...inputs: Tensor[]) => Tensor;
  readonly tfjs: (...inputs: tf.Tensor[]) => tf.Tensor;
}

/** first, first·factor, … to last. */
function geometric(first: number, last: number, factor: number): number[] {
  const sizes: number[] = [];
  for (let n = first; n <= last; n *= factor) sizes.push(n);
  return sizes;
}

const elements = geometric(1 << 8, 1 << 22, 8);
const batches = geometric(1, 256, 4);
const rank4 = (t: tf.Tensor): tf.Tensor4D => t as tf.Tensor4D;

function elementwise(name: string, wgrad: Scaled["wgrad"], tfjs: Scaled["tfjs"], arity = 1): Scaled {
  const inputs = (n: number) => Array.from({ length: arity }, () => f32(n));
  return { name, axis: "elements", sizes: elements, inputs, wgrad, tfjs };
}

export const scaled: readonly Scaled[] = [
  elementwise(
    "add",
    (a, b) => a!.add(b!),
    (a, b) => tf.add(a!, b!),
    2,
  ),
  elementwise(
    "mul",
    (a, b) => a!.mul(b!),
    (a, b) => tf.mul(a!, b!),
    2,
  ),
  elementwise(
    "relu",
    (a) => a!.relu(),
    (a) => tf.relu(a!),
  ),
  elementwise(
    "exp",
    (a) => a!.exp(),
    (a) => tf.exp(a!),
  ),
  elementwise(
    "sigmoid",
    (a) => a!.sigmoid(),
    (a) => tf.sigmoid(a!),
  ),
  elementwise(
    "tanh",
    (a) => a!.tanh(),
    (a) => tf.tanh(a!),
  ),
  elementwise(
    "sum",
    (a) => a!.sum(),
    (a) => tf.sum(a!),
  ),
  elementwise(
    "max",
    (a) => a!.max(),
    (a) => tf.max(a!),
  ),
  {
    ...{ name: "softmax of 64", axis: "rows", sizes: geometric(4, 1 << 16, 8), inputs: (n) => [f32(n, 64)] },
    wgrad: (a) => a!.softmax(),
    tfjs: (a) => tf.softmax(a!),
  },
  {
    ...{ name: "argmax of 64", axis: "rows", sizes: geometric(4, 1 << 16, 8), inputs: (n) => [f32(n, 64)] },
    wgrad: (a) => a!.argmax(-1),
    tfjs: (a) => tf.argMax(a!, -1),
  },
  {
    ...{ name: "matmul", axis: "n of n×n", sizes: geometric(16, 1024, 2), inputs: (n) => [f32(n, n), f32(n, n)] },
    wgrad: (a, b) => a!.matmul(b!),
    tfjs: (a, b) => tf.matMul(a!, b!),
  },
  {
    ...{ name: "transpose", axis: "n of n×n", sizes: geometric(16, 2048, 4), inputs: (n) => [f32(n, n)] },
    wgrad: (a) => a!.transpose(),
    tfjs: (a) => tf.transpose(a!),
  },
  {
    ...{ name: "conv2d 28×28×8→16", axis: "images", sizes: batches },
    inputs: (n) => [f32(n, 28, 28, 8), f32(3, 3, 8, 16)],
    wgrad: (x, w) => x!.conv2d(w!, { padding: "same" }),
    tfjs: (x, w) => tf.conv2d(rank4(x!), rank4(w!), 1, "same"),
  },
  {
    ...{ name: "conv2dInputGrad 28×28×8→16", axis: "images", sizes: batches },
    inputs: (n) => [f32(n, 28, 28, 16), f32(3, 3, 8, 16)],
    wgrad: (dy, w) => dy!.conv2dInputGrad(w!, [28, 28], { padding: "same" }),
    tfjs: (dy, w) => conv2DBackpropInput([dy!.shape[0] as number, 28, 28, 8], rank4(dy!), rank4(w!), 1, "same"),
  },
  {
    ...{ name: "avgPool2d 28×28×8", axis: "images", sizes: batches, inputs: (n) => [f32(n, 28, 28, 8)] },
    wgrad: (x) => x!.avgPool2d(2),
    tfjs: (x) => tf.avgPool(rank4(x!), 2, 2, "valid"),
  },
  {
    ...{ name: "maxPool2d 28×28×8", axis: "images", sizes: batches, inputs: (n) => [f32(n, 28, 28, 8)] },
    wgrad: (x) => x!.maxPool2d(2),
    tfjs: (x) => tf.maxPool(rank4(x!), 2, 2, "valid"),
  },
];
