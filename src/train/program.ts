// Programs whose inputs are trees known only when they run: Device.compile without the static types.
import { type CompileOptions, type Device, type DeviceArray, isDeviceArray, type RunOptions } from "../device.ts";
import type { Profile, ProfileOptions } from "../gpu/profile.ts";
import type { Recorder } from "../gpu/program.ts";
import { leaves, mapTree, type Tree } from "../graph/tree.ts";
import type { Plan, ReferencePlan } from "../plan/data.ts";
import { ShapeError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { printType, sameType, type TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";

export { isDeviceArray, isNdArray };

/** Trees by name. */
export type Trees<T> = Record<string, Tree<T>>;

/** Counters that a GPU program keeps. */
export interface ProgramStats {
  /** Calls of run and encode. */
  readonly runs: number;
  /** Applications of the function. */
  readonly steps: number;
  /** Of run. */
  readonly submits: number;
  /** All that were recorded. */
  readonly dispatches: number;
  /** JS time spent recording, in all. */
  readonly recordMicroseconds: number;
}

/** A program whose inputs are trees known only when it runs. */
export interface TreeProgram {
  /** As of Program. */
  run(inputs: Trees<DeviceArray>, options?: RunOptions): Trees<DeviceArray>;
  /** As of Program. */
  readonly plan: Plan | ReferencePlan;
  /** Of a GPU program: what it has done. */
  readonly stats?: ProgramStats;
  /** Of a GPU program: records into an encoder or pass of the host's. */
  encode?(into: Recorder, inputs: Trees<DeviceArray>, options?: RunOptions): unknown;
  /** Of a GPU program: the time of every dispatch. */
  profile?(inputs: Trees<DeviceArray>, options?: ProfileOptions): Promise<Profile>;
  /** Frees what the program made. */
  dispose(): void;
}

export interface TreeCompileOptions {
  readonly carry?: readonly string[];
  readonly label?: string;
  readonly tune?: CompileOptions<never>["tune"];
}

/** Device.compile for trees of any form. */
export function compileTree(
  device: Device,
  f: (inputs: Trees<Tensor>) => Trees<Tensor>,
  types: Trees<TensorType>,
  options: TreeCompileOptions = {},
): Promise<TreeProgram> {
  const compile = device.compile.bind(device) as unknown as (...args: unknown[]) => Promise<TreeProgram>;
  return compile(f, types, options);
}

/** mapTree without the static types. */
export const mapLeaves = <A, B>(
  tree: Tree<A>,
  isLeaf: (x: unknown) => x is A,
  f: (leaf: A, path: string) => B,
): Tree<B> => mapTree<unknown, A, B>(tree, isLeaf, f) as Tree<B>;

/** The types of a tree of host arrays. */
export const typesOf = (tree: Tree<NdArray>): Tree<TensorType> =>
  mapLeaves(tree, isNdArray, ({ dtype, shape }) => ({ dtype, shape }));

/** Uploads a tree of any form. */
export const putTree = (device: Device, tree: Tree<NdArray>): Tree<DeviceArray> =>
  (device.put as (values: unknown) => Tree<DeviceArray>).call(device, tree);

/** Reads every array of a tree. */
export async function readTree(tree: Tree<DeviceArray>): Promise<Tree<NdArray>> {
  const arrays = leaves(tree, isDeviceArray);
  const values = await Promise.all(arrays.map(({ value }) => value.read()));
  const byPath = new Map(arrays.map(({ path }, i) => [path, values[i] as NdArray]));
  return mapLeaves(tree, isDeviceArray, (_, path) => byPath.get(path) as NdArray);
}

/** Writes the arrays of one tree into those of another of the same form. */
export function writeTree(target: Tree<DeviceArray>, values: Tree<NdArray>): void {
  const byPath = new Map(leaves(values, isNdArray).map(({ path, value }) => [path, value]));
  for (const { path, value } of leaves(target, isDeviceArray)) value.write(byPath.get(path) as NdArray);
}

export function disposeTree(tree: Tree<DeviceArray>): void {
  for (const { value } of leaves(tree, isDeviceArray)) value.dispose();
}

/** `given`, in the order of `own`, if it has the same names and types. Throws ShapeError; `what` is for messages. */
export function checkTree(what: string, own: Tree<NdArray | DeviceArray>, given: Tree<NdArray>): Tree<NdArray> {
  const byPath = new Map(leaves(given, isNdArray).map(({ path, value }) => [path, value]));
  const isArray = (x: unknown): x is NdArray | DeviceArray => isNdArray(x) || isDeviceArray(x);
  const checked = mapLeaves(own, isArray, (held, path) => {
    const wanted = "data" in held ? held : held.type;
    const value = byPath.get(path);
    byPath.delete(path);
    if (!value) throw new ShapeError(`${what}: ${path} is missing; the model wants ${printType(wanted)}`);
    if (!sameType(value, wanted))
      throw new ShapeError(`${what}: ${path} is ${printType(value)} (vs ${printType(wanted)}); give the model's shape`);
    return value;
  });
  const [extra] = byPath.keys();
  if (extra !== undefined) throw new ShapeError(`${what}: the model has no ${extra}; leave it out`);
  return checked;
}
