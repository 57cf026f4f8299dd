// Module: prints kernels as one WGSL module with one entry point. Several kernels in a module share a dispatch: each owns a range of
// workgroups. Loads and stores of four elements in a row become one vec4, where every access of the buffer allows it.

import { subgroups } from "../../shaders/quad.ts";
import { numel } from "../shape/types.ts";
import { isAligned, KernelPrinter, quadsOf } from "./body.ts";
import type { Binding, Buffer } from "./data.ts";
import type { Block, Load, Store } from "./emit.ts";
import type { Kernel } from "./kernel.ts";

/** Functions that expressions may call, by name, complete WGSL. */
export type Functions = Readonly<Record<string, string>>;

export interface Module {
  readonly wgsl: string;
  readonly workgroups: readonly [number, number, number];
  readonly bindings: readonly Binding[];
}

/** The most workgroups in one dimension of a dispatch. */
const maxWorkgroups = 65535;

export function printModule(kernels: readonly Kernel[], workgroupSize: number, functions: Functions): Module {
  const access = collectAccess(kernels);
  const names = new Map([...access.keys()].map((buffer, i) => [buffer, `b${i}`]));
  const bindings = [...access.keys()].map(
    (buffer) => ({ buffer, access: access.get(buffer)?.stores.length ? "readWrite" : "read" }) as Binding,
  );
  const declarations = bindings.map(({ buffer, access: mode }, i) => {
    const vec = vectorised(buffer, access.get(buffer) as Access);
    const type = vec
      ? `array<vec4<${buffer.type}>, ${Math.ceil(buffer.elements / 4)}>`
      : `array<${buffer.type}, ${buffer.elements}>`;
    return `@group(0) @binding(${i}) var<storage, ${mode === "read" ? "read" : "read_write"}> ${names.get(buffer)}: ${type};`;
  });
  const vec = new Set(bindings.map((b) => b.buffer).filter((b) => vectorised(b, access.get(b) as Access)));
  const [box] = kernels.map((k) => k.lanes.group);
  // few lanes do all the work of a walk: in small workgroups they are shared out evenly
  const size = box ? numel(box) : kernels.every((k) => k.schedule.walk !== undefined) ? 4 : workgroupSize;
  const groups = kernels.map(({ lanes }) => lanes.workgroups ?? Math.ceil(lanes.count / size));
  const total = groups.reduce((a, b) => a + b, 0);
  const workgroups: [number, number, number] = [Math.min(total, maxWorkgroups), Math.ceil(total / maxWorkgroups), 1];
  const printed = kernels.map((k, i) => new KernelPrinter(`kernel${i}`, k, names, vec).print());
  const group = workgroups[1] === 1 ? "wg.x" : `(wg.x + wg.y * ${maxWorkgroups}u)`;
  let first = 0;
  const calls = kernels.map((_, i) => {
    const own = first === 0 ? "group" : `(group - ${first}u)`;
    first += groups[i] as number;
    const call = `kernel${i}(${box ? `${own}, li` : `${own} * ${size}u + li`});`;
    return i === kernels.length - 1 ? `{ ${call} }` : `if (group < ${first}u) { ${call} } else `;
  });
  const main =
    `@compute @workgroup_size(${size})\nfn main(@builtin(workgroup_id) wg: vec3u, @builtin(local_invocation_index) li: u32) {\n` +
    `  let group = ${group};\n  ${calls.join("")}\n}\n`;
  const text = [
    ...(kernels.some((k) => k.schedule.quads !== undefined || k.schedule.walk !== undefined) ? [subgroups] : []),
    declarations.join("\n"),
    ...printed.flatMap((p) => p.memory),
    ...printed.map((p) => p.wgsl),
    main,
  ].join("\n");
  return { wgsl: withFunctions(text, functions), workgroups, bindings };
}

interface Access {
  readonly loads: Load[];
  readonly stores: Store[];
}

function collectAccess(kernels: readonly Kernel[]): Map<Buffer, Access> {
  const access = new Map<Buffer, Access>();
  const visit = (block: Block) => {
    for (const s of block) {
      if (typeof s === "string") continue;
      if ("loop" in s) visit(s.body);
      else {
        let a = access.get(s.buffer);
        if (!a) access.set(s.buffer, (a = { loads: [], stores: [] }));
        if (s.kind === "load") a.loads.push(s);
        else a.stores.push(s);
      }
    }
  };
  for (const k of kernels) visit(k.block);
  return access;
}

/** Whether every access of the buffer is one component of an aligned vec4, and its stores fill whole ones. */
function vectorised(buffer: Buffer, { loads, stores }: Access): boolean {
  if (buffer.elements % 4 !== 0 || ![...loads, ...stores].every((s) => isAligned(s.index))) return false;
  const quads = quadsOf(stores);
  return [...quads.values()].every((q) => q.filter(Boolean).length === 4 && q.every((s) => s?.guard === q[0]?.guard));
}

/** Appends the functions that the text calls, and those that they call. */
export function withFunctions(wgsl: string, functions: Functions): string {
  const needed = new Set<string>();
  const scan = (source: string) => {
    for (const [name, definition] of Object.entries(functions)) {
      if (needed.has(name) || !source.includes(`${name}(`)) continue;
      needed.add(name);
      scan(definition);
    }
  };
  scan(wgsl);
  const [head, text] = wgsl.startsWith(subgroups) ? [[subgroups], wgsl.slice(subgroups.length + 1)] : [[], wgsl];
  return [...head, ...[...needed].map((name) => functions[name]), text].join("\n");
}
