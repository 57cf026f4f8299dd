// The autotuner: what it chooses computes the same, is remembered, and keeps runs identical to the bit.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "../../src/cli/browsers.mjs";
import { createGpu } from "../../src/cli/dawn.ts";
import { readTunings, writeTuning } from "../../src/cli/tuningFile.ts";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { CompileOptions, Device, DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { cheapest, type TuneOptions, tuningKey } from "../../src/gpu/tune.ts";
import { printTuning, type Trial, type Tuning } from "../../src/gpu/tuning.ts";
import type { TuningStore } from "../../src/gpu/tuningStore.ts";
import { leaves } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import * as optim from "../../src/optim/index.ts";
import type { Schedule } from "../../src/plan/lanes.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, u8 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { isNdArray } from "../../src/train/program.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { compare } from "../compare.ts";
import { random } from "../samples/sample.ts";

let api: GPU;
const devices: GpuDevice[] = [];
beforeAll(async () => {
  api = await createGpu();
});
afterAll(() => {
  for (const device of devices) device.dispose();
});

/** A device whose kernels have small bodies: large ones take seconds to compile on a software adapter. */
const newDevice = async () => {
  const device = await GpuDevice.request({ gpu: api });
  const target = { ...device.target, maxBody: 48, maxAccumulators: 12 };
  devices.push(Object.assign(device, { target }));
  return device;
};

/** Two dear kernels, a product and a convolution, and less dear ones; softmax reads two outputs of one op. */
const types = { a: f32(48, 120), b: f32(120, 36), x: f32(4, 12, 12, 8), w: f32(3, 3, 8, 8), z: f32(512, 64) };
const f = ({ a, b, x, w, z }: Record<keyof typeof types, Tensor>) => ({
  product: a.matmul(b).tanh(),
  features: x.conv2d(w).relu(),
  rows: z.softmax(),
  small: a.sum(),
});
const values = Object.fromEntries(
  Object.entries(types).map(([name, type], seed) => [name, random(type, { seed: seed + 1 })]),
) as unknown as Record<keyof typeof types, ReturnType<typeof random>>;

async function results(device: GpuDevice, tune?: CompileOptions<typeof types>["tune"]): Promise<Float64Array[]> {
  const program = await device.compile(f, types, tune === undefined ? {} : { tune });
  const outputs = program.run(device.put(values)) as unknown as Record<string, DeviceArray>;
  const read = await Promise.all(Object.values(outputs).map((o) => o.read()));
  return read.map(({ data }) => Float64Array.from(data));
}

/** Keeps choices as text, as a file would. */
function memoryStore(): TuningStore & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    load: async (key) => (kept.has(key) ? (JSON.parse(kept.get(key)!) as Tuning) : undefined),
    save: async (key, tuning) => void kept.set(key, JSON.stringify(tuning)),
  };
}

const quick = { sampleMilliseconds: 1, rounds: 2 } satisfies TuneOptions;

test("choices are remembered: no device times them again, and results are the same bits", async () => {
  const store = memoryStore();
  const timed: string[] = [];
  const told: { choices: Tuning; timed: number }[] = [];
  const tune: TuneOptions = {
    ...{ ...quick, store },
    onProgress: (_done, _total, key) => void timed.push(key),
    onChosen: (choices, timed) => void told.push({ choices, timed }),
  };
  const first = await newDevice();
  const tuned = await results(first, tune);
  expect(timed).toHaveLength(2);
  expect([...store.kept.keys()]).toEqual([expect.stringContaining(first.name)]);

  const second = await newDevice();
  expect(await results(second, tune)).toEqual(tuned);
  expect(timed).toHaveLength(2);
  expect(second.tuning).toEqual(first.tuning);
  expect(told.map(({ timed }) => timed)).toEqual([2, 0]);
  expect(told[1]!.choices).toEqual(first.tuning);

  // without a store: plain data, assigned
  const third = await newDevice();
  third.tuning = JSON.parse(JSON.stringify(first.tuning));
  expect(await results(third)).toEqual(tuned);
});

