// Plan: what a device runs, as plain data, and how it is made from a traced function:
//
//   trace ─▶ steps (equal ones merged, long reductions split) ─▶ groups (fused) ─▶ places (carried values in place)
//         ─▶ order (small groups share a dispatch) ─▶ kernels (tiled, WGSL) ─▶ memory (temporaries share slots)
//
// The planner knows the kinds of kernel, never an op.

import type { ReduceKernel } from "../graph/op.ts";
import { numel, type TensorType } from "../shape/types.ts";
import type { Trace } from "../trace.ts";
import { accessOf } from "./access.ts";
import { printCustom } from "./custom.ts";
import type { Buffer, Dispatch, ElementType, Place, Plan } from "./data.ts";
import type { Store } from "./emit.ts";
import { fuse, type Group, loadsOf, stepToMove, storedBy } from "./fuse.ts";
import { type Block, buildKernel, type PlaceOf, type Schedule } from "./kernel.ts";
import { assignSlots } from "./memory.ts";
import { type Functions, type Module, printModule } from "./module.ts";
import { Precedence, pack } from "./order.ts";
import { Places } from "./places.ts";
import { printPlan } from "./print.ts";
import { rankSchedules } from "./schedule.ts";
import { splitReduce } from "./split.ts";
import { type Ref, stepsOf } from "./step.ts";
import type { Target } from "./target.ts";

export type { Plan } from "./data.ts";

export interface PlanOptions {
  readonly target: Target;
  readonly functions: Functions;
  /** A schedule to use for a group instead of the model's choice; `key` tells groups of different work apart. */
  readonly schedule?: (key: string) => Schedule | undefined;
  /** Is shown each group that has a schedule. */
  readonly visit?: (group: GroupWork) => void;
}

/** A group as an autotuner sees it. */
export interface GroupWork {
  readonly key: string;
  readonly multiplyAdds: number;
  /** Schedules worth a trial, the model's choice first. */
  candidates(): Schedule[];
  /** The group alone, under a schedule. */
  module(schedule: Schedule): Module;
}

/** Plans a traced function for a target. `apart` numbers steps that get a kernel of their own: it makes room in one that would bind too
 *  many buffers. */
export function makePlan(trace: Trace, options: PlanOptions, apart: ReadonlySet<number> = new Set()): Plan {
  const { target } = options;
  const wanted = [...trace.carry.map((c) => c.output), ...trace.outputs.map((o) => o.value)];
  const { steps, refOf } = stepsOf(
    wanted,
    trace.inputs.map((i) => i.value),
    (list, node, inputs) =>
      node.op.kernel.kind === "reduce"
        ? splitReduce(list, node.op.name, node.op.kernel, inputs, node.params, node.types, target)
        : null,
  );
  const places = new Places(trace, refOf, steps);
  const buffers = { max: target.maxBuffers, of: (ref: Ref) => places.bufferOf(ref) };
  const groups = fuse(steps, [...places.written.keys()], buffers, apart);
  let stored = storedBy(groups);
  const precedence = new Precedence();
  for (const g of groups) {
    precedence.add(g);
    for (const ref of loadsOf(g, stored)) if (stored.has(ref)) precedence.add(stored.get(ref) as Group, g);
  }

  const reader =
    (g: Group): PlaceOf =>
    (ref) =>
      g.members.has(ref.step) ? null : places.read(ref, stored);
  places.settleCarry(steps, groups, precedence, (g, input, output, place) =>
    readsInPlace(g, reader(g), { ref: output, place }, places.read(input, stored)?.buffer),
  );
  stored = storedBy(groups);
  const loads = new Map(groups.map((g) => [g, loadsOf(g, stored)]));

  const buffersOf = (g: Group) => [
    ...[...(loads.get(g) as Set<Ref>)].map((r) => places.read(r, stored)?.buffer),
    ...[...g.stores].flatMap((r) => places.write(r).map((p) => p.buffer)),
  ];
  const countBuffers = (bundle: readonly Group[]) => new Set(bundle.flatMap(buffersOf)).size;
  const crowded = groups.filter((g) => countBuffers([g]) > target.maxBuffers);
  const moved = crowded.map((g) => stepToMove(g, stored)).find((step) => step && !apart.has(step.id));
  if (moved) return makePlan(trace, options, new Set([...apart, moved.id]));

  const schedules = new Map<string, Schedule>();
  const kernelOf = (g: Group, stores: readonly { ref: Ref; place: Place }[]) => {
    const placeOf = reader(g);
    options.visit?.({
      key: keyOf(g),
      multiplyAdds: workOf(g),
      candidates: () => rankSchedules(g, target, placeOf, stores),
      module: (schedule) =>
        printModule([buildKernel(g, schedule, placeOf, stores)], target.workgroupSize, options.functions),
    });
    const key = keyOf(g);
    const schedule =
      schedules.get(key) ?? options.schedule?.(key) ?? (rankSchedules(g, target, placeOf, stores)[0] as Schedule);
    schedules.set(key, schedule);
    return buildKernel(g, schedule, placeOf, stores);
  };
  pack(
    groups,
    precedence,
    (g) => g.core?.kernel.kind !== "custom" && workOf(g) <= smallWork,
    (bundle) => countBuffers(bundle) <= target.maxBuffers,
  );

  const dispatches: Dispatch[] = [];
  const storesOf = (g: Group) => [...g.stores].flatMap((ref) => places.write(ref).map((place) => ({ ref, place })));
  for (const bundle of precedence.sorted()) {
    const { core } = bundle[0] as Group;
    const work = {
      multiplyAdds: bundle.reduce((n, g) => n + workOf(g), 0),
      bytes: bundle.reduce((n, g) => n + bytesOf(g, loads.get(g) as Set<Ref>, places, stored), 0),
    };
    if (core?.kernel.kind === "custom") {
      const inputs = core.inputs.map((r) => places.read(r, stored) as Place);
      const outputs = steps.refs(core).map((r) => places.write(r)[0] as Place);
      const modules = printCustom(core, inputs, outputs, options);
      for (const module of modules) dispatches.push({ ...module, bytes: work.bytes / modules.length, schedules: [] });
      continue;
    }
    const kernels = bundle.map((g) => kernelOf(g, storesOf(g)));
    const module = printModule(kernels, target.workgroupSize, options.functions);
    dispatches.push({
      ...module,
      ...work,
      label: bundle.map((g) => g.label).join(" | "),
      schedules: kernels.map((k) => k.schedule),
    });
  }
  const memory = temporaries(dispatches, places);
  const plan = {
    dispatches,
    ...memory,
    inputs: places.inputs,
    carry: places.carry,
    outputs: places.outputs,
  };
  return { ...plan, toString: () => printPlan(plan) };
}

