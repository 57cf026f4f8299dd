// verify: runs a program dispatch by dispatch and compares every value that it leaves in memory with the reference.
//
// Each dispatch is judged by what it was given: the reference starts from what the dispatches before it have left on the GPU, so that errors
// do not add up and the one that differs is the one that is wrong. Temporaries share memory in turn, so a value is read before the next
// dispatch runs. An element decides nothing where the reference itself moves as far when its inputs are rounded: the greatest of equals, the
// sign of a sum that cancels.
import type { Plan, Value } from "../plan/data.ts";
import { printTable } from "../plan/print.ts";
import type { Ref, Step } from "../plan/step.ts";
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType } from "../shape/types.ts";
import { GpuArray } from "./array.ts";
import type { Recording } from "./passTimer.ts";
import type { GpuProgram } from "./program.ts";
import { recordingsOf } from "./recordings.ts";

/** Options of verify. */
export interface VerifyOptions {
  /** By how much an element may differ, relative to the largest magnitude of its value; integers and bools must be equal. Default: 2e-5. */
  readonly tolerance?: number;
  /** Told after each dispatch. */
  readonly onProgress?: (check: DispatchCheck, index: number) => void;
}

/** A value that a dispatch stores, beside the reference. */
export interface ValueCheck {
  /** Its path, or of a temporary the op that made it. */
  readonly name: string;
  /** dtype and shape. */
  readonly type: TensorType;
  /** The largest difference, and the same relative to the largest magnitude wanted. */
  readonly absolute: number;
  /** To the largest magnitude wanted. */
  readonly relative: number;
  /** Where that is; null if nothing differs. */
  readonly worst: {
    /** Row-major. */
    readonly index: number;
    /** On the device. */
    readonly got: number;
    /** Of the reference. */
    readonly want: number;
  } | null;
  /** Elements that differ by more than the tolerance, and those of them that decide nothing. */
  readonly differing: number;
  /** Of those that differ, the ones that decide nothing. */
  readonly undecided: number;
}

/** A dispatch beside the reference. */
export interface DispatchCheck {
  /** What it computes. */
  readonly label: string;
  /** None for all but the last dispatch of a kernel that takes several. */
  readonly values: readonly ValueCheck[];
  /** No value differs by more than the tolerance where it decides something. */
  readonly passed: boolean;
}

/** A program beside the reference, dispatch by dispatch. */
export interface Verification {
  /** Its name. */
  readonly device: string;
  /** What was allowed, relative to a value's largest magnitude. */
  readonly tolerance: number;
  /** In their order. */
  readonly dispatches: readonly DispatchCheck[];
  /** All of them did. */
  readonly passed: boolean;
  /** The number of the first dispatch that differs. */
  readonly first: number | null;
  /** A table, and a line that names the first that differs. */
  toString(): string;
}

type Known = (ref: Ref) => NdArray | undefined;

/** Runs every dispatch of a program once on these inputs and compares what it stores with the reference. Carried values are put back. Throws
 *  what `program.run` would. */
export async function verify(
  program: GpuProgram,
  inputs: unknown,
  { tolerance = 2e-5, onProgress }: VerifyOptions = {},
): Promise<Verification> {
  const { plan, device } = program;
  if (!plan.dispatches.some((d) => d.stores.length > 0))
    throw new ValueError("verify: a loaded plan has no reference; verify the program that it was made from");
  const located = locator(program, inputs);
  const recordings = recordingsOf(program, inputs);
  const known = new Map<Ref, NdArray>();
  for (const value of [...plan.inputs, ...plan.carry]) known.set(value.ref, await located(value).read());
  const before = plan.carry.map((value) => [located(value), known.get(value.ref) as NdArray] as const);
  const dispatches: DispatchCheck[] = [];
  try {
    for (const [i, dispatch] of plan.dispatches.entries()) {
      run(device.gpu, recordings[i]!);
      const values = dispatch.stores.map(({ ref, place }) => ({
        ref,
        place,
        array: located({ type: ref.type, place }),
      }));
      const got = await Promise.all(values.map(({ array }) => array.read()));
      const references = new References((ref) => known.get(ref));
      const checks = values.map(({ ref, place }, k) => ({
        name: nameOf(plan, place),
        ...check(ref, got[k] as NdArray, references, tolerance),
      }));
      for (const [k, { ref }] of values.entries()) known.set(ref, got[k] as NdArray);
      const passed = checks.every((v) => v.differing === v.undecided);
      const result = { label: dispatch.label, values: checks, passed };
      dispatches.push(result);
      onProgress?.(result, i);
    }
  } finally {
    for (const [array, value] of before) array.write(value);
  }
  const wrong = dispatches.findIndex((d) => !d.passed);
  const first = wrong < 0 ? null : wrong;
  const result = { device: device.name, tolerance, dispatches, passed: first === null, first };
  return { ...result, toString: () => print(result) };
}

function run(gpu: GPUDevice, record: Recording): void {
  const encoder = gpu.createCommandEncoder({ label: "verify" });
  const pass = encoder.beginComputePass();
  record(pass);
  pass.end();
  gpu.queue.submit([encoder.finish()]);
}

/** What refs must be, from those that are known. */
class References {
  readonly #known: Known;
  readonly #made = new Map<Step, readonly NdArray[]>();
  readonly #moved: References[] = [];

