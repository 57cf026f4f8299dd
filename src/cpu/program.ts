// A traced function as a program of the reference.
import { isInput, type Program, type RunOptions, requireArray } from "../device.ts";
import type { Node } from "../graph/node.ts";
import { leaves, mapTree } from "../graph/tree.ts";
import { requireCount } from "../shape/count.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { isTensor } from "../tensor.ts";
import type { Trace } from "../trace.ts";
import { CpuArray } from "./array.ts";
import type { CpuDevice } from "./device.ts";
import { evaluate } from "./evaluate.ts";

// biome-ignore lint/suspicious/noExplicitAny: Device.compile gives the program its types
export function cpuProgram(device: CpuDevice, t: Trace, label: string): Program<any, any> {
  const targets = [...t.carry.map((c) => c.output), ...t.outputs.map((o) => o.value)];
  const run = (inputs: unknown, { repeat = 1 }: RunOptions = {}) => {
    requireCount(label, "repeat", repeat);
    const given = new Map(leaves(inputs, isInput).map(({ path, value }) => [path, value]));
    const arrays = t.inputs.map(({ path, value }) => {
      const array = requireArray(label, `input ${path}`, given.get(path), value.type, device) as CpuArray;
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
    return mapTree(t.outputTree, isTensor, (tensor) => new CpuArray(device, outputs.get(tensor) as NdArray));
  };
  return { run, plan: { graph: targets }, dispose() {} };
}