/** What a group computes, sizes included: groups of equal keys take equal schedules. */
export function keyOf(g: Group): string {
  const extents = g.core?.kernel.kind === "reduce" ? g.core.kernel.extents(g.core.ctx) : [];
  return `${g.label} [${g.domain}] over [${extents}]`;
}

/** Work up to which a group is small: its dispatch would cost more than its work. */
const smallWork = 1 << 17;

const workOf = (g: Group) => {
  const access = g.core ? accessOf(g.core) : { extent: 1 };
  const shape = (g.core ?? ([...g.members][0] as { ctx: { outputs: readonly TensorType[] } })).ctx.outputs[0]
    ?.shape as readonly number[];
  return numel(shape) * access.extent;
};

function bytesOf(g: Group, loads: ReadonlySet<Ref>, places: Places, stored: ReadonlyMap<Ref, Group>): number {
  let bytes = 0;
  for (const r of loads) bytes += places.read(r, stored)?.packed ? numel(r.type.shape) : 4 * numel(r.type.shape);
  for (const r of g.stores) bytes += 4 * numel(r.type.shape);
  return bytes;
}

function temporaries(dispatches: readonly Dispatch[], places: Places) {
  const lives = new Map<Buffer, { first: number; last: number; elements: number; type: ElementType }>();
  const buffers = new Set<Buffer>([...places.inputs, ...places.carry, ...places.outputs].map((v) => v.place.buffer));
  dispatches.forEach(({ bindings }, i) => {
    for (const { buffer } of bindings) {
      buffers.add(buffer);
      if (buffer.kind !== "temporary") continue;
      const life = lives.get(buffer);
      if (life) life.last = i;
      else lives.set(buffer, { first: i, last: i, elements: buffer.elements, type: buffer.type });
    }
  });
  const list = [...lives.keys()];
  const { slots, slotOf } = assignSlots([...lives.values()]);
  return {
    buffers: [...buffers],
    slots: slots as { type: ElementType; elements: number }[],
    slotOf: new Map(list.map((b, i) => [b, slotOf[i] as number])),
  };
}

/** Whether a group that writes `store` over an input's old value reads that value only at the element that it writes. */
function readsInPlace(
  group: Group,
  placeOf: PlaceOf,
  store: { ref: Ref; place: Place },
  buffer: Buffer | undefined,
): boolean {
  if (group.core?.kernel.kind === "custom") return false;
  const extents = group.core ? (group.core.kernel as ReduceKernel).extents(group.core.ctx) : [];
  const ones: Schedule = { tile: group.domain.map(() => 1), unroll: extents.map(() => 1) };
  const { block } = buildKernel(group, ones, placeOf, [store]);
  const first = store.place.offset;
  const last = first + numel(store.ref.type.shape);
  const target = block
    .filter((s) => typeof s === "object" && "kind" in s && s.kind === "store")
    .map((s) => (s as Store).index.key);
  const harmless = (b: Block): boolean =>
    b.every((s) => {
      if (typeof s === "string" || ("kind" in s && s.kind === "store")) return true;
      if ("loop" in s) return harmless(s.body);
      return s.buffer !== buffer || s.index.max < first || s.index.min >= last || target.includes(s.index.key);
    });
  return harmless(block);
}
