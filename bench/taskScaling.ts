// Training steps over batch sizes, for `bench gpu-vs-cpu`. TensorFlow.js on wasm has no kernel for a convolution's filter gradient.
import { CpuDevice } from "../src/cpu/device.ts";
import type { Device } from "../src/device.ts";
import type { GpuDevice } from "../src/gpu/device.ts";
import type { Trainer } from "../src/train/trainer.ts";
import type { Work } from "./measure.ts";
import { tfjs } from "./peers/tfjs.ts";
import { initialWeights } from "./peers/wgrad.ts";
import { chain, type Series, type Sizes } from "./sizes.ts";
import { type TaskName, tasks } from "./tasks.ts";
import { createTrainer, examples, submit } from "./training.ts";

const batchSizes = [1, 8, 64, 512];
const names: readonly TaskName[] = ["mnist-mlp", "mnist-cnn", "mnist-lstm"];

export async function taskPoints(
  device: GpuDevice,
  filter: string,
  makeSizes: () => Sizes,
  send: (text: string) => void,
): Promise<Series[]> {
  const data = await examples(2048);
  const series: Series[] = [];
  const stepsOf =
    (trainer: Trainer, steps: number, on: Device): Work =>
    async (count) => {
      for (let i = 0; i < count; i++) {
        submit(trainer, steps);
        await on.synchronize();
      }
      return 0;
    };
  for (const task of names.filter((name) => name.includes(filter))) {
    const sizes = makeSizes();
    const convolves = tasks[task].layers.some((layer) => layer.kind === "conv");
    for (const batchSize of batchSizes) {
      const trainer = await createTrainer(device, task, data, { batchSize });
      const cpu = new CpuDevice();
      const start = {
        ...{ task, batchSize, labels: Int32Array.from(data.y.data), weights: await initialWeights(trainer, task) },
        images: Float32Array.from(data.x.data, (v) => v / 255),
      };
      await sizes.add(batchSize, {
        gpu: async () => stepsOf(trainer, 1, device),
        gpuInChain: async () => stepsOf(trainer, chain, device),
        reference: async () => stepsOf(await createTrainer(cpu, task, data, { batchSize }), 1, cpu),
        wasm: async () => (convolves ? null : (await tfjs("wasm").training(start)).work),
      });
      trainer.dispose();
    }
    series.push({ name: task, axis: "images in a batch", points: sizes.points });
    send(task);
  }
  return series;
}
