// Lower: from a bundle of groups to its dispatch (a custom kernel may take several).
import type { Dispatch } from "./data.ts";
import type { Group } from "./fuse.ts";
import { buildKernel, type Kernel, type Walks } from "./kernel.ts";
import type { Schedule } from "./lanes.ts";
import type { Link } from "./link.ts";
import { type Functions, type Module, printModule, withFunctions } from "./module.ts";
import type { Bundle } from "./order.ts";
import { rankKernels } from "./schedule.ts";
import type { Steps } from "./step.ts";
import type { Target } from "./target.ts";
import { bytesOf, keyOf, loadsOf, workOf } from "./work.ts";

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
  readonly walks?: Walks;
}

export function lowerBundle(bundle: Bundle, link: Link, steps: Steps, options: Options): Dispatch[] {
  const [{ core }] = bundle as [Group];
  const stores = bundle.flatMap((g) => link.storesOf(g));
  const loads = bundle.flatMap((g) => loadsOf(g, link));
  const bytes = [...loads.map((l) => l.bytes), ...stores.map(({ ref }) => bytesOf(ref))].reduce((a, b) => a + b, 0);
  if (core?.kernel.kind === "custom") {
    const inputs = core.inputs.map((r) => link.placeOf(r));
    const outputs = steps.refs(core).map((r) => link.placeOf(r));
    const modules = core.kernel.print(core, inputs, outputs, options.target);
    const share = { bytes: bytes / modules.length, schedules: [] };
    return modules.map((module, i) => ({
      ...{ ...module, ...share, wgsl: withFunctions(module.wgsl, options.functions) },
      loads: i === 0 ? loads : [],
      stores: i === modules.length - 1 ? stores : [],
    }));
  }
  const kernels = bundle.map((g) => kernelOf(g, link, options, bundle.length === 1));
  return [
    {
      ...printModule(kernels, options.target.workgroupSize, options.functions),
      label: bundle.map((g) => g.label).join(" | "),
      multiplyAdds: bundle.reduce((n, g) => n + workOf(g), 0),
      bytes,
      schedules: kernels.map((k) => k.schedule),
      loads,
      stores,
    },
  ];
}

/** Times as dear as the best by the quick model: of these none was the best by the count, in any task of bench. A tuner tries them too. */
const hopeless = 1.25;

function kernelOf(
  g: Group,
  link: Link,
  { target, functions, schedule, visit, walks }: Options,
  alone: boolean,
): Kernel {
  const key = keyOf(g);
  const reader = link.readerOf(g);
  const stores = link.storesOf(g);
  const rank = (dearer: number) => rankKernels(g, target, reader, stores, alone, dearer, walks);
  const build = (s: Schedule) => buildKernel(g, s, reader, stores, walks);
  visit?.({
    key,
    multiplyAdds: workOf(g),
    candidates: () => rank(Number.POSITIVE_INFINITY).map((k) => k.schedule),
    module: (s) => printModule([build(s)], target.workgroupSize, functions),
  });
  const chosen = link.schedules.get(key) ?? schedule?.(key);
  // kernels that share a dispatch share its workgroup size
  const kernel = chosen ? build(alone ? chosen : { ...chosen, group: undefined }) : (rank(hopeless)[0] as Kernel);
  link.schedules.set(key, chosen ?? kernel.schedule);
  return kernel;
}
