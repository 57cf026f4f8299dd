// The kernels of views against their references: the kernel's symbolic indices are evaluated at each position, so this checks
// the index arithmetic of the ops and of graph/affine.ts without a GPU.
import { expect, test } from "vitest";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { type Atom, Index } from "../../src/graph/affine.ts";
import { type Node, toposort } from "../../src/graph/node.ts";
import type { Lower, MapKernel } from "../../src/graph/op.ts";
import * as ops from "../../src/ops/index.ts";
import { eachIndex, type NdArray } from "../../src/shape/ndarray.ts";
import { strides } from "../../src/shape/types.ts";
import { apply } from "../../src/tensor.ts";
import { samples } from "../samples.ts";

/** Reads elements at once: an expression is the number that it would have. */
function interpreter(inputs: readonly NdArray[], value: (atom: Atom) => number): Lower {
  const number = (i: Index) => i.evaluate(value);
  const inside = (i: Index, extent: number) => number(i) >= 0 && number(i) < extent;
  const read = (k: number, at: readonly Index[]) => {
    const { shape, data } = inputs[k]!;
    expect(at.every((i, d) => inside(i, shape[d]!)) && at.length === shape.length).toBe(true);
    const steps = strides(shape);
    return String(data[at.reduce((sum, i, d) => sum + number(i) * steps[d]!, 0)]);
  };
  return {
    read,
    readOr(k, at, otherwise, where = "true") {
      const holds = where.split(" && ").every((c) => c === "true");
      return holds && at.every((i, d) => inside(i, inputs[k]!.shape[d]!)) ? read(k, at) : otherwise;
    },
    inside: (i, extent) => String(inside(i, extent)),
    multiple: (i, by) => String(number(i) % by === 0),
    let: (expression) => expression,
    text: (i) => String(number(i)),
    index: (expression, extent) => Index.of(Math.min(Math.max(Number(expression), 0), extent - 1)),
  };
}

function runKernel({ op, inputs, params, types }: Node, values: readonly NdArray[]): number[] {
  const { shape } = types[0]!;
  const at = shape.map((n, d) => Index.atom(`i${d}`, 0, n - 1));
  const out: number[] = [];
  eachIndex(shape, (index) => {
    const lower = interpreter(values, (atom) => index[Number(atom.name.slice(1))]!);
    const [text] = (op.kernel as MapKernel).element(at, lower, {
      inputs: inputs.map((t) => t.type),
      outputs: types,
      params,
    });
    out.push(Number(text!.replace(/[fu]$/, "").replace(/^\w+\((.*)\)$/, "$1")));
  });
  return out;
}

const names = ["reshape", "transpose", "broadcastTo", "slice", "pad", "flip", "concat", "gather", "iota"] as const;
const cases = names.flatMap((name) => samples[name].map((sample) => ({ name, sample, what: sample.name })));

test.each(cases)("$name: $what", ({ name, sample }) => {
  const inputs = sample.inputs.map(
    ({ dtype, shape }) => apply(ops.input, [], { path: "", type: { dtype, shape } })[0]!,
  );
  const values = new Map(inputs.map((t, k) => [t.node, sample.inputs[k]!]));
  const nodes = toposort(sample.build(inputs)).filter((n) => n.op.name === name);
  expect(nodes.length).toBeGreaterThan(0);
  for (const node of nodes) {
    const [wanted] = evaluate([apply(node.op, node.inputs, node.params)[0]!], values);
    expect(runKernel(node, evaluate(node.inputs, values))).toEqual([...wanted!.data]);
  }
});
