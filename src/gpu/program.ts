// GpuProgram: a plan made ready. Pipelines, buffers and bind groups are made once; a run only records dispatches and submits.
import { isInput, type Program, type RunOptions } from "../device.ts";
import { listTree, mapTree } from "../graph/tree.ts";
import type { Buffer, Plan, Value } from "../plan/data.ts";
import { requireCount } from "../shape/count.ts";
import { ArrayError, ShapeError } from "../shape/errors.ts";
import type { Tensor } from "../tensor.ts";
import { BufferOwner, encode, type Freshness, GpuArray } from "./array.ts";
import { Bindings, type Bound, keyOf } from "./bindings.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Profile, ProfileOptions } from "./profile.ts";
import type { GpuRuntime } from "./runtime.ts";
import type { Verification, VerifyOptions } from "./verify.ts";

/** What a program has done, for benchmarks. */
export interface Stats {
  /** Calls of run and encode. */
  runs: number;
  /** Applications of the function: runs × repeat. */
  steps: number;
  /** Of run. */
  submits: number;
  /** All that were recorded. */
  dispatches: number;
  /** Time spent recording and submitting, in microseconds. */
  recordMicroseconds: number;
}

/** What takes commands of yours: an encoder, or a compute pass that is open. */
export type Recorder = GPUCommandEncoder | GPUComputePassEncoder;

/** Options of run and encode on a GPU. */
export interface EncodeOptions<O = unknown> extends RunOptions {
  /** Arrays to store outputs in, under the names that the function gives them; say buffers of yours (`device.wrap`), which stay yours. Outputs
   *  that are left out are stored in memory of the program's, until its next run. */
  readonly outputs?: Outputs<O>;
}

/** Arrays under the names that a function gives its outputs. */
export type Outputs<O> = O extends Tensor ? GpuArray : { readonly [K in keyof O]?: Outputs<O[K]> };

/** Sets of arrays whose bind groups are kept: a host that makes new buffers all the time does not fill the memory. */
const mostSets = 64;

/** A plan made ready. Pipelines, buffers and bind groups are made once; a run only records dispatches and submits. */
// biome-ignore lint/suspicious/noExplicitAny: Device.compile gives the program its types
export class GpuProgram implements Program<any, any> {
  /** Every dispatch, slot and byte. */
  readonly plan: Plan;
  /** What it has done. */
  readonly stats: Stats = { runs: 0, steps: 0, submits: 0, dispatches: 0, recordMicroseconds: 0 };
  /** Where it runs. */
  readonly device: GpuRuntime;
  readonly #label: string;
  /** Of each dispatch.
   *  @internal */
  readonly pipelines: readonly Pipeline[];
  /** The numbers of the plan's outputs, in the tree that a run gives. */
  readonly #outputTree: unknown;
  /** Buffers of our own: constants, outputs and slots. */
  readonly #own: ReadonlyMap<Buffer, GPUBuffer>;
  readonly #owners: readonly BufferOwner[];
  readonly #slots: readonly GPUBuffer[];
  /** Where its buffers lie.
   *  @internal */
  readonly bindings: Bindings;
  readonly #bindGroups = new Map<string, readonly GPUBindGroup[]>();
  /** What the last run was given, and its bind groups, unless outputs were given too. */
  #last: { readonly list: readonly unknown[]; readonly groups: readonly GPUBindGroup[] } = { list: [], groups: [] };
  readonly #freshness = { current: 0 };
  /** What the last run gave. */
  readonly #latest: GpuArray[] = [];
  #disposed = false;

