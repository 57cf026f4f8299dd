// TensorFlow.js: the whole set as one tensor, gather and optimizer.minimize in a tidy, nothing read back until the end of a sample.
// Whoever uses it imports the backends (tfjsBackends.ts, or one alone).
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { conv2DBackpropFilter } from "@tensorflow/tfjs-core/dist/ops/conv2d_backprop_filter.js";
import { conv2DBackpropInput } from "@tensorflow/tfjs-core/dist/ops/conv2d_backprop_input.js";
import "@tensorflow/tfjs-core/dist/register_all_gradients.js";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { JsClock } from "../measure.ts";
import { type LayerSpec, learningRate, tasks } from "../tasks.ts";
import {
  batches,
  firstBatch,
  type Kernel,
  type KernelRun,
  type Peer,
  type Start,
  type Training,
} from "./contestant.ts";

type Backend = "webgpu" | "wasm" | "cpu";
type Weights = Record<string, tf.Variable>;

export function tfjs(backend: Backend): Peer {
  tf.enableProdMode();
  return {
    async training(start) {
      await tf.setBackend(backend);
      return training(backend, start);
    },
    async kernel(kernel) {
      await tf.setBackend(backend);
      return kernelRun(backend, kernel);
    },
  };
}

/** Waits for the device, where there is one. */
async function finish(): Promise<void> {
  if (tf.getBackend() !== "webgpu") return;
  const backend = tf.backend() as WebGPUBackend;
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.device.queue.onSubmittedWorkDone();
}

const tensor = ({ shape, data }: NdArray): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape], "float32");

function training(backend: Backend, { task, batchSize, images, labels, weights }: Start): Training {
  const { input, layers } = tasks[task];
  const count = labels.length;
  const xs = tf.tensor(images, [count, ...input]);
  const ys = tf.tensor1d(labels, "int32");
  const variables = weights.map((w) =>
    Object.fromEntries(Object.entries(w).map(([k, v]) => [k, tf.variable(tensor(v))])),
  );
  const flat = variables.flatMap((v) => Object.values(v));
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  const step = (rows: Int32Array, returnCost: boolean) =>
    tf.tidy(() => {
      const index = tf.tensor1d(rows, "int32");
      const x = tf.gather(xs, index);
      const y = tf.oneHot(tf.gather(ys, index), 10);
      const loss = () =>
        tf.losses.softmaxCrossEntropy(
          y,
          forward(layers, variables, x),
          undefined,
          undefined,
          tf.Reduction.MEAN,
        ) as tf.Scalar;
      return optimizer.minimize(loss, returnCost, flat) as tf.Scalar; // null without the cost
    });
  const next = batches(count, batchSize);
  return {
    async work(steps) {
      await tf.setBackend(backend);
      const clock = new JsClock();
      for (let i = 0; i < steps; i++) clock.run(() => step(next(), false));
      await finish();
      return clock.milliseconds;
    },
    async losses(steps) {
      const found: number[] = [];
      for (let i = 0; i < steps; i++) {
        const loss = step(firstBatch(i, batchSize), true) as tf.Scalar;
        found.push((await loss.data())[0] as number);
        loss.dispose();
      }
      return found;
    },
    dispose: () => {
      tf.dispose([xs, ys, ...flat]);
      optimizer.dispose();
    },
  };
}

const activations = {
  relu: (x: tf.Tensor) => tf.relu(x),
  tanh: (x: tf.Tensor) => tf.tanh(x),
  leakyRelu: (x: tf.Tensor) => tf.leakyRelu(x, 0.01),
};

function forward(layers: readonly LayerSpec[], variables: readonly Weights[], input: tf.Tensor): tf.Tensor {
  const apply = (layer: LayerSpec, x: tf.Tensor, w: Weights): tf.Tensor => {
    switch (layer.kind) {
      case "conv": {
        const y = tf.conv2d(x as tf.Tensor4D, w.weight as tf.Tensor4D, layer.stride ?? 1, layer.padding ?? "valid");
        return activations[layer.activation](tf.add(y, w.bias as tf.Tensor));
      }
      case "dense": {
        const y = tf.add(tf.matMul(x, w.weight as tf.Tensor), w.bias as tf.Tensor);
        return layer.activation ? activations[layer.activation](y) : y;
      }
      case "lstm":
        return lstm(x, w, layer.units);
      case "maxPool":
        return tf.maxPool(x as tf.Tensor4D, 2, 2, "valid");
      case "avgPool":
        return tf.avgPool(x as tf.Tensor4D, 2, 2, "valid");
      case "flatten":
        return tf.reshape(x, [x.shape[0] as number, -1]);
    }
  };
  return layers.reduce((x, layer, i) => apply(layer, x, variables[i] as Weights), input);
}

/** x·Wx for all times at once, then a matmul a step. */
function lstm(x: tf.Tensor, w: Weights, units: number): tf.Tensor {
  const [batch, time, features] = x.shape as [number, number, number];
  const flat = tf.matMul(tf.reshape(x, [batch * time, features]), w.wx as tf.Tensor);
  const fromX = tf.unstack(tf.reshape(tf.add(flat, w.bias as tf.Tensor), [batch, time, 4 * units]), 1);
  let [h, c] = [tf.zeros([batch, units]), tf.zeros([batch, units])] as [tf.Tensor, tf.Tensor];
  for (const at of fromX) {
    const [i, f, g, o] = tf.split(tf.add(at, tf.matMul(h, w.wh as tf.Tensor)), 4, 1) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    c = tf.add(tf.mul(tf.sigmoid(f), c), tf.mul(tf.sigmoid(i), tf.tanh(g)));
    h = tf.mul(tf.sigmoid(o), tf.tanh(c));
  }
  return h;
}

function kernelRun(backend: Backend, { kind, inputs }: Kernel): KernelRun {
  const [a, b] = inputs.map(({ shape, data }) => tf.tensor(data, [...shape])) as [tf.Tensor, tf.Tensor];
  const [a4, b4] = [a, b] as [tf.Tensor4D, tf.Tensor4D];
  const [batch, height, width, channels] = a4.shape;
  const run = {
    matmul: () => tf.matMul(a, b),
    conv: () => tf.conv2d(a4, b4, 1, "same"),
    convInputGrad: () => conv2DBackpropInput([batch, height, width, b4.shape[2]], a4, b4, 1, "same"),
    convFilterGrad: () => conv2DBackpropFilter(a4, b4, [3, 3, channels, b4.shape[3]], 1, "same"),
  }[kind];
  return {
    async work(count) {
      await tf.setBackend(backend);
      const clock = new JsClock();
      for (let i = 0; i < count; i++) clock.run(() => run().dispose());
      await finish();
      return clock.milliseconds;
    },
    async result() {
      const y = run();
      const data = (await y.data()) as Float32Array;
      y.dispose();
      return data;
    },
    dispose: () => tf.dispose([a, b]),
  };
}
