// CpuArray: a value on the host, as float64 where it is of floats.
import type { DeviceArray } from "../device.ts";
import { ArrayError, ShapeError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType, sameType, type TensorType } from "../shape/types.ts";
import type { CpuDevice } from "./device.ts";

export class CpuArray implements DeviceArray {
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
