// Custom kernels: an op's own WGSL, with the bindings declared for it. This comes with the ops that have one, so that no other page loads it.
import { subgroups } from "../../shaders/quad.ts";
import type { Adapter, CustomKernel } from "../graph/op.ts";
import type { Binding, Buffer, Place } from "../plan/data.ts";
import type { Module } from "../plan/module.ts";
import type { Step } from "../plan/step.ts";
import { alignment, numel } from "../shape/types.ts";

interface Bound {
  readonly name: string;
  readonly binding: Binding;
}

/** A module for each dispatch of a step, but for the functions that it calls. Each array that its code names is a binding of its own, of just that
 *  value's part of the buffer. */
function print(
  step: Step,
  inputs: readonly Place[],
  outputs: readonly Place[],
  adapter: Adapter,
): (Module & { label: string; multiplyAdds: number })[] {
  const kernel = step.kernel as CustomKernel;
  const { ctx } = step;
  const named = (name: string) => `${step.name}${step.id}.${name}`;
  const scratch = (name: string, elements: number): Bound => {
    const buffer: Buffer = { name: named(name), kind: "temporary", type: "f32", elements };
    return { name, binding: { buffer, access: "readWrite" } };
  };
  const constant = (name: string, data: readonly number[]): Buffer => ({
    ...{ name: named(name), kind: "constant", type: "u32", elements: data.length, data },
  });
  const dispatches = kernel.dispatches(ctx, adapter);
  const arrays = {
    inputs: inputs.map((p, i) => arrayOf(`in${i}`, p, numel(ctx.inputs[i]!.shape), "read")),
    outputs: outputs.map((p, i) => arrayOf(`out${i}`, p, numel(ctx.outputs[i]!.shape), "readWrite")),
    scratch: (kernel.scratch?.(ctx) ?? []).map((n, i) => scratch(`scratch${i}`, n)),
  };
  const count = Math.max(0, ...dispatches.map((d) => (d.index ?? -1) + 1));
  const indices = constant(
    "index",
    Array.from({ length: alignment * count }, (_, i) => Math.floor(i / alignment)),
  );
  const counter: Bound = { name: "counter", binding: { buffer: constant("counter", [0]), access: "readWrite" } };
  const names = {
    inputs: arrays.inputs.map((a) => a.name),
    outputs: arrays.outputs.map((a) => a.name),
    scratch: arrays.scratch.map((a) => a.name),
    index: "index[0]",
    counter: "counter[0]",
  };
  return dispatches.map((dispatch) => {
    const { declarations, body, fours = [] } = dispatch.code(names);
    const part = { offset: alignment * (dispatch.index ?? 0), elements: 1 };
    const index: Bound = { name: "index", binding: { buffer: indices, access: "read", part } };
    const mentioned = new Set(`${declarations}\n${body}`.match(/\b[a-z]+[0-9]*\b/g));
    const bound = [...Object.values(arrays).flat(), index, counter].filter((a) => mentioned.has(a.name));
    const wgsl = [
      ...(body.includes("quadSwap") ? [subgroups] : []),
      ...bound.map((a, i) => declare(a, i, dispatch.vec4 === true || fours.includes(a.name))),
      declarations,
      `@compute @workgroup_size(${dispatch.workgroupSize.join(", ")})`,
      `fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {\n${body}\n}`,
    ].join("\n");
    return {
      label: dispatch.label,
      multiplyAdds: dispatch.multiplyAdds,
      wgsl,
      workgroups: dispatch.workgroups,
      bindings: bound.map((a) => a.binding),
    };
  });
}

/** A value's own part of the buffer that it lies in. */
function arrayOf(name: string, { buffer, offset }: Place, elements: number, access: Binding["access"]): Bound {
  const all = offset === 0 && elements === buffer.elements;
  return { name, binding: { buffer, access, ...(all ? {} : { part: { offset, elements } }) } };
}

function declare({ name, binding }: Bound, i: number, vec4: boolean): string {
  const { buffer, access, part } = binding;
  const { elements } = part ?? buffer;
  const own = name === "index" ? buffer.type : name === "counter" ? `atomic<${buffer.type}>` : null;
  const type = own
    ? `${own}, ${elements}`
    : vec4
      ? `vec4<${buffer.type}>, ${elements / 4}`
      : `${buffer.type}, ${elements}`;
  return `@group(0) @binding(${i}) var<storage, ${access === "read" ? "read" : "read_write"}> ${name}: array<${type}>;`;
}

/** What every custom kernel has besides its dispatches. */
export const custom = { kind: "custom", print } as const;