  private constructor(
    device: GpuRuntime,
    plan: Plan,
    outputTree: unknown,
    label: string,
    pipelines: readonly Pipeline[],
    buffers: readonly GPUBuffer[],
  ) {
    this.device = device;
    this.plan = plan;
    this.#outputTree = outputTree;
    this.#label = label;
    this.pipelines = pipelines;
    this.#slots = buffers.slice(0, plan.slots.length);
    this.#own = new Map(ownBuffers(plan).map((b, i) => [b, buffers[plan.slots.length + i] as GPUBuffer]));
    this.bindings = new Bindings(device, plan, label, this.#own, this.#slots);
    for (const [b, buffer] of this.#own)
      if (b.data)
        device.gpu.queue.writeBuffer(
          buffer,
          0,
          encode({ dtype: b.type, shape: [b.elements], data: Float64Array.from(b.data) }, false),
        );
    this.#owners = [...this.#own.values()].map((b) => new BufferOwner(b));
    for (const o of this.#owners) o.retain();
  }

  static async create(device: GpuRuntime, plan: Plan, outputTree: unknown, label: string): Promise<GpuProgram> {
    const { maxStorageBuffersPerShaderStage: most } = device.gpu.limits;
    for (const d of plan.dispatches)
      if (d.bindings.length > most)
        throw new ShapeError(
          `${label}: ${d.label} binds ${d.bindings.length} buffers (${d.bindings.length} vs at most ${most} on ${device.name}); join some of its inputs`,
        );
    const wanted = [
      ...plan.slots.map((s, i) => ({ bytes: 4 * s.elements, label: `${label}: slot ${i}` })),
      ...ownBuffers(plan).map((b) => ({ bytes: 4 * b.elements, label: `${label}: ${b.name}` })),
    ];
    device.checkSizes(wanted);
    const pipelines = await Promise.all(
      plan.dispatches.map((d) =>
        device.pipelines.get(
          d.label,
          d.wgsl,
          d.bindings.map((b) => b.access),
        ),
      ),
    );
    const { buffers, outOfMemory } = device.createBuffers(wanted);
    const error = await outOfMemory;
    if (error) {
      for (const b of buffers) b.destroy();
      throw error;
    }
    return new GpuProgram(device, plan, outputTree, label, pipelines, buffers);
  }

  /** Applies the function and submits. Throws ArrayError or ShapeError if an input or an output does not fit, before anything is
   *  submitted. */
  // biome-ignore lint/suspicious/noExplicitAny: Device.compile gives the program its types
  run(inputs: unknown, options: EncodeOptions = {}): any {
    const start = performance.now();
    const encoder = this.device.gpu.createCommandEncoder({ label: this.#label });
    const outputs = this.encode(encoder, inputs, options);
    try {
      this.device.gpu.queue.submit([encoder.finish()]);
    } catch (error) {
      for (const array of this.#latest.splice(0)) array.release();
      throw error;
    }
    this.stats.submits++;
    this.stats.recordMicroseconds += 1000 * (performance.now() - start);
    return outputs;
  }

  /** Records the program into an encoder or compute pass of yours; it runs when you submit. Neither makes nor submits anything, but for bind
   *  groups when it meets arrays for the first time. */
  encode(into: Recorder, inputs: unknown, { repeat = 1, outputs = {} }: EncodeOptions = {}): unknown {
    requireCount(this.#label, "repeat", repeat);
    this.device.check();
    const given = this.bindings.outputs(outputs);
    const groups = this.groups(inputs, given);
    const own = "beginComputePass" in into;
    const pass = own ? into.beginComputePass({ label: this.#label }) : into;
    const { dispatches } = this.plan;
    for (let k = 0; k < repeat; k++)
      for (let i = 0; i < dispatches.length; i++) {
        const [x, y, z] = (dispatches[i] as Plan["dispatches"][number]).workgroups;
        pass.setPipeline((this.pipelines[i] as Pipeline).pipeline);
        pass.setBindGroup(0, groups[i] as GPUBindGroup);
        pass.dispatchWorkgroups(x, y, z);
      }
    if (own) pass.end();
    this.stats.runs++;
    this.stats.steps += repeat;
    this.stats.dispatches += repeat * dispatches.length;
    return this.#outputs(given);
  }

  /** Times every dispatch on these inputs. Carried values are put back; outputs of earlier runs are overwritten. Throws what `run` would. */
  async profile(inputs: unknown, options?: ProfileOptions): Promise<Profile> {
    const { profile } = await import("./profile.ts");
    return profile(this, inputs, options);
  }

  /** Compares every value that the dispatches store with the reference, on these inputs; see verify.ts. Carried values are put back; outputs of
   *  earlier runs are overwritten. Throws what `run` would. */
  async verify(inputs: unknown, options?: VerifyOptions): Promise<Verification> {
    const { verify } = await import("./verify.ts");
    return verify(this, inputs, options);
  }

  #outputs(given: ReadonlyMap<string, GpuArray>): unknown {
    this.#freshness.current++;
    for (const array of this.#latest.splice(0)) array.release();
    const owner = new Map(this.#owners.map((o) => [o.buffer, o]));
    return mapTree(this.#outputTree, isNumber, (i) => {
      const { path, type, place } = this.plan.outputs[i] as Value;
      const theirs = given.get(path);
      if (theirs) return theirs;
      const buffer = this.#own.get(place.buffer) as GPUBuffer;
      const array = new GpuArray(
        this.device,
        type,
        buffer,
        0,
        false,
        owner.get(buffer) as BufferOwner,
        this.#freshness as Freshness,
      );
      this.#latest.push(array);
      return array;
    });
  }

  /** Of each dispatch. Throws ArrayError or ShapeError if an input does not fit.
   *  @internal */
  groups(inputs: unknown, outputs: ReadonlyMap<string, GpuArray> = new Map()): readonly GPUBindGroup[] {
    if (this.#disposed) throw new ArrayError(`${this.#label}: it was disposed; keep it until its last use`);
    const list = listTree(inputs, isInput);
    const { list: last, groups: known } = this.#last;
    if (outputs.size === 0 && list.length === last.length && list.every((x, i) => x === last[i])) {
      for (const x of list) if (x instanceof GpuArray) x.check();
      return known;
    }
    const bound = this.bindings.of(inputs, outputs);
    const key = keyOf(bound);
    let groups = this.#bindGroups.get(key);
    if (!groups) {
      this.bindings.checkApart(bound);
      groups = this.#createGroups(bound);
      const [oldest] = this.#bindGroups.keys();
      if (this.#bindGroups.size >= mostSets) this.#bindGroups.delete(oldest as string);
      this.#bindGroups.set(key, groups);
    }
    this.#last = { list: outputs.size > 0 ? [] : list, groups };
    return groups;
  }

  #createGroups(bound: ReadonlyMap<Buffer, Bound>): GPUBindGroup[] {
    return this.plan.dispatches.map((d, i) =>
      this.device.gpu.createBindGroup({
        label: d.label,
        layout: (this.pipelines[i] as Pipeline).layout,
        entries: d.bindings.map(({ buffer, part }, binding) => {
          const at = this.bindings.locate(bound, buffer);
          const offset = at.offset + 4 * (part?.offset ?? 0);
          const size = Math.min(16 * Math.ceil((part ?? buffer).elements / 4), at.buffer.size - offset);
          return { binding, resource: { buffer: at.buffer, offset, size } };
        }),
      }),
    );
  }

  /** Frees what the program made; its outputs are gone. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const b of this.#slots) b.destroy();
    for (const o of this.#owners) o.release();
    this.#bindGroups.clear();
    this.#last = { list: [], groups: [] };
  }
}

const isNumber = (x: unknown): x is number => typeof x === "number";

const ownBuffers = (plan: Plan) => plan.buffers.filter((b) => b.kind === "constant" || b.kind === "output");
