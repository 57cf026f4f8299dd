// A plan as plain data that a worker can send: its graph, its dispatches and its memory.
import type { NdArray, Plan, TensorType } from "wgrad";

type Dispatch = Plan["dispatches"][number];
type Ref = Dispatch["stores"][number]["ref"];
type Buffer = Plan["buffers"][number];

/** A step of the graph as the planner sees it. */
export interface GraphNode {
  readonly id: number;
  /** The op, or the path of an input. */
  readonly name: string;
  readonly type: string;
  readonly kind: "input" | "constant" | "op";
  readonly inputs: readonly number[];
  /** Dispatches that compute it: none of what is given, several where readers compute it on the fly. */
  readonly dispatches: readonly number[];
  /** Whether it is left in memory, and as what. */
  readonly stored?: string;
  /** Of one number everywhere, which is written into whoever reads it: the number. */
  readonly literal?: string;
}

export interface BindingRow {
  readonly name: string;
  readonly kind: Buffer["kind"];
  readonly access: "read" | "readWrite";
  readonly type: string;
  readonly slot: number | null;
}

export interface DispatchRow {
  readonly label: string;
  readonly wgsl: string;
  readonly workgroups: string;
  readonly schedule: string;
  readonly multiplyAdds: number;
  readonly bytes: number;
  readonly bindings: readonly BindingRow[];
  /** What is read of other dispatches: which, and what. */
  readonly reads: readonly { readonly from: number; readonly what: string }[];
  /** What is read of the caller's. */
  readonly inputs: readonly string[];
  /** What it leaves for the caller. */
  readonly results: readonly string[];
}

export interface Slot {
  readonly bytes: number;
  readonly lives: readonly {
    readonly name: string;
    readonly first: number;
    readonly last: number;
    readonly bytes: number;
  }[];
}

export interface Description {
  readonly nodes: readonly GraphNode[];
  readonly dispatches: readonly DispatchRow[];
  readonly slots: readonly Slot[];
}

export const printType = ({ dtype, shape }: TensorType | NdArray): string => `${dtype}[${shape}]`;

export function describe(plan: Plan): Description {
  const makers = new Map<Ref, number>();
  plan.dispatches.forEach((d, i) => {
    for (const { ref } of d.stores) makers.set(ref, i);
  });
  const paths = new Map([...plan.inputs, ...plan.carry].map(({ ref, path }) => [ref, path]));
  const graph = new Graph(plan, makers, paths);
  const dispatches = plan.dispatches.map((_, i) => describeDispatch(plan, i, graph.visit(i), makers, paths));
  return { nodes: graph.nodes(), dispatches, slots: slotsOf(plan) };
}

/** Walks from what each dispatch stores to what it loads. */
class Graph {
  readonly #plan: Plan;
  readonly #makers: ReadonlyMap<Ref, number>;
  readonly #paths: ReadonlyMap<Ref, string>;
  readonly #found = new Map<Ref["step"], { dispatches: Set<number>; stored: Set<string> }>();

  constructor(plan: Plan, makers: ReadonlyMap<Ref, number>, paths: ReadonlyMap<Ref, string>) {
    this.#plan = plan;
    this.#makers = makers;
    this.#paths = paths;
  }

  /** What dispatch i loads from memory. */
  visit(i: number): ReadonlySet<Ref> {
    const loads = new Set<Ref>();
    const seen = new Set<Ref["step"]>();
    const visit = ({ step }: Ref) => {
      if (seen.has(step)) return;
      seen.add(step);
      this.#of(step).dispatches.add(i);
      for (const ref of step.inputs)
        if (this.#isLoaded(ref, i)) {
          loads.add(ref);
          this.#of(ref.step);
        } else visit(ref);
    };
    for (const { ref, place } of this.#plan.dispatches[i]?.stores ?? []) {
      visit(ref);
      this.#of(ref.step).stored.add(nameOf(this.#plan, place));
    }
    return loads;
  }

