// The ops as TensorFlow.js has them, on the inputs of ops.ts; those that it lacks are missing.
import * as tf from "@tensorflow/tfjs-core";
import { conv2DBackpropInput } from "@tensorflow/tfjs-core/dist/ops/conv2d_backprop_input.js";
import type { OpName } from "../src/ops/index.ts";

type Run = (...inputs: tf.Tensor[]) => tf.Tensor;

const unary =
  (f: (x: tf.Tensor) => tf.Tensor): Run =>
  (x) =>
    f(x!);
const binary =
  (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor): Run =>
  (a, b) =>
    f(a!, b!);
const images = (t: tf.Tensor | undefined): tf.Tensor4D => t as tf.Tensor4D;
const size = (t: tf.Tensor | undefined, axis = 0): number => t!.shape[axis] as number;

export const tfjsOps: Partial<Record<OpName, Run>> = {
  neg: unary(tf.neg),
  abs: unary(tf.abs),
  sign: unary(tf.sign),
  floor: unary(tf.floor),
  square: unary(tf.square),
  reciprocal: unary(tf.reciprocal),
  sqrt: unary(tf.sqrt),
  rsqrt: unary(tf.rsqrt),
  exp: unary(tf.exp),
  log: unary(tf.log),
  sin: unary(tf.sin),
  cos: unary(tf.cos),
  tanh: unary(tf.tanh),
  erf: unary(tf.erf),
  clip: unary((x) => tf.clipByValue(x, -0.5, 0.5)),
  cast: unary((x) => tf.cast(x, "float32")),
  relu: unary(tf.relu),
  leakyRelu: unary((x) => tf.leakyRelu(x, 0.01)),
  elu: unary(tf.elu),
  selu: unary(tf.selu),
  softplus: unary(tf.softplus),
  sigmoid: unary(tf.sigmoid),
  silu: unary((x) => tf.tidy(() => tf.mul(x, tf.sigmoid(x)))),
  add: binary(tf.add),
  sub: binary(tf.sub),
  mul: binary(tf.mul),
  div: binary(tf.div),
  pow: binary(tf.pow),
  minimum: binary(tf.minimum),
  maximum: binary(tf.maximum),
  prelu: binary(tf.prelu),
  greater: binary(tf.greater),
  greaterEqual: binary(tf.greaterEqual),
  less: binary(tf.less),
  lessEqual: binary(tf.lessEqual),
  equal: binary(tf.equal),
  notEqual: binary(tf.notEqual),
  and: binary(tf.logicalAnd),
  or: binary(tf.logicalOr),
  not: unary(tf.logicalNot),
  where: (c, a, b) => tf.where(c!, a!, b!),
  full: unary((x) => tf.fill(x.shape, 0.5)),
  iota: unary((x) => tf.range(0, size(x), 1, "int32")),
  transpose: unary((x) => tf.transpose(x)),
  broadcastTo: unary((x) => tf.broadcastTo(x, [size(x), size(x)])),
  slice: unary((x) => tf.slice(x, [1, 1])),
  flip: unary((x) => tf.reverse(x, 1)),
  pad: unary((x) =>
    tf.pad(x, [
      [1, 1],
      [1, 1],
    ]),
  ),
  concat: binary((a, b) => tf.concat([a, b], 1)),
  gather: binary((x, at) => tf.gather(x, at as tf.Tensor1D)),
  oneHot: unary((x) => tf.oneHot(x, 64, 1, 0, "float32")),
  sum: unary((x) => tf.sum(x)),
  max: unary((x) => tf.max(x)),
  min: unary((x) => tf.min(x)),
  argmax: unary((x) => tf.argMax(x, -1)),
  argmin: unary((x) => tf.argMin(x, -1)),
  maxSumExp: unary((x) => tf.softmax(x)),
  matmul: binary((a, b) => tf.matMul(a, b)),
  conv2d: binary((x, w) => tf.conv2d(images(x), images(w), 1, "same")),
  conv2dInputGrad: binary((dy, w) =>
    conv2DBackpropInput([size(dy), 28, 28, size(w, 2)], images(dy), images(w), 1, "same"),
  ),
  avgPool2d: unary((x) => tf.avgPool(images(x), 2, 2, "valid")),
  maxPool2d: unary((x) => tf.maxPool(images(x), 2, 2, "valid")),
};
