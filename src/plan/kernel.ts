// Kernel: from a group of fused steps and a schedule to the statements of one lane.
//
// A lane owns a tile of the group's domain. It works on demand: each store asks for the values of its tile; a map asks its inputs at
// the indices it reads; a core (reduce) is asked for elements, which become accumulators of one loop nest over its extents, partly
// unrolled. Whatever is asked for twice is computed once, so overlapping windows, patches and rows are loaded once into named values.
import { flatten, Index, unflatten } from "../graph/affine.ts";
import type { Combine, Lower, ReduceKernel } from "../graph/op.ts";
import { InternalError } from "../shape/errors.ts";
import { type DType, numel, sameShape, strides, type TensorType } from "../shape/types.ts";
import type { Place } from "./data.ts";
import { and, Emitter, type Statement, type Store } from "./emit.ts";
import type { Group } from "./fuse.ts";
import type { Ref, Step } from "./step.ts";

/** How a group's work is cut up: the tile of the domain that a lane owns, and how many steps of each reduction loop are unrolled. */
export interface Schedule {
  readonly tile: readonly number[];
  readonly unroll: readonly number[];
}

export type Block = (Statement | { readonly loop: string; readonly body: Block })[];

export interface Kernel {
  readonly label: string;
  readonly lanes: number;
  readonly block: Block;
  readonly schedule: Schedule;
}

/** Where a ref is loaded from by this group: null if the group computes it. */
export type PlaceOf = (ref: Ref) => Place | null;

export function buildKernel(
  group: Group,
  schedule: Schedule,
  placeOf: PlaceOf,
  stores: readonly { ref: Ref; place: Place }[],
): Kernel {
  const { tile, unroll } = schedule;
  const counts = group.domain.map((n, d) => Math.ceil(n / (tile[d] as number)));
  const header: Statement[] = [];
  const origin = laneOrigin(counts, tile, header);

  const core = new Region("c", group, placeOf, null);
  const accumulators = new Accumulators(group.core);
  const epilogue = new Region("e", group, placeOf, accumulators);
  const written: Store[] = [];
  for (const offset of offsets(tile)) {
    const at = origin.map((o, d) => o.add(offset[d] as number));
    const guard = and(at.map((i, d) => epilogue.emitter.inside(i, group.domain[d] as number)));
    if (guard === "false") continue;
    for (const { ref, place } of stores)
      for (const from of elementsOf(ref, at, group.domain)) {
        const value = toStorage(ref, epilogue.value(ref, from));
        const index = flatten(from, strides(ref.type.shape)).add(place.offset);
        epilogue.emitter.text(index); // names what the index needs
        written.push({ kind: "store", buffer: place.buffer, index, nameOf: epilogue.emitter.atom, value, guard });
      }
  }
  const reduction = group.core ? reductionBlock(group.core, accumulators, core, unroll) : [];
  const block: Block = [...header, ...reduction, ...(epilogue.emitter.scopes[0] as Statement[]), ...written];
  return { label: group.label, lanes: numel(counts), block, schedule };
}

/** What of a ref belongs to an element of the domain: the element of the same flat index, or a whole row. */
function elementsOf(ref: Ref, at: readonly Index[], domain: readonly number[]): (readonly Index[])[] {
  const { shape } = ref.type;
  if (sameShape(domain, shape)) return [at];
  if (numel(shape) === numel(domain)) return [unflatten(flatten(at, strides(domain)), shape)];
  return offsets(shape.slice(domain.length)).map((inner) => [...at, ...inner.map((i) => Index.of(i))]);
}

/** Decodes `lane` into the first index of its tile, last dimension fastest. */
function laneOrigin(counts: readonly number[], tile: readonly number[], header: Statement[]): Index[] {
  const origin = new Array<Index>(counts.length);
  let rest = "lane";
  const outer = counts.findIndex((n) => n > 1);
  for (let d = counts.length - 1; d >= 0; d--) {
    const n = counts[d] as number;
    origin[d] = Index.atom(`o${d}`, 0, n - 1).mul(tile[d] as number);
    if (n === 1) continue;
    header.push(`let o${d} = i32(${d === outer ? rest : `(${rest}) % ${n}u`});`);
    rest = rest === "lane" ? `lane / ${n}u` : `(${rest}) / ${n}u`;
  }
  return origin;
}

/** Every offset in a box, last dimension fastest. */
export function offsets(box: readonly number[]): number[][] {
  return box.reduce<number[][]>((all, n) => all.flatMap((o) => Array.from({ length: n }, (_, i) => [...o, i])), [[]]);
}

/** Bools are stored as u32. */
function toStorage(ref: Ref, value: string): string {
  return ref.type.dtype === "bool" ? `select(0u, 1u, ${value})` : value;
}

/** Values of refs at indices, as names in one emitter. */
class Region {
  readonly emitter: Emitter;
  readonly #group: Group;
  readonly #placeOf: PlaceOf;
  readonly #accumulators: Accumulators | null;
  readonly #memo = new Map<Ref, Map<string, string>>();

  constructor(prefix: string, group: Group, placeOf: PlaceOf, accumulators: Accumulators | null) {
    this.emitter = new Emitter(prefix);
    this.#group = group;
    this.#placeOf = placeOf;
    this.#accumulators = accumulators;
  }