  #isLoaded(ref: Ref, reader: number): boolean {
    const maker = this.#makers.get(ref);
    return this.#paths.has(ref) || ref.step.kernel.kind === "source" || (maker !== undefined && maker !== reader);
  }

  #of(step: Ref["step"]) {
    let found = this.#found.get(step);
    if (!found) this.#found.set(step, (found = { dispatches: new Set(), stored: new Set() }));
    return found;
  }

  nodes(): GraphNode[] {
    const paths = new Map([...this.#paths].map(([ref, path]) => [ref.step, path]));
    return [...this.#found].map(([step, { dispatches, stored }]) => {
      const path = paths.get(step);
      return {
        ...{ id: step.id, name: path ?? step.name, type: step.ctx.outputs.map(printType).join(", ") },
        kind: path !== undefined ? "input" : step.kernel.kind === "source" ? "constant" : "op",
        inputs: step.inputs.map((ref) => ref.step.id),
        dispatches: [...dispatches],
        ...(stored.size ? { stored: [...stored].join(", ") } : {}),
        ...literalOf(step),
      };
    });
  }
}

const literalOf = ({ kernel, inputs, ctx }: Ref["step"]): { literal?: string } =>
  kernel.kind === "map" && kernel.cost === 0 && inputs.length === 0 && "value" in ctx.params
    ? { literal: String(Number(Number(ctx.params.value).toPrecision(4))) }
    : {};

function describeDispatch(
  plan: Plan,
  index: number,
  loads: ReadonlySet<Ref>,
  makers: ReadonlyMap<Ref, number>,
  paths: ReadonlyMap<Ref, string>,
): DispatchRow {
  const { label, wgsl, workgroups, multiplyAdds, bytes, schedules, bindings, stores } = plan.dispatches[
    index
  ] as Dispatch;
  const carried = [...loads].filter((ref) => !paths.has(ref) && isCarried(plan, ref, makers));
  const owned = stores.filter(({ place }) => place.buffer.kind === "output" || place.buffer.kind === "carry");
  return {
    ...{ label, wgsl: wgsl.trim(), multiplyAdds, bytes },
    workgroups: workgroups.filter((n, k) => k === 0 || n > 1).join("×"),
    schedule: schedules
      .map(({ tile, unroll }) => [tile.join("×") || "1", unroll.join("×")].filter(Boolean).join("·"))
      .join(" | "),
    bindings: bindings.map(({ buffer, access }) => ({
      ...{ name: buffer.name, kind: buffer.kind, access, type: `${buffer.type}[${buffer.elements}]` },
      slot: plan.slotOf.get(buffer) ?? null,
    })),
    reads: [
      ...bindings.flatMap(({ buffer }) => {
        const from = plan.dispatches.findLastIndex((d, i) => i < index && d.bindings.some(writes(buffer)));
        const shared = buffer.kind === "temporary" || buffer.kind === "output";
        return shared && from >= 0 ? [{ from, what: `${buffer.name}: ${buffer.type}[${buffer.elements}]` }] : [];
      }),
      ...carried.map((ref) => ({ from: makers.get(ref) as number, what: `${ref.step.name}: ${printType(ref.type)}` })),
    ],
    inputs: [...loads].flatMap((ref) => paths.get(ref) ?? []),
    results: owned.map(({ place }) => nameOf(plan, place)),
  };
}

const writes = (buffer: Buffer) => (b: Dispatch["bindings"][number]) => b.buffer === buffer && b.access === "readWrite";

/** Whether a dispatch has left the value where a carried one lies. */
const isCarried = (plan: Plan, ref: Ref, makers: ReadonlyMap<Ref, number>): boolean =>
  plan.dispatches[makers.get(ref) ?? -1]?.stores.some((s) => s.ref === ref && s.place.buffer.kind === "carry") ?? false;

/** The path of a value of the caller's, else the buffer's name. */
function nameOf(plan: Plan, { buffer, offset }: Dispatch["stores"][number]["place"]): string {
  return plan.carry.find((v) => v.place.buffer === buffer && v.place.offset === offset)?.path ?? buffer.name;
}

function slotsOf(plan: Plan): Slot[] {
  const lives = plan.slots.map((): Slot["lives"][number][] => []);
  for (const [buffer, slot] of plan.slotOf) {
    const used = plan.dispatches.flatMap((d, i) => (d.bindings.some((b) => b.buffer === buffer) ? [i] : []));
    lives[slot]?.push({ name: buffer.name, first: used[0] ?? 0, last: used.at(-1) ?? 0, bytes: 4 * buffer.elements });
  }
  return plan.slots.map(({ elements }, i) => ({ bytes: 4 * elements, lives: lives[i] ?? [] }));
}
