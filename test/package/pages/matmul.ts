// A matrix product, planned in the page.
import { f32, GpuDevice, type NdArray } from "wgrad";

async function product(a: NdArray, b: NdArray): Promise<NdArray> {
  const device = await GpuDevice.request();
  const types = { a: f32(512, 512), b: f32(512, 512) };
  const program = await device.compile(({ a, b }) => ({ c: a.matmul(b) }), types);
  return program.run(device.put({ a, b })).c.read();
}

Object.assign(globalThis, { product });
