// Programs over trees whose form is known only when they run: a model's parameters.
import type { Device, DeviceArray, RunOptions, Tensor, TensorType, Tree } from "wgrad";

export type Trees<T> = Record<string, Tree<T>>;

export interface TreeProgram {
  run(inputs: Trees<DeviceArray>, options?: RunOptions): Trees<DeviceArray>;
  dispose(): void;
}

/** Device.compile without the static types. */
export function compile(
  device: Device,
  f: (inputs: Trees<Tensor>) => Trees<Tensor>,
  types: Trees<TensorType>,
  options: { readonly carry?: readonly string[]; readonly label: string },
): Promise<TreeProgram> {
  const untyped = device.compile.bind(device) as unknown as (...args: unknown[]) => Promise<TreeProgram>;
  return untyped(f, types, options);
}

const isLeaf = <T extends Tensor | DeviceArray>(tree: Tree<T>): tree is T => "type" in tree;

/** The leaves of a tree of tensors or arrays, by path. */
export function leavesOf<T extends Tensor | DeviceArray>(tree: Tree<T>, path = ""): [path: string, leaf: T][] {
  if (isLeaf(tree)) return [[path, tree]];
  return Object.entries(tree).flatMap(([name, child]) => leavesOf<T>(child, path ? `${path}.${name}` : name));
}

/** The types of a tree of arrays. */
export function typesOf(tree: Tree<DeviceArray>): Tree<TensorType> {
  if (isLeaf(tree)) return tree.type;
  return Object.fromEntries(Object.entries(tree).map(([name, child]) => [name, typesOf(child)]));
}
