// The reference as a device: the same interface, in float64, on the host.
import type { CompileOptions, Device, DeviceArray, Program } from "../device.ts";
import { type MapTree, mapTree, type Tree } from "../graph/tree.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { type TypeTree, trace } from "../trace.ts";
import { CpuArray } from "./array.ts";

/** The reference as a device: float64, slow, the specification. */
export class CpuDevice implements Device {
  /** Always "cpu". */
  readonly kind = "cpu";
  readonly name = "CPU reference (float64)";
  readonly software = true;

  put<T extends Tree<NdArray>>(values: T): MapTree<T, NdArray, DeviceArray> {
    const array = (v: NdArray) => new CpuArray(this, { ...v, data: v.data.slice() });
    return mapTree(values, isNdArray, array) as MapTree<T, NdArray, DeviceArray>;
  }

  async compile<I extends TypeTree, O, C extends keyof I & string = never>(
    f: (inputs: MapTree<I, TensorType, Tensor>) => O,
    types: I,
    { carry, label = "program" }: CompileOptions<I, C> = {},
  ): Promise<Program<I, Omit<O, C>>> {
    const traced = trace(f as never, types as never, carry);
    const { cpuProgram } = await import("./program.ts"); // most pages train on a GPU
    return cpuProgram(this, traced, label) as unknown as Program<I, Omit<O, C>>;
  }

  async synchronize(): Promise<void> {}
  /** Does nothing: there is nothing to free. */
  dispose(): void {}
  /** Does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
