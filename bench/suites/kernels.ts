// `bench kernels`: each kernel by itself, checked against the reference, timed on the GPU, as a share of what the device can do.
import type { PageModule } from "../../src/cli/page.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import { PassTimer } from "../../src/gpu/passTimer.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import type { Tree } from "../../src/graph/tree.ts";
import { allocate, type NdArray } from "../../src/shape/ndarray.ts";
import { numel, type TensorType } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compileTree, disposeTree, putTree, type TreeProgram, type Trees } from "../../src/train/program.ts";
import { type Case, cases } from "../cases.ts";
import { type Ceilings, measureCeilings } from "../ceilings.ts";
import { samplesOf } from "../gpuTime.ts";
import { requestDevice } from "../host.ts";
import { type Spread, spread } from "../measure.ts";
import { generator } from "../peers/contestant.ts";

export interface KernelsArgs {
  /** Only kernels whose group or name contains this. */
  readonly filter: string;
  readonly samples: number;
}

export interface KernelRow {
  readonly name: string;
  readonly group: string;
  readonly dispatches: number;
  readonly microseconds: Spread;
  readonly gflops: number;
  readonly gigabytesPerSecond: number;
  /** Of the ceiling that is nearer: arithmetic or memory. */
  readonly share: number;
  /** From the reference, relative to its greatest value. Absent where the reference would take too long. */
  readonly difference?: number;
}

export interface KernelsResult {
  readonly device: string;
  readonly ceilings: Ceilings;
  readonly rows: readonly KernelRow[];
}

const tolerance = 1e-4;
/** Multiply-adds up to which the reference is run. */
const checkable = 3e8;

const main: PageModule<KernelsArgs, string, KernelsResult> = async ({ filter, samples }, send) => {
  const device = await requestDevice();
  const timer = new PassTimer(device.gpu);
  send("ceilings");
  const ceilings = await measureCeilings(device, timer);
  const { gflops, gigabytesPerSecond } = ceilings;
  send(`${gflops.median.toPrecision(3)} GFLOP/s, ${gigabytesPerSecond.median.toPrecision(3)} GB/s`);
  const rows: KernelRow[] = [];
  for (const c of cases) {
    if (!`${c.group} ${c.name}`.includes(filter) || (c.large && device.software)) continue;
    const row = await measure(device, timer, ceilings, c, samples);
    rows.push(row);
    send(`${c.name}: ${row.microseconds.median.toPrecision(3)} µs`);
  }
  device.dispose();
  return { device: device.name, ceilings, rows };
};
export default main;

async function measure(
  device: GpuDevice,
  timer: PassTimer,
  ceilings: Ceilings,
  c: Case,
  samples: number,
): Promise<KernelRow> {
  const values = { inputs: c.inputs.map((type) => valuesOf(type, c.group === "optimizer" ? 0 : -1)) };
  const program = await compile(device, c);
  const inputs = putTree(device, values as unknown as Tree<NdArray>) as Trees<DeviceArray>;
  const { plan } = program as unknown as GpuProgram;
  const total = (f: (d: (typeof plan.dispatches)[number]) => number) => plan.dispatches.reduce((n, d) => n + f(d), 0);
  const [multiplyAdds, bytes] = [total((d) => d.multiplyAdds), total((d) => d.bytes)];
  const difference = multiplyAdds <= checkable ? await compare(program, inputs, c, values.inputs) : undefined;
  if (difference !== undefined && !(difference <= tolerance))
    throw new Error(`kernels: ${c.name} differs from its reference by ${difference} (vs ${tolerance})`);
  const times = await samplesOf(timer, (pass) => (program as unknown as GpuProgram).encode(pass, inputs), samples);
  program.dispose();
  disposeTree(inputs);
  const nanoseconds = spread(times).median;
  const [gflops, gigabytesPerSecond] = [(2 * multiplyAdds) / nanoseconds, bytes / nanoseconds];
  return {
    ...{ name: c.name, group: c.group, dispatches: plan.dispatches.length, gflops, gigabytesPerSecond },
    microseconds: spread(times.map((ns) => ns / 1000)),
    share: Math.max(gflops / ceilings.gflops.median, gigabytesPerSecond / ceilings.gigabytesPerSecond.median),
    ...(difference === undefined ? {} : { difference }),
  };
}

const compile = (device: Device, c: Case): Promise<TreeProgram> =>
  compileTree(
    device,
    ({ inputs }) => ({ y: c.build(...(inputs as unknown as Tensor[])) }),
    { inputs: c.inputs as unknown as Tree<TensorType> },
    { label: c.name },
  );

/** The greatest difference from the reference. */
async function compare(
  program: TreeProgram,
  inputs: Trees<DeviceArray>,
  c: Case,
  values: readonly NdArray[],
): Promise<number> {
  const cpu = new CpuDevice();
  const read = async (p: TreeProgram, x: Trees<DeviceArray>) =>
    Promise.all((p.run(x).y as unknown as DeviceArray[]).map((a) => a.read()));
  const got = await read(program, inputs);
  const want = await read(
    await compile(cpu, c),
    putTree(cpu, { inputs: values } as unknown as Tree<NdArray>) as Trees<DeviceArray>,
  );
  return Math.max(
    ...want.map(({ data }, k) => {
      let [largest, difference] = [0, 0];
      data.forEach((v: number, i: number) => {
        largest = Math.max(largest, Math.abs(v));
        difference = Math.max(difference, Math.abs(v - ((got[k] as NdArray).data[i] as number)));
      });
      return difference / (largest || 1);
    }),
  );
}

/** Seeded values: from `low` to 1, or labels and keys. */
function valuesOf(type: TensorType, low: number): NdArray {
  const random = generator(3);
  const data = allocate(type.dtype, numel(type.shape));
  for (let i = 0; i < data.length; i++)
    data[i] = type.dtype === "f32" ? Math.fround(low + (1 - low) * random()) : Math.floor(10 * random());
  return { dtype: type.dtype, shape: type.shape, data };
}
