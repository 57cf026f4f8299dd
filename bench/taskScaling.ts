// Training steps over batch sizes, for `bench gpu-vs-cpu`. TensorFlow.js on wasm has no kernel for a convolution's filter gradient.
import { CpuDevice } from "../src/cpu/device.ts";
import type { Device } from "../src/device.ts";
import type { GpuDevice } from "../src/gpu/device.ts";
import type { Trainer } from "../src/train/trainer.ts";
import type { Work } from "./measure.ts";
import type { Training } from "./peers/contestant.ts";
import { tfjs } from "./peers/tfjs.ts";
import { initialWeights } from "./peers/wgrad.ts";
import { chain, type Series, type Sizes } from "./sizes.ts";
import { type TaskName, tasks } from "./tasks.ts";
import { createTrainer, examples, submit } from "./training.ts";

const batchSizes = [1, 8, 64, 512];

export const scaledTasks = ["mnist-mlp", "mnist-cnn", "mnist-lstm"] as const satisfies readonly TaskName[];

const stepsOf =
  (trainer: Trainer, steps: number, on: Device): Work =>
  async (count) => {
    for (let i = 0; i < count; i++) {
      submit(trainer, steps);
      await on.synchronize();
    }
    return 0;
  };

export async function taskSeries(device: GpuDevice, task: TaskName, sizes: Sizes): Promise<Series> {
  const data = await examples(2048);
  const cpu = new CpuDevice();
  const convolves = tasks[task].layers.some((layer) => layer.kind === "conv");
  for (const batchSize of batchSizes) {
    const trainer = await createTrainer(device, task, data, { batchSize });
    const start = {
      ...{ task, batchSize, labels: Int32Array.from(data.y.data), weights: await initialWeights(trainer, task) },
      images: Float32Array.from(data.x.data, (v) => v / 255),
    };
    let onWasm: Training | undefined;
    await sizes.add(batchSize, {
      gpu: () => stepsOf(trainer, 1, device),
      gpuInChain: () => stepsOf(trainer, chain, device),
      reference: async () => stepsOf(await createTrainer(cpu, task, data, { batchSize }), 1, cpu),
      wasm: async () => (convolves ? null : (onWasm = await tfjs("wasm").training(start)).work),
    });
    onWasm?.dispose();
    trainer.dispose();
  }
  return { name: task, axis: "images in a batch", points: sizes.points };
}
