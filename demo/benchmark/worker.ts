// The worker of the page: measures size by size and sends what it finds. The page ends it to cancel.
import {
  Device,
  type DeviceArray,
  type GpuDevice,
  type GpuProgram,
  type NdArray,
  ndarray,
  type Program,
  type Tensor,
} from "wgrad";
import type { Work } from "../../bench/measure.ts";
import type { OpCase } from "../../bench/publicOps.ts";
import { chain, type Series, Sizes } from "../../bench/sizes.ts";
import { findDevice } from "../common/findDevice.ts";
import { count } from "../common/format.ts";
import { opCases } from "./ops.ts";
import { extents, type Job, type TaskName } from "./suite.ts";
import { batchSizes, trainerOf } from "./training.ts";

export type Message =
  | { readonly kind: "device"; readonly name: string; readonly gpu: boolean; readonly reason?: string }
  | { readonly kind: "progress"; readonly text: string; readonly done: number; readonly total: number }
  | { readonly kind: "series"; readonly series: Series }
  | { readonly kind: "done" }
  | { readonly kind: "error"; readonly name: string; readonly message: string };

const send = (message: Message) => postMessage(message);
const cpu = Device.cpu();

addEventListener("message", async ({ data }: MessageEvent<Job>) => {
  try {
    await measure(data);
    send({ kind: "done" });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    send({ kind: "error", name, message });
  }
});

async function measure(job: Job): Promise<void> {
  const { device, reason } = await findDevice(job.cpu);
  send({ kind: "device", name: device.name, gpu: device.kind === "gpu", ...(reason ? { reason } : {}) });
  const gpu = device.kind === "gpu" ? (device as GpuDevice) : null;
  const { samples, sizes: most } = extents[job.extent];
  const series = [
    ...job.ops.map((name) => {
      const op = opCases[name] as OpCase;
      return { name, axis: op.axis, sizes: op.sizes, add: (over: Sizes, size: number) => opPoint(gpu, op, size, over) };
    }),
    ...job.tasks.map((task) => ({
      ...{ name: `${task}, a training step`, axis: "images in a batch", sizes: batchSizes },
      add: (over: Sizes, size: number) => taskPoint(gpu, task, size, over),
    })),
  ].map((s) => ({ ...s, sizes: s.sizes.slice(0, most) }));
  const total = series.reduce((n, s) => n + s.sizes.length, 0);
  let done = 0;
  for (const { name, axis, sizes, add } of series) {
    const over = new Sizes(samples);
    for (const size of sizes) {
      send({ kind: "progress", text: `${name}: ${axis} = ${count(size)}`, done: done++, total });
      await add(over, size);
      send({ kind: "series", series: { name, axis, points: over.points } });
    }
  }
}

/** The op at one size: a call on the GPU with the wait for it, a call in a chain, and a call of the reference. */
async function opPoint(gpu: GpuDevice | null, op: OpCase, size: number, over: Sizes): Promise<void> {
  const types = op.inputs(size);
  const { low = -1 } = op;
  const values = types.map((type, k) => ndarray(type, (i) => sample(type.dtype, low, i + 31 * k)));
  const onGpu = gpu && (await prepare(gpu, op, values));
  let onCpu: Prepared | undefined;
  await over.add(size, {
    ...(gpu && onGpu ? gpuWork(gpu, onGpu) : {}),
    reference: async () => {
      const { program, inputs } = (onCpu = await prepare(cpu, op, values));
      return async (count) => {
        for (let i = 0; i < count; i++) program.run(inputs);
        return 0;
      };
    },
  });
  onGpu?.dispose();
  onCpu?.dispose();
}

/** A number that looks random: floats from `low` to 1, small integers, booleans. */
function sample(dtype: NdArray["dtype"], low: number, i: number): number {
  const unit = ((i * 7919) % 2003) / 2003;
  if (dtype === "f32") return low + (1 - low) * unit;
  return dtype === "bool" ? Math.round(unit) : Math.floor(16 * unit);
}

interface Inputs {
  readonly x: readonly DeviceArray[];
}

interface Prepared {
  readonly program: Program<never, unknown>;
  readonly inputs: never;
  dispose(): void;
}

async function prepare(device: Device, op: OpCase, values: readonly NdArray[]): Promise<Prepared> {
  const types = values.map(({ dtype, shape }) => ({ dtype, shape }));
  const f = ({ x }: { x: readonly Tensor[] }) => ({ y: [op.build(...x)].flat() });
  const program = await device.compile(f as never, { x: types });
  const inputs: Inputs = device.put({ x: values });
  return {
    ...{ program: program as unknown as Prepared["program"], inputs: inputs as never },
    dispose() {
      program.dispose();
      for (const array of inputs.x) array.dispose();
    },
  };
}

function gpuWork(device: GpuDevice, { program, inputs }: Prepared): Record<"gpu" | "gpuInChain", () => Promise<Work>> {
  return {
    gpu: async () => async (count) => {
      for (let i = 0; i < count; i++) {
        program.run(inputs);
        await device.synchronize();
      }
      return 0;
    },
    gpuInChain: async () => async (count) => {
      for (let k = 0; k < count; k++) {
        const encoder = device.gpu.createCommandEncoder();
        const pass = encoder.beginComputePass();
        for (let i = 0; i < chain; i++) (program as unknown as GpuProgram).encode(pass, inputs);
        pass.end();
        device.gpu.queue.submit([encoder.finish()]);
      }
      await device.synchronize();
      return 0;
    },
  };
}

/** A training step at one batch size. */
async function taskPoint(gpu: GpuDevice | null, task: TaskName, batch: number, over: Sizes): Promise<void> {
  const onGpu = gpu && (await trainerOf(gpu, task, batch));
  const stepsOf = async (device: Device, steps: number): Promise<Work> => {
    const trainer = device === gpu && onGpu ? onGpu : await trainerOf(device, task, batch);
    const inputs = { state: trainer.state, data: trainer.data };
    return async (count) => {
      for (let i = 0; i < count; i++) {
        trainer.program.run(inputs, { repeat: steps });
        await device.synchronize();
      }
      return 0;
    };
  };
  await over.add(batch, {
    ...(gpu ? { gpu: () => stepsOf(gpu, 1), gpuInChain: () => stepsOf(gpu, chain) } : {}),
    reference: () => stepsOf(cpu, 1),
  });
  onGpu?.dispose();
}
