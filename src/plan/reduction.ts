// Reduction: the accumulators of a kernel's core and the loop nest that fills them.
import { flatten, Index, offsets } from "../graph/affine.ts";
import { allOf } from "../graph/condition.ts";
import type { Combine, ReduceKernel } from "../graph/op.ts";
import type { DType, TensorType } from "../shape/types.ts";
import { strides } from "../shape/types.ts";
import { type Block, type Loop, nestTogether, type Statement } from "./emit.ts";
import { quarter } from "./lanes.ts";
import type { Region } from "./region.ts";
import type { Step } from "./step.ts";

const lowest = "-3.4028234663852886e38f";
const highest = "3.4028234663852886e38f";

const zeroOf = (dtype: string) => (dtype === "f32" ? "0.0f" : dtype === "i32" ? "0i" : "0u");

function extreme(dtype: string, combine: Combine): string {
  const max = combine === "max" || combine === "argmax" || combine === "maxSumExp";
  if (dtype === "f32") return max ? lowest : highest;
  if (dtype === "i32") return max ? "i32(-2147483648)" : "2147483647i";
  return max ? "0u" : "4294967295u";
}

/** The elements of the core that a lane was asked for. Element i's state is a<i>_0 (and a<i>_1). In a loop an element is one of several: these
 *  lie in an array, acc<output>_<family>. */
export class Accumulators {
  readonly elements: (readonly Index[])[] = [];
  /** Declares the arrays, once the loop nest has run. */
  readonly arrays: string[] = [];
  readonly #core: Step | null;
  readonly #loops: readonly Loop[];
  readonly #number = new Map<string, number>();
  readonly #families = new Map<string, string>();

  /** `loops` are those in which elements are asked for. */
  constructor(core: Step | null, loops: readonly Loop[] = []) {
    this.#core = core;
    this.#loops = loops;
  }

  element(output: number, at: readonly Index[]): string {
    if (this.#loops.length === 0) return this.#state(output, at);
    const key = `${output}:${keyOf(at)}`;
    const known = this.#families.get(key);
    if (known !== undefined) return known;
    const times = this.#loops.map((l) => l.times);
    const bind = (values: readonly number[]) =>
      at.map((i) =>
        this.#loops.reduce((x, { name, quarter: y }, k) => {
          const value = values[k] as number;
          return (y === undefined ? x : x.bind(y, quarter(value))).bind(name, value);
        }, i),
      );
    const states = offsets(times).map((values) => this.#state(output, bind(values)));
    const type = ((this.#core as Step).ctx.outputs[output] as TensorType).dtype;
    const name = `acc${output}_${this.#families.size}`;
    this.arrays.push(`var ${name} = array<${type}, ${states.length}>(${states.join(", ")});`);
    const place = flatten(
      this.#loops.map(({ name, times }) => Index.atom(name, 0, times - 1)),
      strides(times),
    );
    const element = `${name}[${place.text((atom) => atom.name)}]`;
    this.#families.set(key, element);
    return element;
  }

  #state(output: number, at: readonly Index[]): string {
    const key = keyOf(at);
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

const keyOf = (at: readonly Index[]): string => at.map((i) => i.key).join(",");

/** The loop nest that fills the accumulators. */
export function reductionBlock(
  step: Step,
  accumulators: Accumulators,
  region: Region,
  unroll: readonly number[],
): Block {
  const { emitter } = region;
  const kernel = step.kernel as ReduceKernel;
  const extents = kernel.extents(step.ctx);
  const { combine } = kernel;
  // an argmax compares its input's values
  const { dtype } = (
    combine === "argmax" || combine === "argmin" ? step.ctx.inputs[0] : step.ctx.outputs[0]
  ) as TensorType;
  const declarations = accumulators.elements.flatMap((_, i) => declare(combine, i, dtype));
  const loops: Loop[] = [];
  const starts = extents.map((n, d) => {
    const u = unroll[d] as number;
    const times = Math.ceil(n / u);
    if (times === 1) return Index.of(0);
    const name = `r${d}`;
    loops.push({ name, times });
    emitter.open(name);
    return Index.atom(name, 0, times - 1).mul(u);
  });
  const lower = region.lower(step);
  const steps = offsets(unroll);
  const neutral = combine === "sum" ? zeroOf(dtype) : extreme(dtype, combine);
  // a sum is taken in two levels, within an iteration and over them: its rounding error grows with their numbers, not with their product
  const chained = combine === "sum" && steps.length >= leastChain;
  const terms = steps.map((offset) => {
    const r = starts.map((s, d) => s.add(offset[d] as number));
    // an unrolling that overhangs its extent adds nothing there
    const inside = allOf(...r.map((i, d) => emitter.inside(i, extents[d] as number)));
    const masked = (x: string) => (inside === "true" ? x : emitter.let(`select(${neutral}, ${x}, ${inside})`));
    return { r, factors: (at: readonly Index[]) => kernel.term(at, r, lower, step.ctx).map(masked) };
  });
  if (chained)
    accumulators.elements.forEach((at, i) => {
      for (const [k, { factors }] of terms.entries()) emitter.statement(chain(dtype, i, k, factors(at)));
      emitter.statement(`a${i}_0 += s${i}_${terms.length - 1};`);
    });
  else
    for (const { r, factors } of terms)
      for (const [i, at] of accumulators.elements.entries())
        emitter.statement(accumulate(combine, dtype, i, factors(at), () => emitter.text(flatten(r, strides(extents)))));
  const head = emitter.scopes[0] as Statement[];
  return [...declarations, ...head, ...nestTogether([emitter], loops, declarations.length)];
}

function declare(combine: Combine, i: number, dtype: string): string[] {
  if (combine === "sum") return [`var a${i}_0 = ${zeroOf(dtype)};`];
  const first = `var a${i}_0 = ${extreme(dtype, combine)};`;
  if (combine === "argmax" || combine === "argmin") return [first, `var a${i}_1 = 0i;`];
  return combine === "maxSumExp" ? [first, `var a${i}_1 = 0.0f;`] : [first];
}

/** Unrolled terms from which on their sum is taken by itself before it is added. */
const leastChain = 4;

/** The sum of an iteration's terms up to the k-th. */
export function chain(dtype: DType, i: number, k: number, [x, y]: readonly string[]): string {
  const before = `s${i}_${k - 1}`;
  if (k === 0) return `let s${i}_0 = ${y === undefined ? x : `${x} * ${y}`};`;
  if (y === undefined) return `let s${i}_${k} = ${before} + ${x};`;
  return `let s${i}_${k} = ${dtype === "f32" ? `fma(${x}, ${y}, ${before})` : `${before} + ${x} * ${y}`};`;
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
