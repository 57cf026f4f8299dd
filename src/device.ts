// What a device is, whichever it is: `gpu/` runs plans on WebGPU, `cpu/` runs graphs by the reference.
import type { TuneOptions } from "./gpu/tune.ts";
import { type MapTree, mapTree, type Tree } from "./graph/tree.ts";
import type { Plan, ReferencePlan } from "./plan/data.ts";
import { ArrayError, ShapeError } from "./shape/errors.ts";
import type { NdArray } from "./shape/ndarray.ts";
import { printType, sameType, type TensorType } from "./shape/types.ts";
import type { Tensor } from "./tensor.ts";
import type { TypeTree } from "./trace.ts";

/** A value that lives on a device. It leaves it only through `read`. */
export interface DeviceArray extends AsyncDisposable {
  /** dtype and shape. */
  readonly type: TensorType;
  /** Where it lives. */
  readonly device: Runtime;
  /** A copy on the host. On a GPU it waits for what was submitted before, and holds up nothing submitted after.
   *  Throws ArrayError if disposed, or overwritten by a later run of the program that made it. */
  read(): Promise<NdArray>;
  /** Replaces the value. Throws ShapeError if the length differs. */
  write(values: NdArray): void;
  /** Frees it. It can no longer be read or given to a program. */
  dispose(): void;
}

/** Options of a run. */
export interface RunOptions {
  /** How many times the function is applied before outputs are as seen; above 1 only with `carry`. Default 1. */
  readonly repeat?: number;
}

/** A compiled function. Inputs are DeviceArrays of the device; carried ones are updated in place. Outputs are overwritten by the next `run`:
 *  read them before it. */
export interface Program<I, O> {
  /** Applies the function. Throws ArrayError or ShapeError if an input does not fit, before anything is submitted. */
  run(inputs: MapTree<I, TensorType, DeviceArray>, options?: RunOptions): MapTree<O, Tensor, DeviceArray>;
  /** What it runs; `printPlan` prints it: every dispatch, slot and byte. */
  readonly plan: Plan | ReferencePlan;
  /** Frees what the program made; its outputs are gone. */
  dispose(): void;
}

/** Options of compile. */
export interface CompileOptions<I, C extends keyof I & string = never> {
  /** Top-level inputs that the function maps to their next value (returned under the same name). Their arrays come from one `put`. */
  readonly carry?: readonly C[];
  /** A name for labels and messages. */
  readonly label?: string;
  /** Takes the fastest way to cut up each dear kernel: as remembered, or timed on the device first (seconds) and remembered from now on. Where
   *  choices are kept, and what is told of them: `gpu/tune.ts`. Nothing on the CPU. */
  readonly tune?: boolean | TuneOptions;
}

/** Where arrays live and programs run. */
export interface Runtime extends AsyncDisposable {
  /** Of a GPU, or of the reference. */
  readonly kind: "gpu" | "cpu";
  /** For people: the adapter's name, or that this is the reference. */
  readonly name: string;
  /** True of an adapter that runs on the CPU (SwiftShader and kin). */
  readonly software: boolean;
  /** Uploads a tree of host arrays. Arrays of one `put` are laid out side by side, as `carry` wants them. */
  put<T extends Tree<NdArray>>(values: T): MapTree<T, NdArray, DeviceArray>;
  /** Resolves when all that was submitted is done; rejects with DeviceLostError if the device is lost. */
  synchronize(): Promise<void>;
  /** Another device like this one, for when it is lost. Missing where it cannot be asked for: of a host's device. */
  renew?(): Promise<Device>;
  /** Frees what is the device's own. A GPUDevice of the host's stays. */
  dispose(): void;
}

/** A runtime that compiles. */
export interface Device extends Runtime {
  /** Traces `f` on tensors of these types, plans it and makes all that it takes to run. Errors of the graph are thrown here. */
  compile<I extends TypeTree, O, C extends keyof I & string = never>(
    f: (inputs: MapTree<I, TensorType, Tensor>) => O,
    types: I,
    options?: CompileOptions<I, C>,
  ): Promise<Program<I, Omit<O, C>>>;
}

export const isDeviceArray = (x: unknown): x is DeviceArray =>
  typeof x === "object" && x !== null && "device" in x && "read" in x && typeof x.read === "function";

/** The types of a tree of arrays: what to compile for. */
export const typesOf = <T extends Tree<DeviceArray>>(arrays: T): MapTree<T, DeviceArray, TensorType> =>
  mapTree(arrays, isDeviceArray, ({ type }) => type);

/** A leaf of what a program is given: an array of a device, or whatever stands in the place of one by mistake. */
export const isInput = (x: unknown): x is DeviceArray | NdArray | null | undefined =>
  typeof x !== "object" || x === null || isDeviceArray(x) || ("data" in x && ArrayBuffer.isView(x.data));

/** The array given for `what`, say "input x", of a program on `device`. Throws ArrayError if it is none, or another device's. */
export function requireArray(
  program: string,
  what: string,
  given: unknown,
  type: TensorType,
  device: Runtime,
): DeviceArray {
  const fail = (wrong: string) => new ArrayError(`${program}: ${what} ${wrong}`);
  if (given === undefined || given === null) throw fail(`is missing; give an array of ${printType(type)}`);
  if (!isDeviceArray(given)) throw fail(`lives on no device; put it on ${device.name}`);
  if (given.device !== device) throw fail("lives on another device; put it on this one");
  if (!sameType(given.type, type))
    throw new ShapeError(
      `${program}: ${what} is ${printType(given.type)}, compiled for ${printType(type)}; compile for that shape`,
    );
  return given;
}