  constructor(known: Known) {
    this.#known = known;
  }

  of(ref: Ref): NdArray {
    const known = this.#known(ref);
    if (known) return known;
    let made = this.#made.get(ref.step);
    if (!made) this.#made.set(ref.step, (made = ref.step.reference(ref.step.inputs.map((r) => this.of(r)))));
    return made[ref.output] as NdArray;
  }

  /** What they would be if what is known were off by a rounding: one trial of it. */
  moved(trial: number): References {
    return (this.#moved[trial] ??= new References(jittered(this.#known, trial)));
  }
}

/** Trials, at most, that tell how far roundings move an element, and how many times that it may be off. */
const trials = 16;
const allowance = 4;
/** A rounding of float32 at first, eight in the end: sums round more than once. */
const roundingOf = (trial: number): number => 2 ** (-22 + trial / 5);

/** Known values, f32 ones multiplied by 1 ± a rounding each. */
function jittered(known: Known, trial: number): Known {
  const rounding = roundingOf(trial);
  const moved = new Map<Ref, NdArray>();
  return (ref) => {
    const exact = known(ref);
    if (exact?.dtype !== "f32") return exact;
    let value = moved.get(ref);
    if (!value) {
      const jitter = (v: number, i: number) => v * (1 + (hash(i, trial) < 0 ? -rounding : rounding));
      moved.set(ref, (value = { ...exact, data: Float64Array.from(exact.data, jitter) }));
    }
    return value;
  };
}

/** A 32-bit integer whose sign looks random (after MurmurHash3's finaliser). */
function hash(i: number, trial: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(trial + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function check(ref: Ref, stored: NdArray, references: References, tolerance: number): Omit<ValueCheck, "name"> {
  const { join = (x: NdArray) => x } = ref.step;
  const [got, want] = [join(stored).data, join(references.of(ref)).data];
  let size = 0;
  for (const v of want) if (Number.isFinite(v)) size = Math.max(size, Math.abs(v));
  const slack = ref.type.dtype === "f32" ? Math.max(tolerance * size, 1e-30) : 0;
  const off = (i: number): number => {
    const [g, w] = [got[i] as number, want[i] as number];
    // beyond the range of f32 an infinity is right, and no number is not a number
    if (Object.is(g, w) || g === Math.fround(w)) return 0;
    const d = Math.abs(g - w);
    return Number.isNaN(d) ? Number.POSITIVE_INFINITY : d;
  };
  let worst: ValueCheck["worst"] = null;
  let absolute = 0;
  const differing: number[] = [];
  for (let i = 0; i < got.length; i++) {
    const d = off(i);
    if (d > absolute) [absolute, worst] = [d, { index: i, got: got[i] as number, want: want[i] as number }];
    if (d > slack) differing.push(i);
  }
  let decided = differing;
  for (let t = 0; t < trials && decided.length > 0; t++) {
    const moved = join(references.moved(t).of(ref)).data;
    decided = decided.filter(
      (i) => !(off(i) <= slack + allowance * Math.abs((moved[i] as number) - (want[i] as number))),
    );
  }
  const undecided = differing.length - decided.length;
  const relative = size > 0 ? absolute / size : absolute;
  return { type: ref.type, absolute, relative, worst, differing: differing.length, undecided };
}

/** The path of a value of the caller's, else the buffer's name: of a temporary, the op and the number of its step. */
function nameOf(plan: Plan, { buffer, offset }: Value["place"]): string {
  return plan.carry.find((v) => v.place.buffer === buffer && v.place.offset === offset)?.path ?? buffer.name;
}

function print({ device, tolerance, dispatches, first }: Omit<Verification, "toString">): string {
  const rows = dispatches.flatMap(({ label, values }, i) =>
    values.map((v, k) => [
      ...(k === 0 ? [String(i), label] : ["", ""]),
      ...[v.name, printType(v.type), v.absolute.toExponential(1), v.relative.toExponential(1), String(v.differing)],
    ]),
  );
  const header = ["#", "dispatch", "value", "type", "absolute", "relative", "differ"];
  return `${printTable(header, rows, [1, 2, 3])}\n${verdict(device, tolerance, dispatches, first)}`;
}

function verdict(
  device: string,
  tolerance: number,
  dispatches: readonly DispatchCheck[],
  first: number | null,
): string {
  const wrong = first === null ? undefined : dispatches[first];
  const all = dispatches.length === 1 ? "1 dispatch" : `${dispatches.length} dispatches`;
  if (!wrong) return `${all} on ${device}, all within ${tolerance} of the reference`;
  const { name, type, differing, worst } = wrong.values.find((v) => v.differing > v.undecided) as ValueCheck;
  return `dispatch ${first} (${wrong.label}) differs: ${name}: ${printType(type)}, ${differing} elements; [${worst?.index}] is ${worst?.got}, wanted ${worst?.want}`;
}

/** Gives the array in which a value of the plan lies; a temporary is there until its slot is used again. */
function locator(
  { device, bindings }: GpuProgram,
  inputs: unknown,
): (value: Pick<Value, "type" | "place">) => GpuArray {
  const bound = bindings.of(inputs, new Map());
  return ({ type, place }) => {
    const { buffer, offset } = bindings.locate(bound, place.buffer);
    return new GpuArray(device, type, buffer, offset + 4 * place.offset, place.packed, null);
  };
}
