// wgrad as a contestant: training by the Trainer, as many steps a submit as its own loop takes; kernels by a compiled function, 16 runs a submit.
import type { Dataset } from "../../src/data/dataset.ts";
import type { DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import { leaves, type Tree } from "../../src/graph/tree.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { Pace } from "../../src/train/pace.ts";
import { isNdArray } from "../../src/train/program.ts";
import type { Trainer, TrainerOptions } from "../../src/train/trainer.ts";
import { JsClock } from "../measure.ts";
import { batchSize, type TaskName, tasks } from "../tasks.ts";
import { createTrainer, submit } from "../training.ts";
import type { Kernel, KernelRun, Start, Training } from "./contestant.ts";

/** At most so many submits are in flight. */
const inFlight = 3;

export interface WgradTraining extends Training {
  readonly trainer: Trainer;
  readonly start: Start;
  /** So far as `work` has shown how long a step takes. */
  stepsPerSubmit(): number;
}

/** The trainer's parameters, by layer and name. */
export async function initialWeights(trainer: Trainer, task: TaskName): Promise<Start["weights"]> {
  const params = leaves((await trainer.params()) as Tree<NdArray>, isNdArray);
  return tasks[task].layers.map((_, i) =>
    Object.fromEntries(
      params
        .filter(({ path }) => path.split(".")[0]?.endsWith(String(i)))
        .map(({ path, value }) => [path.split(".").at(-1) as string, value]),
    ),
  );
}

export async function wgradTraining(
  device: GpuDevice,
  task: TaskName,
  data: Dataset,
  tune: TrainerOptions["tune"] = false,
): Promise<WgradTraining> {
  const trainer = await createTrainer(device, task, data, { tune });
  const weights = await initialWeights(trainer, task);
  const pace = new Pace(device.kind);
  return {
    trainer,
    start: {
      ...{ task, weights, batchSize, labels: Int32Array.from(data.y.data) },
      images: Float32Array.from(data.x.data, (v) => v / 255),
    },
    async work(steps) {
      const clock = new JsClock();
      const waits: Promise<void>[] = [];
      const start = performance.now();
      for (let left = steps; left > 0; ) {
        const now = Math.min(left, pace.submit);
        clock.run(() => submit(trainer, now));
        left -= now;
        waits.push(device.synchronize());
        if (waits.length >= inFlight) await waits.shift();
      }
      await Promise.all(waits);
      pace.measure((1000 * steps) / (performance.now() - start));
      return clock.milliseconds;
    },
    stepsPerSubmit: () => pace.submit,
    async losses(steps) {
      const sequential = await createTrainer(device, task, data, { sampling: "sequential" });
      submit(sequential, steps);
      const history = await (sequential.state.history as DeviceArray).read();
      sequential.dispose();
      return Array.from({ length: steps }, (_, i) => history.data[2 * i] as number);
    },
    dispose: () => trainer.dispose(),
  };
}

/** The function of a kernel. */
export function kernelFunction({ kind, inputs }: Kernel): (a: Tensor, b: Tensor) => Tensor {
  const [first, second] = inputs.map(({ shape }) => shape) as [readonly number[], readonly number[]];
  return {
    matmul: (a: Tensor, b: Tensor) => a.matmul(b),
    conv: (x: Tensor, w: Tensor) => x.conv2d(w, { padding: "same" }),
    convInputGrad: (dy: Tensor, w: Tensor) =>
      dy.conv2dInputGrad(w, [first[1] as number, first[2] as number], { padding: "same" }),
    convFilterGrad: (x: Tensor, dy: Tensor) =>
      x.conv2dFilterGrad(dy, second.length === 4 ? [3, 3] : [1, 1], { padding: "same" }),
  }[kind];
}

export const kernelsPerSubmit = 16;

export async function wgradKernel(device: GpuDevice, kernel: Kernel, tune: boolean): Promise<KernelRun> {
  const values = kernel.inputs.map(({ shape, data }) => ({ ...f32(...shape), data: Float64Array.from(data) }));
  const [a, b] = values.map(({ shape }) => f32(...shape)) as [ReturnType<typeof f32>, ReturnType<typeof f32>];
  const f = kernelFunction(kernel);
  const program = await device.compile(({ a, b }) => ({ y: f(a, b) }), { a, b }, { label: kernel.name, tune });
  const inputs = device.put({ a: values[0] as NdArray, b: values[1] as NdArray });
  const { gpu } = device;
  return {
    async work(count) {
      const clock = new JsClock();
      for (let left = count; left > 0; left -= kernelsPerSubmit)
        clock.run(() => {
          const encoder = gpu.createCommandEncoder();
          const pass = encoder.beginComputePass();
          for (let i = 0; i < Math.min(left, kernelsPerSubmit); i++)
            (program as unknown as GpuProgram).encode(pass, inputs);
          pass.end();
          gpu.queue.submit([encoder.finish()]);
        });
      await device.synchronize();
      return clock.milliseconds;
    },
    async result() {
      const { y } = program.run(inputs) as { y: DeviceArray };
      return Float32Array.from((await y.read()).data);
    },
    dispose() {
      program.dispose();
      for (const array of Object.values(inputs)) (array as DeviceArray).dispose();
    },
  };
}
