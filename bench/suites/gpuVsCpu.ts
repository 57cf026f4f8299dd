// `bench gpu-vs-cpu`: ops and training steps over sizes, on the GPU, on our reference and on TensorFlow.js with wasm: from which size on the
// GPU is faster. A GPU call is measured with the wait for it, and in a chain of 16 that one submit holds.
import * as tf from "@tensorflow/tfjs-core";
import type { PageModule } from "../../src/cli/page.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import type { Tree } from "../../src/graph/tree.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { numel, type TensorType } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compileTree, disposeTree, putTree, type Trees } from "../../src/train/program.ts";
import { requestDevice } from "../host.ts";
import { generator } from "../peers/contestant.ts";
import "../peers/tfjsBackends.ts";
import { type Scaled, scaled } from "../scaling.ts";
import { chain, type Series, Sizes } from "../sizes.ts";
import { taskPoints } from "../taskScaling.ts";

export interface GpuVsCpuArgs {
  /** Only ops and tasks whose name contains this. */
  readonly filter: string;
  readonly samples: number;
}

export interface GpuVsCpuResult {
  readonly device: string;
  readonly series: readonly Series[];
}

const tolerance = 1e-3;

const main: PageModule<GpuVsCpuArgs, string, GpuVsCpuResult> = async ({ filter, samples }, send) => {
  const device = await requestDevice();
  await tf.setBackend("wasm");
  const series: Series[] = [];
  for (const op of scaled) {
    if (!op.name.includes(filter)) continue;
    const over = new Sizes(samples);
    for (const size of op.sizes) await opPoint(device, op, size, over);
    series.push({ name: op.name, axis: op.axis, points: over.points });
    send(op.name);
  }
  series.push(...(await taskPoints(device, filter, () => new Sizes(samples), send)));
  return { device: device.name, series };
};
export default main;

async function opPoint(device: GpuDevice, op: Scaled, size: number, over: Sizes): Promise<void> {
  const types = op.inputs(size);
  const random = generator(5);
  const values = types.map(
    (type): NdArray => ({ ...type, data: Float64Array.from({ length: numel(type.shape) }, random) }),
  );
  const onGpu = await prepare(device, op, types, values);
  const gpu = onGpu.program as unknown as GpuProgram;
  const tensors = values.map(({ data, shape }) => tf.tensor(Float32Array.from(data), [...shape], "float32"));
  await check(await onGpu.read(), op.tfjs(...tensors), `${op.name} ${size}`);
  let onCpu: Prepared | undefined;
  await over.add(size, {
    gpu: async () => async (count) => {
      for (let i = 0; i < count; i++) {
        gpu.run(onGpu.inputs);
        await device.synchronize();
      }
      return 0;
    },
    gpuInChain: async () => async (count) => {
      for (let k = 0; k < count; k++) {
        const encoder = device.gpu.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (let i = 0; i < chain; i++) gpu.encode(pass, onGpu.inputs);
        pass.end();
        device.gpu.queue.submit([encoder.finish()]);
      }
      await device.synchronize();
      return 0;
    },
    reference: async () => {
      const { program, inputs } = (onCpu = await prepare(new CpuDevice(), op, types, values));
      return async (count) => {
        for (let i = 0; i < count; i++) program.run(inputs);
        return 0;
      };
    },
    wasm: async () => async (count) => {
      for (let i = 0; i < count; i++) op.tfjs(...tensors).dispose();
      return 0;
    },
  });
  onGpu.dispose();
  onCpu?.dispose();
  tf.dispose(tensors);
}

interface Prepared {
  readonly program: Awaited<ReturnType<typeof compileTree>>;
  readonly inputs: Trees<DeviceArray>;
  read(): Promise<NdArray>;
  dispose(): void;
}

async function prepare(device: Device, op: Scaled, types: readonly TensorType[], values: NdArray[]): Promise<Prepared> {
  const f = ({ x }: Trees<Tensor>): Trees<Tensor> => ({ y: op.wgrad(...(x as unknown as Tensor[])) });
  const program = await compileTree(device, f, { x: types as unknown as Tree<TensorType> }, { label: op.name });
  const inputs = putTree(device, { x: values } as unknown as Tree<NdArray>) as Trees<DeviceArray>;
  return {
    ...{ program, inputs, read: () => (program.run(inputs).y as DeviceArray).read() },
    dispose() {
      program.dispose();
      disposeTree(inputs);
    },
  };
}

async function check(got: NdArray, tensor: tf.Tensor, what: string): Promise<void> {
  const want = (await tensor.data()) as Float32Array;
  tensor.dispose();
  let [largest, difference] = [0, 0];
  want.forEach((v, i) => {
    largest = Math.max(largest, Math.abs(v));
    difference = Math.max(difference, Math.abs(v - (got.data[i] as number)));
  });
  if (!(difference <= tolerance * largest))
    throw new Error(`gpu-vs-cpu: ${what}: wgrad and tfjs differ by ${difference} (of ${largest})`);
}
