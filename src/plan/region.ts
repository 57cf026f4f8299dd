// Region: the values of refs at indices, as names in one stretch of a kernel. A value is loaded, or taken from an accumulator, or computed
// on the spot by its map, or comes from another lane that has it; asked for again it has its name already.
import { exchanged } from "../../shaders/quad.ts";
import { type Atom, flatten, Index, offsets } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Lower, ReduceKernel } from "../graph/op.ts";
import { InternalError } from "../shape/errors.ts";
import { numel, strides } from "../shape/types.ts";
import type { Place } from "./data.ts";
import { Emitter } from "./emit.ts";
import type { Group } from "./fuse.ts";
import { type Lanes, quarter } from "./lanes.ts";
import type { Ref, Step } from "./step.ts";

/** The elements of a group's core, once they are made. */
export interface Elements {
  element(output: number, at: readonly Index[], nameOf: (atom: Atom) => string): string;
}

/** Where a ref is loaded from by a group: null if the group computes it. */
export type PlaceOf = (ref: Ref) => Place | null;

export class Region {
  readonly emitter: Emitter;
  readonly #group: Group;
  readonly #lanes: Lanes;
  readonly #placeOf: PlaceOf;
  readonly #elements: Elements | null;
  readonly #memo = new Map<Ref, Map<string, string>>();

  constructor(prefix: string, group: Group, lanes: Lanes, placeOf: PlaceOf, elements: Elements | null) {
    this.emitter = new Emitter(prefix);
    this.#group = group;
    this.#lanes = lanes;
    this.#placeOf = placeOf;
    this.#elements = elements;
  }

  value(ref: Ref, at: readonly Index[]): string {
    let memo = this.#memo.get(ref);
    if (!memo) this.#memo.set(ref, (memo = new Map()));
    const key = at.length === 1 ? (at[0] as Index).key : at.map((i) => i.key).join(",");
    let name = memo.get(key);
    if (name === undefined) memo.set(key, (name = this.#exchange(ref, at) ?? this.#compute(ref, at)));
    return name;
  }

  /** What another lane of the quad computes. */
  #exchange(ref: Ref, at: readonly Index[]): string | null {
    const s = this.#lanes.neighbour(at);
    if (s === 0 || ref.type.dtype === "bool") return null;
    const there = at.map((i) => i.bind(`q${s}`, quarter(0)));
    return this.emitter.let(exchanged(this.value(ref, there), s));
  }

  #compute(ref: Ref, at: readonly Index[]): string {
    const place = this.#placeOf(ref);
    if (place) return this.#load(ref, place, at);
    const chosen = this.#choose(ref, at);
    if (chosen !== null) return chosen;
    if (ref.step === this.#group.core) {
      if (!this.#elements) throw new InternalError(`${this.#group.label}: reads its own result`);
      return this.emitter.let(this.#elements.element(ref.output, at, this.emitter.atom));
    }
    if (ref.step.kernel.kind === "reduce") return this.#reduceRow(ref, at);
    if (ref.step.kernel.kind !== "map") throw new InternalError(`${this.#group.label}: ${ref.step.name} is not stored`);
    return this.emitter.let(ref.step.kernel.element(at, this.lower(ref.step), ref.step.ctx)[ref.output] as string);
  }

  /** An element of a row in registers at an index that is known only at run time. */
  #choose(ref: Ref, at: readonly Index[]): string | null {
    const { domain } = this.#group;
    const rank = domain.length;
    if (numel(ref.type.shape) === numel(domain) || !this.#group.members.has(ref.step)) return null;
    const d = at.findIndex((i, k) => k >= rank && i.terms.length > 0);
    if (d < 0) return null;
    const wanted = this.emitter.text(at[d] as Index);
    let value = "";
    for (let i = 0; i < (ref.type.shape[d] as number); i++) {
      const element = this.value(ref, at.with(d, Index.of(i)));
      value = i === 0 ? element : this.emitter.let(`select(${value}, ${element}, ${wanted} == ${i})`);
    }
    return value;
  }

  /** A reduction over a row that the lane owns. */
  #reduceRow(ref: Ref, at: readonly Index[]): string {
    const { step, output } = ref;
    const { emitter } = this;
    const kernel = step.kernel as ReduceKernel;
    const lower = this.lower(step);
    const terms = offsets(kernel.extents(step.ctx)).map(
      (r) =>
        kernel.term(
          at,
          r.map((i) => Index.of(i)),
          lower,
          step.ctx,
        )[0] as string,
    );
    const fold = (f: (a: string, b: string) => string) => terms.reduce((a, b) => emitter.let(f(a, b)));
    switch (kernel.combine) {
      case "sum":
        return fold((a, b) => `${a} + ${b}`);
      case "max":
      case "min":
        return fold((a, b) => `${kernel.combine}(${a}, ${b})`);
      case "maxSumExp": {
        const max = fold((a, b) => `max(${a}, ${b})`);
        if (output === 0) return max;
        return terms.map((x) => emitter.let(`exp(${x} - ${max})`)).reduce((a, b) => emitter.let(`${a} + ${b}`));
      }
      default: {
        const better = kernel.combine === "argmax" ? ">" : "<";
        let [best, index] = [terms[0] as string, "0i"];
        terms.forEach((x, i) => {
          if (i === 0) return;
          const found = emitter.let(`${x} ${better} ${best}`);
          index = emitter.let(`select(${index}, ${i}i, ${found})`);
          best = emitter.let(`select(${best}, ${x}, ${found})`);
        });
        return index;
      }
    }
  }

  #load(ref: Ref, { buffer, offset, packed }: Place, at: readonly Index[]): string {
    const index = flatten(at, strides(ref.type.shape)).add(offset);
    if (packed) {
      const word = this.emitter.load(buffer, index.div(4));
      return this.emitter.let(`(${word} >> ${shift(index.mod(4), this.emitter)}) & 255u`);
    }
    const name = this.emitter.load(buffer, index);
    return ref.type.dtype === "bool" ? this.emitter.let(`${name} != 0u`) : name;
  }

  lower(step: Step): Lower {
    const { emitter } = this;
    const lower: Lower = {
      read: (k, at) => this.value(step.inputs[k] as Ref, at),
      readOr: (k, at, otherwise, where = "true") => {
        const { shape } = (step.inputs[k] as Ref).type;
        const condition = allOf(where, ...at.map((i, d) => emitter.inside(i, shape[d] as number)));
        if (condition === "false") return otherwise;
        const value = this.value(step.inputs[k] as Ref, at);
        return condition === "true" ? value : emitter.let(`select(${otherwise}, ${value}, ${emitter.let(condition)})`);
      },
      inside: (i, extent) => emitter.inside(i, extent),
      multiple: (i, by) => {
        const rest = i.mod(by);
        return rest.terms.length === 0 ? String(rest.constant === 0) : emitter.let(`${emitter.text(rest)} == 0`);
      },
      let: (expression) => emitter.let(expression),
      text: (i) => emitter.text(i),
      index: (expression, extent) => emitter.index(expression, extent),
    };
    return lower;
  }
}

function shift(byte: Index, emitter: Emitter): string {
  return byte.terms.length === 0 ? `${8 * byte.constant}u` : emitter.let(`8u * u32(${emitter.text(byte)})`);
}
