// Lower: from a bundle of groups to its dispatch (a custom kernel may take several).
import { numel } from "../shape/types.ts";
import { accessOf } from "./access.ts";
import { printCustom } from "./custom.ts";
import type { Dispatch } from "./data.ts";
import type { Group } from "./fuse.ts";
import { buildKernel, type Kernel, type Schedule } from "./kernel.ts";
import type { Link } from "./link.ts";
import { type Functions, type Module, printModule } from "./module.ts";
import type { Bundle } from "./order.ts";
import { rankSchedules } from "./schedule.ts";
import type { Ref, Step, Steps } from "./step.ts";
import type { Target } from "./target.ts";
import { keyOf, workOf } from "./work.ts";

/** A group as an autotuner sees it. */
export interface GroupWork {
  readonly key: string;
  readonly multiplyAdds: number;
  /** Schedules worth a trial, the model's choice first. */
  candidates(): Schedule[];
  /** The group alone, under a schedule. */
  module(schedule: Schedule): Module;
}

interface Options {
  readonly target: Target;
  readonly functions: Functions;
  readonly schedule?: (key: string) => Schedule | undefined;
  readonly visit?: (group: GroupWork) => void;
}

export function lowerBundle(bundle: Bundle, link: Link, steps: Steps, options: Options): Dispatch[] {
  const [{ core }] = bundle as [Group];
  const stores = bundle.flatMap((g) => link.storesOf(g));
  const bytes = bundle.reduce((n, g) => n + bytesOf(g, link), 0);
  if (core?.kernel.kind === "custom") {
    const inputs = core.inputs.map((r) => link.placeOf(r));
    const outputs = steps.refs(core).map((r) => link.placeOf(r));
    const modules = printCustom(core, inputs, outputs, options);
    const share = { bytes: bytes / modules.length, schedules: [] };
    return modules.map((module, i) => ({ ...module, ...share, stores: i === modules.length - 1 ? stores : [] }));
  }
  const kernels = bundle.map((g) => kernelOf(g, link, options));
  return [
    {
      ...printModule(kernels, options.target.workgroupSize, options.functions),
      label: bundle.map((g) => g.label).join(" | "),
      multiplyAdds: bundle.reduce((n, g) => n + workOf(g), 0),
      bytes,
      schedules: kernels.map((k) => k.schedule),
      stores,
    },
  ];
}

function kernelOf(g: Group, link: Link, { target, functions, schedule, visit }: Options): Kernel {
  const key = keyOf(g);
  const reader = link.readerOf(g);
  const stores = link.storesOf(g);
  const candidates = () => rankSchedules(g, target, reader, stores);
  const build = (s: Schedule) => buildKernel(g, s, reader, stores);
  visit?.({
    key,
    multiplyAdds: workOf(g),
    candidates,
    module: (s) => printModule([build(s)], target.workgroupSize, functions),
  });
  const chosen = link.schedules.get(key) ?? schedule?.(key) ?? (candidates()[0] as Schedule);
  link.schedules.set(key, chosen);
  return build(chosen);
}

/** Bytes that a group moves at least: each value that it reads once and each that it writes once. Of what is read at indices known only at run
 *  time (a batch of a data set), as many elements count as there are reads. */
function bytesOf(g: Group, link: Link): number {
  const reads = new Map<Ref, number>();
  const seen = new Set<Step>();
  const visit = (step: Step) => {
    if (seen.has(step)) return;
    seen.add(step);
    const access = accessOf(step);
    const elements = numel(step.ctx.outputs[0]?.shape as readonly number[]) * access.extent;
    step.inputs.forEach((ref, k) => {
      if (link.loadsOf(g).has(ref)) reads.set(ref, (reads.get(ref) ?? 0) + elements * (access.reads[k]?.length ?? 1));
      else visit(ref.step);
    });
  };
  for (const step of g.members) visit(step);
  let bytes = 0;
  for (const [ref, n] of reads) bytes += (link.placeOf(ref).packed ? 1 : 4) * Math.min(n, numel(ref.type.shape));
  for (const { ref } of link.storesOf(g)) bytes += 4 * numel(ref.type.shape);
  return bytes;
}