test("in how many parts to do a long reduction is timed, printed, remembered, and changes rounding alone", async () => {
  const types = { a: f32(8, 4096), b: f32(4096, 12) };
  const values = { a: random(types.a, { seed: 1 }), b: random(types.b, { seed: 2 }) };
  const run = async (device: Device, tune?: TuneOptions) => {
    const program = await device.compile(({ a, b }) => ({ y: a.matmul(b) }), types, tune ? { tune } : {});
    const { y } = program.run(device.put(values) as never) as unknown as { y: DeviceArray };
    return y.read();
  };
  const device = await newDevice();
  const want = await run(new CpuDevice());
  expect(compare(await run(device, quick), want)).toBe("");
  const [key, choice] = Object.entries(device.tuning).find(([key]) => key.startsWith("parts of"))!;
  expect(key).toBe("parts of matmul [8,12] over [4096] of [8,4096], [4096,12]");
  expect(choice.candidates).toBeGreaterThan(2);
  expect(choice.fixed.schedule.parts).toBeGreaterThan(1);
  expect(printTuning(device.tuning)).toMatch(/\d+ parts → (whole|\d+ parts)/);

  // what is remembered is what is done
  for (const [parts, dispatches] of [
    [1, 1],
    [16, 2],
  ] as const) {
    const other = await newDevice();
    other.tuning = { [key]: { ...choice, schedule: { tile: [], unroll: [], parts } } };
    expect(compare(await run(other), want)).toBe("");
    const traced = trace(({ a, b }: Record<"a" | "b", Tensor>) => ({ y: a.matmul(b) }), types);
    expect(makePlan(traced, await other.planOptions(traced)).dispatches.length).toBe(dispatches);
  }
});

