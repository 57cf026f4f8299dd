// wgrad's side of the training tasks, by the public Trainer.
import { mnist } from "../src/data/mnist.ts";
import type { GpuDevice } from "../src/gpu/device.ts";
import type { GpuProgram } from "../src/gpu/program.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { Trainer } from "../src/train/trainer.ts";
import { host } from "./host.ts";
import { batchSize, learningRate, type TaskName, tasks } from "./tasks.ts";

export const stepsPerSubmit = 16;

export async function createTrainer(device: GpuDevice, name: TaskName): Promise<Trainer> {
  const { model, input } = tasks[name];
  const { train } = await mnist(host());
  const data = { x: { ...train.x, shape: [train.x.shape[0] as number, ...input] }, y: train.y };
  const optimizer = optim.adam({ learningRate });
  return Trainer.create({ device, model, data, batchSize, loss: nn.softmaxCrossEntropy, optimizer, seed: 1 });
}

export const programOf = (trainer: Trainer): GpuProgram => trainer.program as unknown as GpuProgram;

export const inputsOf = ({ state, data }: Trainer) => ({ state, data });

/** Submits so many steps. */
export function submit(trainer: Trainer, steps: number): void {
  for (let left = steps; left > 0; left -= stepsPerSubmit)
    trainer.program.run(inputsOf(trainer), { repeat: Math.min(left, stepsPerSubmit) });
  trainer.step += steps;
}
