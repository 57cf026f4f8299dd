// A job: values in, a function of Tensors, the values that must come out. Runs as one program on a device.
import type { Device, DeviceArray } from "../../device.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import type { Tensor } from "../../tensor.ts";
import { CaseError } from "./case.ts";
import { compare, type Wanted } from "./compare.ts";

export interface Job {
  readonly inputs: readonly NdArray[];
  /** Outputs by name. */
  readonly build: (inputs: readonly Tensor[]) => ReadonlyMap<string, Tensor>;
  readonly wanted: readonly Wanted[];
}

/** The worst error. Throws Mismatch where an output is not as wanted. */
export async function runJob(device: Device, { inputs, build, wanted }: Job): Promise<number> {
  if (wanted.length === 0) throw new CaseError("there is no output to compare");
  const types = { x: inputs.map(({ dtype, shape }) => ({ dtype, shape })) };
  const program = await device.compile(({ x }) => {
    const outputs = build(x);
    return {
      y: wanted.map(({ what }) => {
        const y = outputs.get(what);
        if (!y) throw new CaseError(`there is no output ${what}; there are ${[...outputs.keys()].join(", ")}`);
        return y;
      }),
    };
  }, types);
  const arrays = device.put({ x: inputs as NdArray[] });
  try {
    const { y } = program.run(arrays) as { y: DeviceArray[] };
    const got = await Promise.all(y.map((array) => array.read()));
    return Math.max(...wanted.map((w, i) => compare(got[i] as NdArray, w)));
  } finally {
    for (const array of arrays.x) array.dispose();
    program.dispose();
  }
}
