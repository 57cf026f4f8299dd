// GpuProgram: a plan made ready. Pipelines, buffers and bind groups are made once; a run only records dispatches and submits.
import { type DeviceArray, isInput, type Program, type RunOptions, requireArray } from "../device.ts";
import { leaves, mapTree } from "../graph/tree.ts";
import type { Buffer, Plan, Value } from "../plan/data.ts";
import { ArrayError, ShapeError, ValueError } from "../shape/errors.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import { BufferOwner, encode, type Freshness, GpuArray } from "./array.ts";
import type { GpuDevice } from "./device.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Profile, ProfileOptions } from "./profile.ts";
import type { Verification, VerifyOptions } from "./verify.ts";

/** What a program has done, for benchmarks. */
export interface Stats {
  runs: number;
  /** Applications of the function: runs × repeat. */
  steps: number;
  submits: number;
  dispatches: number;
  /** Time spent recording and submitting, in microseconds. */
  recordMicroseconds: number;
}

/** Where a buffer of the plan lies. */
interface Bound {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

// biome-ignore lint/suspicious/noExplicitAny: Device.compile gives the program its types
export class GpuProgram implements Program<any, any> {
  readonly plan: Plan;
  readonly stats: Stats = { runs: 0, steps: 0, submits: 0, dispatches: 0, recordMicroseconds: 0 };
  readonly device: GpuDevice;
  readonly #label: string;
  readonly #pipelines: readonly Pipeline[];
  readonly #outputTree: unknown;
  /** Buffers of our own: constants, outputs and slots. */
  readonly #own: ReadonlyMap<Buffer, GPUBuffer>;
  readonly #owners: readonly BufferOwner[];
  readonly #slots: readonly GPUBuffer[];
  readonly #bindGroups = new Map<string, readonly GPUBindGroup[]>();
  readonly #freshness = { current: 0 };
  /** What the last run gave. */
  readonly #latest: GpuArray[] = [];
  #disposed = false;