test("training runs on remembered choices are the same to the bit; a file keeps them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-tuning-"));
  const path = join(folder, "cache/tuning.json");
  const store: TuningStore = {
    load: async (key) => readTunings(path)[key],
    save: async (key, tuning) => writeTuning(path, key, tuning),
  };
  let timed = 0;
  const train = async (): Promise<NdArray[]> => {
    await using trainer = await Trainer.create({
      ...{ device: await newDevice(), batchSize: 32, seed: 3, loss: nn.softmaxCrossEntropy },
      model: nn.sequential(nn.dense({ units: 48, activation: "tanh" }), nn.dense({ units: 4 })),
      optimizer: optim.adam({ learningRate: 0.01 }),
      data: { x: random(f32(128, 60), { seed: 1 }), y: ndarray(u8(128), (i) => i % 4) },
      tune: { ...quick, store, onChosen: (_, count) => void (timed += count) },
    });
    for await (const { loss } of trainer.fit({ steps: 12 })) expect(loss).toBeLessThan(2);
    return leaves(await trainer.params(), isNdArray).map(({ value }) => value);
  };
  try {
    const first = await train();
    expect(timed).toBeGreaterThan(1);
    const before = timed;
    expect(await train()).toEqual(first);
    expect(timed).toBe(before);
    // other devices' choices stay
    writeTuning(path, "another device", {});
    expect(Object.keys(readTunings(path))).toHaveLength(2);
    writeFileSync(path, "{");
    expect(() => readTunings(path)).toThrow(/no JSON.*delete it/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Every candidate of every group, by key. */
async function candidatesOf(device: GpuDevice): Promise<Map<string, Schedule[]>> {
  const found = new Map<string, Schedule[]>();
  const traced = trace(f as never, types);
  makePlan(traced, {
    ...(await device.planOptions(traced)),
    visit: (group) => void found.set(group.key, group.candidates()),
  });
  return found;
}

test("whatever is chosen, results stay within rounding of the reference", async () => {
  const cpu = new CpuDevice();
  const reference = (await cpu.compile(f, types)).run(cpu.put(values));
  const want = await Promise.all(Object.values(reference).map((o) => (o as DeviceArray).read()));
  const device = await newDevice();
  const candidates = await candidatesOf(device);
  const most = Math.max(...[...candidates.values()].map((c) => c.length));
  expect(most).toBeGreaterThan(2);
  for (let i = 0; i < most; i++) {
    for (const [key, schedules] of candidates) {
      const trial = { schedule: schedules[i % schedules.length]!, dispatchMicroseconds: 1, compileMilliseconds: 1 };
      device.tuning[key] = { ...trial, fixed: trial, candidates: schedules.length };
    }
    const got = await results(device);
    got.forEach((data, k) => {
      expect(compare({ ...want[k]!, data }, want[k]!), `candidate ${i}`).toBe("");
    });
  }
});

test("a schedule means what it meant when it was remembered", async () => {
  const device = await newDevice();
  const schedules = [...(await candidatesOf(device)).values()].flat();
  // a schedule with other fields: raise scheduleVersion, and name them here
  const fields = ["tile", "unroll", "quads", "walk", "rolled", "group"]; // parts too, of reductions as a whole
  expect(tuningKey(device)).toMatch(/ · workgroups of \d+(, quads)? · schedules 6$/);
  expect(tuningKey(device)).toContain(device.name);
  expect(schedules.flatMap(Object.keys).filter((field) => !fields.includes(field))).toEqual([]);
});

const trial = (tile: number[], dispatchMicroseconds: number, compileMilliseconds: number): Trial => ({
  ...{ schedule: { tile, unroll: [4] }, dispatchMicroseconds, compileMilliseconds },
});

test("a kernel that takes seconds to compile must earn them back", () => {
  const [quick, slow] = [trial([1], 3000, 60), trial([8], 1000, 4000)];
  expect(cheapest([quick, slow], 1000)).toBe(quick);
  expect(cheapest([quick, slow], 3000)).toBe(slow);
  // tenths of a second are not noticed
  expect(cheapest([quick, trial([8], 2999, 90)], 1).dispatchMicroseconds).toBe(2999);
});

test("the table says what each choice gained", () => {
  const fixed = trial([1, 1], 1500, 20);
  const key = "matmul [64,10] over [128] of 128 * o0 + r0, o1 + 10 * r0";
  const tuning = { [key]: { ...trial([4, 2], 500, 30), fixed, candidates: 5 } };
  expect(printTuning(tuning)).toMatchInlineSnapshot(`
    "op [shape] over [terms]                                   fixed ms  chosen ms  ratio  fixed compile ms  chosen compile ms  choice
    matmul [64,10] over [128] of 128 * o0 + r0, o1 + 10 * r0      1.50      0.500  3.00×                20                 30  1×1·4 → 4×2·4"
  `);
});

test("the command line: --no-tune looks at no remembered choice, --profile times a step and writes a trace", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-train-"));
  const [tuning, trace] = ["tuning.json", "trace.json"].map((name) => join(folder, name)) as [string, string];
  writeFileSync(tuning, "{");
  const imports = ["--import", "tsx"];
  const task = ["mnist-mlp", "--runtime", "node", "--examples", "640", "--json", "--tuning", tuning];
  const train = (...args: string[]) =>
    promisify(execFile)(process.execPath, [...imports, "src/cli/train.ts", ...task, ...args], { cwd: root });
  try {
    await expect(train()).rejects.toThrow("is no JSON");
    const { stdout } = await train("--no-tune", "--profile", trace);
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ kind }) => kind).filter((kind) => kind !== "report")).toEqual(["start", "summary"]);
    const { profile, dispatchesPerStep } = lines.at(-1);
    expect(profile.dispatches).toHaveLength(dispatchesPerStep);
    expect(profile.microseconds).toBeGreaterThan(0);
    const { traceEvents } = JSON.parse(readFileSync(trace, "utf8"));
    const names = traceEvents.filter(({ ph }: { ph: string }) => ph === "X").map(({ name }: { name: string }) => name);
    const step = profile.dispatches.map(({ label }: { label: string }) => label);
    expect(names.slice(0, step.length)).toEqual(step);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
