// The reference as a device: the same interface, in float64, on the host.
import {
  type CompileOptions,
  type Device,
  type DeviceArray,
  isInput,
  type Program,
  type RunOptions,
  requireArray,
} from "../device.ts";
import type { Node } from "../graph/node.ts";
import { printGraph } from "../graph/print.ts";
import { leaves, type MapTree, mapTree, type Tree } from "../graph/tree.ts";
import { ArrayError, ShapeError, ValueError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { printType, sameType, type TensorType } from "../shape/types.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import { type TypeTree, trace } from "../trace.ts";
import { evaluate } from "./evaluate.ts";

class CpuArray implements DeviceArray {
  readonly type: TensorType;
  readonly device: CpuDevice;
  value: NdArray | null;

  constructor(device: CpuDevice, value: NdArray) {
    this.device = device;
    this.type = { dtype: value.dtype, shape: value.shape };
    this.value = value;
  }

  current(): NdArray {
    if (!this.value) throw new ArrayError(`array ${printType(this.type)}: it was disposed; keep it until its last use`);
    return this.value;
  }

  async read(): Promise<NdArray> {
    const { dtype, shape, data } = this.current();
    return { dtype, shape, data: data.slice() };
  }

  write(values: NdArray): void {
    this.current();
    if (!sameType(values, this.type))
      throw new ShapeError(
        `write: got ${printType(values)} for ${printType(this.type)}; give an array of the same type`,
      );
    this.value = { ...values, data: values.data.slice() };
  }

  dispose(): void {
    this.value = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }
}

export class CpuDevice implements Device {
  readonly kind = "cpu";
  readonly name = "CPU reference (float64)";
  readonly software = true;

  put<T extends Tree<NdArray>>(values: T): MapTree<T, NdArray, DeviceArray> {
    return mapTree(values, isNdArray, (v) => new CpuArray(this, { ...v, data: v.data.slice() })) as MapTree<
      T,
      NdArray,
      DeviceArray
    >;
  }

  async compile<I extends TypeTree, O, C extends keyof I & string = never>(
    f: (inputs: MapTree<I, TensorType, Tensor>) => O,
    types: I,
    options: CompileOptions<I, C> = {},
  ): Promise<Program<I, Omit<O, C>>> {
    const t = trace(f as never, types as never, options.carry);
    const targets = [...t.carry.map((c) => c.output), ...t.outputs.map((o) => o.value)];
    const run = (inputs: unknown, { repeat = 1 }: RunOptions = {}) => {
      if (!Number.isInteger(repeat) || repeat < 1)
        throw new ValueError(`run: repeat must be a positive integer, got ${repeat}`);
      const given = new Map(leaves(inputs, isInput).map(({ path, value }) => [path, value]));
      const arrays = t.inputs.map(({ path, value }) => {
        const array = requireArray(
          options.label ?? "program",
          `input ${path}`,
          given.get(path),
          value.type,
          this,
        ) as CpuArray;
        array.current();
        return [path, value.node, array] as const;
      });
      let results: NdArray[] = [];
      for (let k = 0; k < repeat; k++) {
        results = evaluate(targets, new Map<Node, NdArray>(arrays.map(([, node, array]) => [node, array.current()])));
        t.carry.forEach(({ path }, i) => {
          (given.get(path) as CpuArray).value = results[i] as NdArray;
        });
      }
      const outputs = new Map(t.outputs.map(({ value }, i) => [value, results[t.carry.length + i] as NdArray]));
      return mapTree(t.outputTree, isTensor, (tensor) => new CpuArray(this, outputs.get(tensor) as NdArray));
    };
    const program = { run, plan: { toString: () => printGraph(targets) }, dispose() {} };
    return program as unknown as Program<I, Omit<O, C>>;
  }

  async synchronize(): Promise<void> {}
  dispose(): void {}
  async [Symbol.asyncDispose](): Promise<void> {}
}
