// Custom kernels: an op's own WGSL, with the bindings declared for it.
import type { CustomKernel } from "../graph/op.ts";
import type { Binding, Buffer, Place } from "./data.ts";
import { type Functions, type Module, withFunctions } from "./module.ts";
import type { Step } from "./step.ts";

/** A module for each dispatch of the step. Every input lies in a buffer of its own at offset 0, or is read through its offset. */
export function printCustom(
  step: Step,
  inputs: readonly Place[],
  outputs: readonly Place[],
  functions: Functions,
): (Module & { label: string })[] {
  const kernel = step.kernel as CustomKernel;
  const scratch = (kernel.scratch?.(step.ctx) ?? []).map(
    (elements, i): Place => ({
      buffer: { name: `${step.name}${step.id}.scratch${i}`, kind: "temporary", type: "f32", elements },
      offset: 0,
      packed: false,
    }),
  );
  return kernel.dispatches(step.ctx).map((dispatch) => {
    const bindings: Binding[] = [];
    const name = ({ buffer }: Place, access: Binding["access"]) => {
      let i = bindings.findIndex((b) => b.buffer === buffer);
      if (i < 0) i = bindings.push({ buffer, access }) - 1;
      else if (access === "readWrite") bindings[i] = { buffer, access };
      return `b${i}`;
    };
    const names = {
      inputs: inputs.map((p) => name(p, "read")),
      outputs: outputs.map((p) => name(p, "readWrite")),
      scratch: scratch.map((p) => name(p, "readWrite")),
    };
    const { declarations, body } = dispatch.code(names);
    const text = [
      ...bindings.map(declare),
      declarations,
      `@compute @workgroup_size(${dispatch.workgroupSize.join(", ")})`,
      `fn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {\n${body}\n}`,
    ].join("\n");
    return { label: dispatch.label, wgsl: withFunctions(text, functions), workgroups: dispatch.workgroups, bindings };
  });
}

function declare({ buffer, access }: { buffer: Buffer; access: Binding["access"] }, i: number): string {
  return `@group(0) @binding(${i}) var<storage, ${access === "read" ? "read" : "read_write"}> b${i}: array<${buffer.type}, ${buffer.elements}>;`;
}
