// One sample on a device, forward and backward, against the float64 reference. Runs in Node and in a page.
import { vjp } from "../src/autodiff/backward.ts";
import { CpuDevice } from "../src/cpu/device.ts";
import type { Device, DeviceArray } from "../src/device.ts";
import type { NdArray } from "../src/shape/ndarray.ts";
import type { TensorType } from "../src/shape/types.ts";
import type { Tensor } from "../src/tensor.ts";
import { compare } from "./compare.ts";
import { random } from "./samples/sample.ts";
import { compositions, type Sample, samples } from "./samples.ts";

/** Every sample that there is, with the op or the file that it is of. */
export const allSamples: readonly { readonly op: string; readonly name: string; readonly sample: Sample }[] = [
  ...Object.entries(samples),
  ...Object.entries(compositions),
].flatMap(([op, list]) => list.map((s) => ({ op, name: s.name, sample: s })));

/** "" if the outputs, and the gradients of ⟨outputs, seeded cotangents⟩, are those of the reference; else what is wrong. */
export async function checkSample(device: Device, s: Sample): Promise<string> {
  const cpu = new CpuDevice();
  const forward = await evaluate(cpu, { ...s, differentiable: [] }, []);
  const cotangents = forward
    .filter((y) => y.dtype === "f32")
    .map((y, i) => random({ dtype: "f32", shape: y.shape }, { seed: 20 + i }));
  const want = await evaluate(cpu, s, cotangents);
  const got = await evaluate(device, s, cotangents);
  if (got.length !== want.length) return `${got.length} outputs, wanted ${want.length}`;
  return want
    .map((w, i) => compare(got[i] as NdArray, w, s.tolerance))
    .filter((wrong) => wrong !== "")
    .join("\n");
}

const typeOf = ({ dtype, shape }: NdArray): TensorType => ({ dtype, shape });

async function evaluate(device: Device, s: Sample, cotangents: readonly NdArray[]): Promise<NdArray[]> {
  const program = await device.compile(
    ({ x, c }) => {
      const outputs = s.build(x as Tensor[]);
      const smooth = outputs.filter((y) => y.dtype === "f32");
      const wrt = s.differentiable.map((k) => (x as Tensor[])[k] as Tensor);
      return { all: wrt.length ? [...outputs, ...vjp(smooth, c as Tensor[], wrt)] : outputs };
    },
    { x: s.inputs.map(typeOf), c: cotangents.map(typeOf) },
  );
  const { all } = program.run(device.put({ x: s.inputs, c: cotangents }) as never) as { all: DeviceArray[] };
  const values = await Promise.all(all.map((a) => a.read()));
  program.dispose();
  return values;
}
