// The fastest of many kernels for a product of two matrices: the planner's candidates, and tiles and unrollings by powers of two around them. How
// much another choice of schedules could gain for whatever is made of products.
import { CpuDevice } from "../src/cpu/device.ts";
import type { Device, DeviceArray } from "../src/device.ts";
import type { GpuDevice } from "../src/gpu/device.ts";
import type { PassTimer } from "../src/gpu/passTimer.ts";
import type { GpuProgram } from "../src/gpu/program.ts";
import { recordingsOf } from "../src/gpu/recordings.ts";
import type { Tuning } from "../src/gpu/tuning.ts";
import { makePlan } from "../src/plan/plan.ts";
import { printSchedule } from "../src/plan/print.ts";
import type { NdArray } from "../src/shape/ndarray.ts";
import { f32 } from "../src/shape/types.ts";
import type { Tensor } from "../src/tensor.ts";
import { trace } from "../src/trace.ts";
import { samplesOf } from "./gpuTime.ts";
import { spread } from "./measure.ts";
import { differenceOf, valuesOf } from "./values.ts";

type Schedule = Tuning[string]["schedule"];

export interface FastestProduct {
  /** As a plan prints it, and out of how many. */
  readonly schedule: string;
  readonly nanoseconds: readonly number[];
}

/** Rows and columns of the matrices. */
export const n = 512;
/** From the reference, of the greatest value. */
const tolerance = 1e-4;
const sides = [4, 8, 16, 32];
/** Sums of a lane, at least and at most; fewer load too often. */
const sums = { software: [64, 256], gpu: [16, 64] } as const;
const unrolls = [4, 8, 16];
/** The most multiply-adds in a loop's body: twice as many as the planner allows, since nothing counts here but speed. */
const mostBody = { software: 2048, gpu: 1024 };

const medianOf = (times: readonly number[]): number => spread(times).median;

const types = { x: f32(n, n), w: f32(n, n) };
const product = ({ x, w }: { x: Tensor; w: Tensor }) => ({ y: x.matmul(w) });

export async function fastestProduct(
  device: GpuDevice,
  timer: PassTimer,
  samples: number,
  send: (message: string) => void,
): Promise<FastestProduct> {
  const kind = device.software ? "software" : "gpu";
  const { key, candidates } = await workOf(device);
  const [least, most] = sums[kind];
  const tiles = sides.flatMap((r) => sides.map((c) => [r, c])).filter(([r, c]) => r! * c! >= least && r! * c! <= most);
  const plain: Schedule[] = tiles.flatMap((tile) =>
    unrolls
      .filter((unroll) => tile[0]! * tile[1]! * unroll <= mostBody[kind])
      .flatMap((unroll) =>
        (device.target.quads ? [0, 1] : [undefined]).map((quads) => ({
          tile,
          unroll: [unroll],
          quads,
          rolled: device.software,
        })),
      ),
  );
  const values = { x: valuesOf(types.x, -1, 1), w: valuesOf(types.w, -1, 2) };
  const want = await resultOf(new CpuDevice(), values);
  const inputs = device.put(values);
  const { tuning } = device;
  let best: FastestProduct | undefined;
  const schedules = [...candidates, ...plain];
  for (const schedule of schedules) {
    device.tuning = { [key]: { schedule } as never };
    const difference = differenceOf(await resultOf(device, values), want);
    if (!(difference <= tolerance))
      throw new Error(`products: ${printSchedule(schedule)} differs from the reference by ${difference}`);
    const program = await device.compile(product, types);
    const [record] = recordingsOf(program as unknown as GpuProgram, inputs as { x: DeviceArray; w: DeviceArray });
    const nanoseconds = await samplesOf(timer, record!, samples);
    program.dispose();
    const median = medianOf(nanoseconds);
    send(`  ${printSchedule(schedule)}: ${((2 * n ** 3) / median).toPrecision(3)} GFLOP/s`);
    if (!best || median < medianOf(best.nanoseconds))
      best = { schedule: `${printSchedule(schedule)} of ${schedules.length}`, nanoseconds };
  }
  device.tuning = tuning;
  inputs.x.dispose();
  inputs.w.dispose();
  return best!;
}

async function resultOf(device: Device, values: Record<"x" | "w", NdArray>): Promise<NdArray["data"]> {
  const program = await device.compile(product, types);
  const inputs = device.put(values);
  const { data } = await program.run(inputs).y.read();
  program.dispose();
  for (const array of Object.values(inputs)) array.dispose();
  return data;
}

/** What the product is called in a tuning, and the planner's candidates for it: on a GPU also those whose workgroups share. */
async function workOf(device: GpuDevice): Promise<{ key: string; candidates: readonly Schedule[] }> {
  let found: { key: string; candidates: readonly Schedule[] } | undefined;
  const traced = trace(product as never, types);
  makePlan(traced, {
    ...(await device.planOptions(traced)),
    visit: (g) => {
      found = { key: g.key, candidates: g.candidates() };
    },
  });
  return found!;
}
