// `bench gpu-vs-cpu`: every op and the training steps over sizes, on the GPU, on our reference and on TensorFlow.js with wasm: from which size on
// the GPU is faster. A GPU call is measured with the wait for it, and in a chain of 16 that one submit holds.
import * as tf from "@tensorflow/tfjs-core";
import type { PageModule } from "../../src/cli/page.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import type { Tree } from "../../src/graph/tree.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compileTree, disposeTree, putTree, type Trees } from "../../src/train/program.ts";
import { requestDevice } from "../host.ts";
import { each, type Work } from "../measure.ts";
import { type OpCase, opCases } from "../ops.ts";
import "../peers/tfjsBackends.ts";
import type { About, Message, Result } from "../results.ts";
import { chain, type Series, Sizes } from "../sizes.ts";
import { scaledTasks, taskSeries } from "../taskScaling.ts";
import { tfjsOps } from "../tfjsOps.ts";
import { differenceOf, valuesOf } from "../values.ts";

export interface GpuVsCpuArgs {
  /** Only ops and tasks whose name contains this. */
  readonly filter: string;
  readonly samples: number;
  /** Names of rows that are there already. */
  readonly skip: readonly string[];
}

export type GpuVsCpuResult = Result<About, Series>;

/** Of results, from the reference: relative to the greatest value. */
const tolerance = 1e-3;

const main: PageModule<GpuVsCpuArgs, Message<About, Series>, void> = async ({ filter, samples, skip }, send) => {
  const device = await requestDevice();
  send({ about: { device: device.name } });
  await tf.setBackend("wasm");
  tf.enableProdMode();
  const wanted = (name: string) => name.includes(filter) && !skip.includes(name);
  const ops = (Object.entries(opCases) as [keyof typeof opCases, OpCase][]).filter(([name]) => wanted(name));
  const tasks = scaledTasks.filter(wanted);
  const opSeries = async ([name, op]: (typeof ops)[number]): Promise<Series> => {
    const over = new Sizes(samples);
    for (const size of op.sizes) await opPoint(device, name, op, size, over);
    return { name, axis: op.axis, points: over.points };
  };
  const all = [
    ...ops.map((op) => ({ name: op[0], series: () => opSeries(op) })),
    ...tasks.map((task) => ({ name: task, series: () => taskSeries(device, task, new Sizes(samples)) })),
  ];
  await each(
    all,
    ({ name }) => name,
    async ({ series }) => send({ row: await series() }),
    send,
  );
};
export default main;

async function opPoint(
  device: GpuDevice,
  name: keyof typeof opCases,
  op: OpCase,
  size: number,
  over: Sizes,
): Promise<void> {
  const values = op.inputs(size).map((type, i) => valuesOf(type, op.low, 3 + i));
  const onGpu = await prepare(device, name, op, values);
  const onCpu = await prepare(new CpuDevice(), name, op, values);
  const gpu = onGpu.program as unknown as GpuProgram;
  const onWasm = wasm(name, values);
  const got = await onGpu.read();
  // the reference judges the first size, where it takes no time; TensorFlow.js all that it has
  if (over.points.length === 0) check(got, (await onCpu.read()).data, `${name} of ${size}, the reference`);
  if (onWasm) check(got, await onWasm.result(), `${name} of ${size}, tfjs`);
  await over.add(size, {
    gpu: () => async (count) => {
      for (let i = 0; i < count; i++) {
        gpu.run(onGpu.inputs);
        await device.synchronize();
      }
      return 0;
    },
    gpuInChain: () => async (count) => {
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
    reference: () => async (count) => {
      for (let i = 0; i < count; i++) onCpu.program.run(onCpu.inputs);
      return 0;
    },
    wasm: () => onWasm?.work ?? null,
  });
  onGpu.dispose();
  onCpu.dispose();
  onWasm?.dispose();
}

interface Prepared {
  readonly program: Awaited<ReturnType<typeof compileTree>>;
  readonly inputs: Trees<DeviceArray>;
  /** The first output. */
  read(): Promise<NdArray>;
  dispose(): void;
}

async function prepare(device: Device, name: string, op: OpCase, values: readonly NdArray[]): Promise<Prepared> {
  const f = ({ x }: Trees<Tensor>): Trees<Tensor> => ({ y: [op.build(...(x as unknown as Tensor[]))].flat() as never });
  const types = values.map(({ dtype, shape }) => ({ dtype, shape }));
  const program = await compileTree(device, f, { x: types as never }, { label: name });
  const inputs = putTree(device, { x: values } as unknown as Tree<NdArray>) as Trees<DeviceArray>;
  return {
    ...{ program, inputs, read: () => (program.run(inputs).y as unknown as DeviceArray[])[0]!.read() },
    dispose() {
      program.dispose();
      disposeTree(inputs);
    },
  };
}

const tfTypes = { f32: "float32", i32: "int32", u32: "int32", u8: "int32", bool: "bool" } as const;

/** The op in TensorFlow.js; null where it, or its wasm backend, has none. */
function wasm(
  name: keyof typeof opCases,
  values: readonly NdArray[],
): { readonly work: Work; result(): Promise<ArrayLike<number>>; dispose(): void } | null {
  const run = tfjsOps[name];
  if (!run) return null;
  const tensors = values.map(({ data, shape, dtype }) =>
    tf.tensor(dtype === "f32" ? Float32Array.from(data) : Int32Array.from(data), [...shape], tfTypes[dtype]),
  );
  try {
    run(...tensors).dispose();
  } catch (error) {
    tf.dispose(tensors);
    if (/not registered/.test((error as Error).message)) return null;
    throw error;
  }
  return {
    work: async (count) => {
      for (let i = 0; i < count; i++) run(...tensors).dispose();
      return 0;
    },
    async result() {
      const y = run(...tensors);
      const data = (await y.data()) as ArrayLike<number>;
      y.dispose();
      return data;
    },
    dispose: () => tf.dispose(tensors),
  };
}

function check(got: NdArray, want: ArrayLike<number>, what: string): void {
  const difference = differenceOf(got.data, want);
  if (!(difference <= tolerance)) throw new Error(`gpu-vs-cpu: ${what}: results differ by ${difference}`);
}
