// Bindings: where each buffer of a plan lies when its program runs: in an array that it is given, or in memory of its own. Here is checked what
// a program is given; nothing is recorded before.
import { isInput, requireArray } from "../device.ts";
import { leaves } from "../graph/tree.ts";
import type { Buffer, Plan, Value } from "../plan/data.ts";
import { ArrayError } from "../shape/errors.ts";
import type { GpuArray } from "./array.ts";
import type { GpuRuntime } from "./runtime.ts";

/** Where a buffer of the plan lies; the offset in bytes. */
export interface Bound {
  readonly buffer: GPUBuffer;
  readonly offset: number;
}

export class Bindings {
  readonly #device: GpuRuntime;
  readonly #plan: Plan;
  readonly #label: string;
  /** Of constants and outputs. */
  readonly #own: ReadonlyMap<Buffer, GPUBuffer>;
  readonly #ownBuffers: ReadonlySet<GPUBuffer>;
  readonly #slots: readonly GPUBuffer[];

  constructor(
    device: GpuRuntime,
    plan: Plan,
    label: string,
    own: ReadonlyMap<Buffer, GPUBuffer>,
    slots: readonly GPUBuffer[],
  ) {
    this.#device = device;
    this.#plan = plan;
    this.#label = label;
    this.#own = own;
    this.#ownBuffers = new Set(own.values());
    this.#slots = slots;
  }

  /** Where inputs, carried values and those outputs lie that arrays are given for. Throws ArrayError or ShapeError if one does not fit. */
  of(inputs: unknown, outputs: ReadonlyMap<string, GpuArray>): Map<Buffer, Bound> {
    const given = new Map(leaves(inputs, isInput).map((l) => [l.path, l.value]));
    const take = ({ path, type }: Value) => this.#require(`input ${path}`, given.get(path), type);
    const bound = new Map<Buffer, Bound>();
    for (const value of this.#plan.inputs) {
      const { gpuBuffer: buffer, offset } = take(value);
      if (this.#ownBuffers.has(buffer))
        throw this.#error(
          `input ${value.path} is an output of this program, which a run overwrites; carry it, or put a copy`,
        );
      bound.set(value.place.buffer, { buffer, offset });
    }
    for (const value of this.#plan.carry) {
      const array = take(value);
      const arena = bound.get(value.place.buffer);
      const offset = array.offset - 4 * value.place.offset;
      if (arena && (arena.buffer !== array.gpuBuffer || arena.offset !== offset))
        throw this.#error(`carried ${value.path} does not lie beside the others; put all carried values in one call`);
      bound.set(value.place.buffer, { buffer: array.gpuBuffer, offset });
    }
    for (const [arena, { buffer, offset }] of bound)
      if (arena.kind === "carry" && buffer.size < offset + 4 * arena.elements)
        throw this.#error(
          `${this.#nameOf(arena)} lies in a buffer that is too short (${buffer.size} vs ${offset + 4 * arena.elements} bytes, a multiple of 256); make it so long`,
        );
    for (const { path, place } of this.#plan.outputs) {
      const array = outputs.get(path);
      if (array) bound.set(place.buffer, { buffer: array.gpuBuffer, offset: array.offset });
    }
    return bound;
  }

  /** The arrays that are given for outputs, by path. Throws ArrayError or ShapeError if one cannot be stored in. */
  outputs(tree: unknown): Map<string, GpuArray> {
    const given = leaves(tree, isInput).filter(({ value }) => value !== undefined);
    return new Map(
      given.map(({ path, value }) => {
        const output = this.#plan.outputs.find((v) => v.path === path);
        if (!output)
          throw this.#error(`there is no output ${path}; it has ${this.#plan.outputs.map((v) => v.path).join(", ")}`);
        const array = this.#require(`output ${path}`, value, output.type);
        if (array.packed)
          throw this.#error(`output ${path} is u8, whose bytes a kernel cannot store one by one; cast it to u32`);
        if (this.#ownBuffers.has(array.gpuBuffer))
          throw this.#error(`output ${path} is given an array that this program made; leave it out, or give another`);
        return [path, array];
      }),
    );
  }

  /** Throws ArrayError if what a run writes overlaps with another value that it is given, or lies in one buffer with one that a dispatch of it
   *  reads: WebGPU tells writes from reads by buffer. */
  checkApart(bound: ReadonlyMap<Buffer, Bound>): void {
    const isWritten = ({ kind }: Buffer) => kind === "carry" || kind === "output";
    for (const [written, at] of bound) {
      if (!isWritten(written)) continue;
      for (const [other, b] of bound) {
        if (other === written || b.buffer !== at.buffer) continue;
        const overlap = at.offset < b.offset + 4 * other.elements && b.offset < at.offset + 4 * written.elements;
        if (overlap || this.#mixed(written, other))
          throw this.#error(
            `${this.#nameOf(other)} lies in one buffer with ${this.#nameOf(written)}, which a run writes; put it in a buffer of its own`,
          );
      }
    }
  }

  /** Whether a dispatch writes one of them and only reads the other. */
  #mixed(a: Buffer, b: Buffer): boolean {
    return this.#plan.dispatches.some(({ bindings }) => {
      const access = [a, b].map((x) => bindings.find(({ buffer }) => buffer === x)?.access);
      return access[0] && access[1] && access[0] !== access[1];
    });
  }

  #nameOf(buffer: Buffer): string {
    if (buffer.kind !== "carry") return `${buffer.kind} ${buffer.name}`;
    return `carried ${this.#plan.carry.find(({ place }) => place.buffer === buffer)?.path}`;
  }

  locate(bound: ReadonlyMap<Buffer, Bound>, buffer: Buffer): Bound {
    const slot = this.#plan.slotOf.get(buffer);
    const own = (slot === undefined ? this.#own.get(buffer) : this.#slots[slot]) as GPUBuffer;
    return bound.get(buffer) ?? { buffer: own, offset: 0 };
  }

  #require(what: string, given: unknown, type: Value["type"]): GpuArray {
    const array = requireArray(this.#label, what, given, type, this.#device) as GpuArray;
    array.check();
    return array;
  }

  #error(what: string): ArrayError {
    return new ArrayError(`${this.#label}: ${what}`);
  }
}

const ids = new WeakMap<GPUBuffer, number>();
let nextId = 0;

/** Tells apart where things lie. */
export function keyOf(bound: ReadonlyMap<Buffer, Bound>): string {
  const id = (buffer: GPUBuffer): number => {
    if (!ids.has(buffer)) ids.set(buffer, nextId++);
    return ids.get(buffer) as number;
  };
  return [...bound].map(([{ name }, { buffer, offset }]) => `${name}:${id(buffer)}@${offset}`).join();
}
