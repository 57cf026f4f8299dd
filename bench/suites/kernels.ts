// `bench kernels`: every op and the shapes that training is made of, each checked against the reference and timed on the GPU, as a share of what
// the device can do.
import type { PageModule } from "../../src/cli/page.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Device, DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import { PassTimer } from "../../src/gpu/passTimer.ts";
import type { GpuProgram } from "../../src/gpu/program.ts";
import { recordingsOf } from "../../src/gpu/recordings.ts";
import type { Tree } from "../../src/graph/tree.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import type { TensorType } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compileTree, disposeTree, putTree, type TreeProgram, type Trees } from "../../src/train/program.ts";
import { type Case, cases } from "../cases.ts";
import { type Ceilings, copyLike, measureCeilings } from "../ceilings.ts";
import { samplesOf } from "../gpuTime.ts";
import { requestDevice, sessionStore } from "../host.ts";
import { each, type Spread, spread } from "../measure.ts";
import { fastestProduct, n } from "../products.ts";
import type { About, Message, Result, Row } from "../results.ts";
import { differenceOf, valuesOf } from "../values.ts";

export interface KernelsArgs {
  /** Only kernels whose group or name contains this. */
  readonly filter: string;
  readonly samples: number;
  /** Takes the schedules that the autotuner finds, not the fixed ones. */
  readonly tune: boolean;
  /** Names of rows that are there already. */
  readonly skip: readonly string[];
}

export interface KernelRow extends Row {
  readonly group: string;
  readonly dispatches: number;
  readonly microseconds: Spread;
  readonly gflops: number;
  readonly gigabytesPerSecond: number;
  /** Of the ceiling that is nearer: arithmetic, or a copy that moves about as much. */
  readonly share: number;
  /** Of what is tried in many. */
  readonly schedule?: string;
  /** From the reference, relative to its greatest value. Absent where the reference would take too long. */
  readonly difference?: number;
}

export interface KernelsAbout extends About {
  readonly ceilings: Ceilings;
}

export type KernelsResult = Result<KernelsAbout, KernelRow>;

const tolerance = 1e-4;
/** Multiply-adds up to which the reference is run. */
const checkable = 3e8;
/** A kernel is timed as if it ran for ever: what it takes to compile counts for nothing. */
const runs = 1e9;

/** The row of the fastest of many schedules. */
const fastest = `matmul ${n}, schedules tried`;

const main: PageModule<KernelsArgs, Message<KernelsAbout, KernelRow>, void> = async (args, send) => {
  const device = await requestDevice();
  const nameOf = (c: Case) => (args.tune ? `${c.name}, tuned` : c.name);
  const wanted = cases.filter(
    (c) =>
      `${c.group} ${c.name}`.includes(args.filter) && !(c.large && device.software) && !args.skip.includes(nameOf(c)),
  );
  const timer = new PassTimer(device.gpu);
  send("ceilings");
  const ceilings = await measureCeilings(device, timer);
  send({ about: { device: device.name, ceilings } });
  const run = async (c: Case) => {
    const row = await measure(device, timer, ceilings, c, nameOf(c), args);
    send({ row });
    send(`  ${row.microseconds.median.toPrecision(3)} µs`);
  };
  try {
    await each(wanted, nameOf, run, send);
    if (fastest.includes(args.filter) && !args.skip.includes(fastest)) {
      send(fastest);
      const { schedule, nanoseconds } = await fastestProduct(device, timer, args.samples, send);
      const work = { dispatches: 1, multiplyAdds: n ** 3, bytes: 3 * 4 * n ** 2 };
      send({ row: { ...rowOf(ceilings, fastest, "products", work, nanoseconds), schedule } });
    }
  } finally {
    device.dispose();
  }
};
export default main;

async function measure(
  device: GpuDevice,
  timer: PassTimer,
  ceilings: Ceilings,
  c: Case,
  name: string,
  { samples, tune }: KernelsArgs,
): Promise<KernelRow> {
  const values = c.inputs.map((type, i) => valuesOf(type, c.low, 3 + i));
  const program = await compile(device, c, tune);
  const inputs = put(device, values);
  const gpu = program as unknown as GpuProgram;
  const { dispatches } = gpu.plan;
  const total = (f: (d: (typeof dispatches)[number]) => number) => dispatches.reduce((n, d) => n + f(d), 0);
  const [multiplyAdds, bytes] = [total((d) => d.multiplyAdds), total((d) => d.bytes)];
  const difference = multiplyAdds <= checkable ? await compare(program, inputs, c, values) : undefined;
  if (difference !== undefined && !(difference <= tolerance))
    throw new Error(`kernels: ${name} differs from its reference by ${difference} (vs ${tolerance})`);
  const recordings = recordingsOf(gpu, inputs);
  const times = await samplesOf(
    timer,
    (pass) => {
      for (const record of recordings) record(pass);
    },
    samples,
  );
  program.dispose();
  disposeTree(inputs);
  const row = rowOf(ceilings, name, c.group, { dispatches: dispatches.length, multiplyAdds, bytes }, times);
  return difference === undefined ? row : { ...row, difference };
}

interface Work {
  readonly dispatches: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
}

function rowOf(
  ceilings: Ceilings,
  name: string,
  group: string,
  { dispatches, multiplyAdds, bytes }: Work,
  times: readonly number[],
): KernelRow {
  const nanoseconds = spread(times).median;
  const [gflops, gigabytesPerSecond] = [(2 * multiplyAdds) / nanoseconds, bytes / nanoseconds];
  return {
    ...{ name, group, dispatches, gflops, gigabytesPerSecond },
    microseconds: spread(times.map((ns) => ns / 1000)),
    share: Math.max(
      gflops / ceilings.gflops.median,
      gigabytesPerSecond / copyLike(ceilings, bytes).gigabytesPerSecond.median,
    ),
  };
}

const put = (device: Device, values: readonly NdArray[]): Trees<DeviceArray> =>
  putTree(device, { inputs: values } as unknown as Tree<NdArray>) as Trees<DeviceArray>;

const compile = (device: Device, c: Case, tune: boolean): Promise<TreeProgram> =>
  compileTree(
    device,
    ({ inputs }) => ({ y: c.build(...(inputs as unknown as Tensor[])) as unknown as Tree<Tensor> }),
    { inputs: c.inputs as unknown as Tree<TensorType> },
    { label: c.name, tune: tune && { runs, store: sessionStore } },
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
  const want = await read(await compile(cpu, c, false), put(cpu, values));
  return Math.max(...want.map(({ data }, k) => differenceOf((got[k] as NdArray).data, data)));
}