  value(ref: Ref, at: readonly Index[]): string {
    let memo = this.#memo.get(ref);
    if (!memo) this.#memo.set(ref, (memo = new Map()));
    const key = at.length === 1 ? (at[0] as Index).key : at.map((i) => i.key).join(",");
    let name = memo.get(key);
    if (name === undefined) memo.set(key, (name = this.#compute(ref, at)));
    return name;
  }

  #compute(ref: Ref, at: readonly Index[]): string {
    const place = this.#placeOf(ref);
    if (place) return this.#load(ref, place, at);
    if (ref.step === this.#group.core) {
      const chosen = this.#choose(ref, at);
      if (chosen !== null) return chosen;
      if (!this.#accumulators) throw new InternalError(`${this.#group.label}: reads its own result`);
      return this.#accumulators.element(ref.output, at);
    }
    const chosen = this.#choose(ref, at);
    if (chosen !== null) return chosen;
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
        const condition = and([where, ...at.map((i, d) => emitter.inside(i, shape[d] as number))]);
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

const lowest = "-3.4028234663852886e38f";
const highest = "3.4028234663852886e38f";

const zeroOf = (dtype: string) => (dtype === "f32" ? "0.0f" : dtype === "i32" ? "0i" : "0u");

function extreme(dtype: string, combine: Combine): string {
  const max = combine === "max" || combine === "argmax" || combine === "maxSumExp";
  if (dtype === "f32") return max ? lowest : highest;
  if (dtype === "i32") return max ? "i32(-2147483648)" : "2147483647i";
  return max ? "0u" : "4294967295u";
}

/** The elements of the core that a lane was asked for. Element i's state is a<i>_0 (and a<i>_1). */
class Accumulators {
  readonly elements: (readonly Index[])[] = [];
  readonly #core: Step | null;
  readonly #number = new Map<string, number>();

  constructor(core: Step | null) {
    this.#core = core;
  }

  element(output: number, at: readonly Index[]): string {
    const key = at.map((i) => i.key).join(",");
    let n = this.#number.get(key);
    if (n === undefined) {
      n = this.elements.push(at) - 1;
      this.#number.set(key, n);
    }
    const combine = ((this.#core as Step).kernel as ReduceKernel).combine;
    // of an argmax only the index is an output
    return `a${n}_${combine === "argmax" || combine === "argmin" ? 1 : output}`;
  }
}

/** The loop nest that fills the accumulators. */
function reductionBlock(step: Step, accumulators: Accumulators, region: Region, unroll: readonly number[]): Block {
  const { emitter } = region;
  const kernel = step.kernel as ReduceKernel;
  const extents = kernel.extents(step.ctx);
  const { combine } = kernel;
  // an argmax compares its input's values
  const { dtype } = (
    combine === "argmax" || combine === "argmin" ? step.ctx.inputs[0] : step.ctx.outputs[0]
  ) as TensorType;
  const declarations = accumulators.elements.flatMap((_, i) => declare(combine, i, dtype));
  const loops: string[] = [];
  const starts = extents.map((n, d) => {
    const u = unroll[d] as number;
    const times = Math.ceil(n / u);
    if (times === 1) return Index.of(0);
    const name = `r${d}`;
    loops.push(`for (var ${name} = 0i; ${name} < ${times}i; ${name}++)`);
    emitter.open(name);
    return Index.atom(name, 0, times - 1).mul(u);
  });
  const lower = region.lower(step);
  for (const offset of offsets(unroll)) {
    const r = starts.map((s, d) => s.add(offset[d] as number));
    // an unrolling that overhangs its extent adds nothing there
    const inside = and(r.map((i, d) => emitter.inside(i, extents[d] as number)));
    const neutral = combine === "sum" ? zeroOf(dtype) : extreme(dtype, combine);
    const masked = (x: string) => (inside === "true" ? x : emitter.let(`select(${neutral}, ${x}, ${inside})`));
    accumulators.elements.forEach((at, i) => {
      const factors = kernel.term(at, r, lower, step.ctx).map(masked);
      emitter.statement(accumulate(combine, dtype, i, factors, () => emitter.text(flatten(r, strides(extents)))));
    });
  }
  const nest = (depth: number): Block => [
    ...(emitter.scopes[depth] as Statement[]),
    ...(depth < loops.length ? [{ loop: loops[depth] as string, body: nest(depth + 1) }] : []),
  ];
  return [...declarations, ...nest(0)];
}

function declare(combine: Combine, i: number, dtype: string): string[] {
  if (combine === "sum") return [`var a${i}_0 = ${zeroOf(dtype)};`];
  const first = `var a${i}_0 = ${extreme(dtype, combine)};`;
  if (combine === "argmax" || combine === "argmin") return [first, `var a${i}_1 = 0i;`];
  return combine === "maxSumExp" ? [first, `var a${i}_1 = 0.0f;`] : [first];
}

/** One term's statement. Branches would cost where loops are unrolled: SwiftShader takes minutes to compile two dozen in a row. */
function accumulate(combine: Combine, dtype: DType, i: number, factors: readonly string[], flat: () => string): string {
  const [a, b] = [`a${i}_0`, `a${i}_1`];
  const [x, y] = factors as [string, string?];
  switch (combine) {
    case "sum":
      if (y === undefined) return `${a} += ${x};`;
      return dtype === "f32" ? `${a} = fma(${x}, ${y}, ${a});` : `${a} += ${x} * ${y};`;
    case "max":
    case "min":
      return `${a} = ${combine}(${a}, ${x});`;
    case "argmax":
    case "argmin":
      return `{ let better = ${x} ${combine === "argmax" ? ">" : "<"} ${a}; ${a} = select(${a}, ${x}, better); ${b} = select(${b}, ${flat()}, better); }`;
    case "maxSumExp":
      return `{ let d = ${x} - ${a}; let e = exp(-abs(d)); ${b} = select(${b} + e, fma(${b}, e, 1.0f), d > 0.0f); ${a} = max(${a}, ${x}); }`;
  }
}
