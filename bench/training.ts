// wgrad's side of the training tasks, by the public Trainer.
import type { Dataset } from "../src/data/dataset.ts";
import { takeExamples } from "../src/data/dataset.ts";
import { mnist } from "../src/data/mnist.ts";
import type { Device } from "../src/device.ts";
import type { GpuProgram } from "../src/gpu/program.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { Trainer, type TrainerOptions } from "../src/train/trainer.ts";
import { host } from "./host.ts";
import { batchSize, type LayerSpec, learningRate, type TaskName, tasks } from "./tasks.ts";

function layerOf(spec: LayerSpec): nn.Layer {
  switch (spec.kind) {
    case "conv": {
      const { filters, kernel, stride = 1, padding = "valid", activation } = spec;
      return nn.conv2d({ filters, kernel, stride, padding, activation });
    }
    case "dense":
      return nn.dense({ units: spec.units, activation: spec.activation ?? "linear" });
    case "lstm":
      return nn.lstm({ units: spec.units, returns: "last" });
    case "maxPool":
      return nn.maxPool2d(2);
    case "avgPool":
      return nn.avgPool2d(2);
    case "flatten":
      return nn.flatten();
  }
}

/** The first examples of MNIST's training set. */
export async function examples(count: number): Promise<Dataset> {
  const { train } = await mnist(host());
  return takeExamples(train, 0, count);
}

export async function createTrainer(
  device: Device,
  name: TaskName,
  { x, y }: Dataset,
  options: Partial<Pick<TrainerOptions, "sampling" | "batchSize" | "tune">> = {},
): Promise<Trainer> {
  const { layers, input } = tasks[name];
  return Trainer.create({
    device,
    model: nn.sequential(...layers.map(layerOf)),
    data: { x: { ...x, shape: [x.shape[0] as number, ...input] }, y },
    ...{ batchSize, loss: nn.softmaxCrossEntropy, optimizer: optim.adam({ learningRate }), seed: 1, ...options },
  });
}

export const programOf = (trainer: Trainer): GpuProgram => trainer.program as unknown as GpuProgram;

export const inputsOf = ({ state, data }: Trainer) => ({ state, data });

/** Submits so many steps, at once. */
export function submit(trainer: Trainer, steps: number): void {
  trainer.program.run(inputsOf(trainer), { repeat: steps });
  trainer.step += steps;
}