  private constructor(
    device: GpuDevice,
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
    this.#pipelines = pipelines;
    this.#slots = buffers.slice(0, plan.slots.length);
    this.#own = new Map(ownBuffers(plan).map((b, i) => [b, buffers[plan.slots.length + i] as GPUBuffer]));
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

  static async create(device: GpuDevice, plan: Plan, outputTree: unknown, label: string): Promise<GpuProgram> {
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

  // biome-ignore lint/suspicious/noExplicitAny: Device.compile gives the program its types
  run(inputs: unknown, options: RunOptions = {}): any {
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

  /** Records the program into an encoder or compute pass of yours; it runs when you submit. */
  encode(into: GPUCommandEncoder | GPUComputePassEncoder, inputs: unknown, { repeat = 1 }: RunOptions = {}): unknown {
    if (this.#disposed) throw new ArrayError(`${this.#label}: it was disposed; keep it until its last use`);
    if (!Number.isInteger(repeat) || repeat < 1)
      throw new ValueError(`${this.#label}: repeat must be a positive integer, got ${repeat}`);
    this.device.check();
    const groups = this.#groups(inputs);
    const own = "beginComputePass" in into;
    const pass = own ? into.beginComputePass({ label: this.#label }) : into;
    const { dispatches } = this.plan;
    for (let k = 0; k < repeat; k++)
      for (let i = 0; i < dispatches.length; i++) {
        const [x, y, z] = (dispatches[i] as Plan["dispatches"][number]).workgroups;
        pass.setPipeline((this.#pipelines[i] as Pipeline).pipeline);
        pass.setBindGroup(0, groups[i] as GPUBindGroup);
        pass.dispatchWorkgroups(x, y, z);
      }
    if (own) pass.end();
    this.stats.runs++;
    this.stats.steps += repeat;
    this.stats.dispatches += repeat * dispatches.length;
    return this.#outputs();
  }

  /** For each dispatch its pipeline and bind group: what a profiler times one by one. */
  prepared(inputs: unknown): readonly { readonly pipeline: GPUComputePipeline; readonly bindGroup: GPUBindGroup }[] {
    return this.#groups(inputs).map((bindGroup, i) => ({
      pipeline: (this.#pipelines[i] as Pipeline).pipeline,
      bindGroup,
    }));
  }

  /** Times every dispatch on these inputs. Carried values are put back; outputs of earlier runs are overwritten. Throws what `run` would. */
  async profile(inputs: unknown, options?: ProfileOptions): Promise<Profile> {
    const { profile } = await import("./profile.ts");
    return profile(this, inputs, options);
  }

  /** Compares every value that the dispatches store with the reference, on these inputs, and leaves carried values as they are; see verify.ts.
   *  Throws what `run` would. */
  async verify(inputs: unknown, options?: VerifyOptions): Promise<Verification> {
    const { verify } = await import("./verify.ts");
    return verify(this, inputs, options);
  }

  /** Gives the array in which a value of the plan lies; a temporary is there until its slot is used again. */
  located(inputs: unknown): (value: Pick<Value, "type" | "place">) => GpuArray {
    const bound = this.#bind(inputs);
    return ({ type, place }) => {
      const { buffer, offset } = this.#locate(bound, place.buffer);
      return new GpuArray(this.device, type, buffer, offset + 4 * place.offset, place.packed, null);
    };
  }

  #outputs(): unknown {
    this.#freshness.current++;
    for (const array of this.#latest.splice(0)) array.release();
    let i = 0;
    const owner = new Map(this.#owners.map((o) => [o.buffer, o]));
    return mapTree<unknown, Tensor, DeviceArray>(this.#outputTree, isTensor, () => {
      const { type, place } = this.plan.outputs[i++] as Value;
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

  #groups(inputs: unknown): readonly GPUBindGroup[] {
    const bound = this.#bind(inputs);
    const key = [...bound.values()].map(({ buffer, offset }) => `${idOf(buffer)}@${offset}`).join();
    let groups = this.#bindGroups.get(key);
    if (!groups) this.#bindGroups.set(key, (groups = this.#createGroups(bound)));
    return groups;
  }

  #createGroups(bound: ReadonlyMap<Buffer, Bound>): GPUBindGroup[] {
    return this.plan.dispatches.map((d, i) =>
      this.device.gpu.createBindGroup({
        label: d.label,
        layout: (this.#pipelines[i] as Pipeline).layout,
        entries: d.bindings.map(({ buffer, part }, binding) => {
          const at = this.#locate(bound, buffer);
          const offset = at.offset + 4 * (part?.offset ?? 0);
          const size = Math.min(16 * Math.ceil((part ?? buffer).elements / 4), at.buffer.size - offset);
          return { binding, resource: { buffer: at.buffer, offset, size } };
        }),
      }),
    );
  }

  #locate(bound: ReadonlyMap<Buffer, Bound>, buffer: Buffer): Bound {
    const slot = this.plan.slotOf.get(buffer);
    const own = (slot === undefined ? this.#own.get(buffer) : this.#slots[slot]) as GPUBuffer;
    return bound.get(buffer) ?? { buffer: own, offset: 0 };
  }

  /** Checks the inputs and finds where each input buffer of the plan lies. */
  #bind(inputs: unknown): Map<Buffer, Bound> {
    const given = new Map(leaves(inputs, isInput).map((l) => [l.path, l.value]));
    const take = ({ path, type }: Value) => {
      const array = requireArray(this.#label, path, given.get(path), type, this.device) as GpuArray;
      array.check();
      return array;
    };
    const bound = new Map<Buffer, Bound>();
    const own = new Set(this.#own.values());
    for (const value of this.plan.inputs) {
      const array = take(value);
      if (own.has(array.gpuBuffer))
        throw new ArrayError(
          `${this.#label}: input ${value.path} is an output of this program, which a run overwrites; carry it, or put a copy`,
        );
      bound.set(value.place.buffer, { buffer: array.gpuBuffer, offset: array.offset });
    }
    for (const value of this.plan.carry) {
      const array = take(value);
      const arena = bound.get(value.place.buffer);
      const offset = array.offset - 4 * value.place.offset;
      if (arena && (arena.buffer !== array.gpuBuffer || arena.offset !== offset))
        throw new ArrayError(
          `${this.#label}: carried ${value.path} does not lie beside the others; put all carried values in one call`,
        );
      const beside = this.plan.inputs.find((v) => bound.get(v.place.buffer)?.buffer === array.gpuBuffer);
      if (beside)
        throw new ArrayError(
          `${this.#label}: input ${beside.path} lies in one buffer with carried ${value.path}, which a run writes; put it in a call of its own`,
        );
      bound.set(value.place.buffer, { buffer: array.gpuBuffer, offset });
    }
    return bound;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const b of this.#slots) b.destroy();
    for (const o of this.#owners) o.release();
    this.#bindGroups.clear();
  }
}

const ownBuffers = (plan: Plan) => plan.buffers.filter((b) => b.kind === "constant" || b.kind === "output");

const ids = new WeakMap<GPUBuffer, number>();
let nextId = 0;

function idOf(buffer: GPUBuffer): number {
  let id = ids.get(buffer);
  if (id === undefined) ids.set(buffer, (id = nextId++));
  return id;
}
