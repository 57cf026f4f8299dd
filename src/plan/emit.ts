// Emitter: WGSL statements of one lane, in nested scopes (0 = the lane, 1 = inside the first loop, …). An expression is named once
// and put into the outermost scope that knows all its names: common subexpressions merge and loop invariants move out.
// Loads stay symbolic until the module is printed (module.ts), which turns four in a row into one vec4.
import { type Atom, Index } from "../graph/affine.ts";
import type { Buffer } from "./data.ts";

export interface Load {
  readonly kind: "load";
  readonly name: string;
  readonly buffer: Buffer;
  /** In elements of the buffer. */
  readonly index: Index;
  readonly nameOf: (atom: Atom) => string;
}

export interface Store {
  readonly kind: "store";
  readonly buffer: Buffer;
  readonly index: Index;
  readonly nameOf: (atom: Atom) => string;
  readonly value: string;
  /** A WGSL condition, "true" where always. */
  readonly guard: string;
}

export type Statement = string | Load | Store;

/** A loop from 0 up. */
export interface Loop {
  /** The name of its variable, an i32. */
  readonly name: string;
  readonly times: number;
  /** It runs over the quarters of a permuted tile (lanes.ts); the name of the one that it is at. */
  readonly quarter?: string;
}

/** Statements and loops, in order. */
export type Block = (Statement | Nested)[];

export interface Nested {
  readonly loop: Loop;
  readonly body: Block;
  /** Variables that it changes and keeps from one time to the next. */
  readonly carries: number;
}

/** The innermost scopes of emitters as nested loops: in each the statements of one emitter come after those of the other. */
export function nestTogether(emitters: readonly Emitter[], loops: readonly Loop[], carries = 0): Block {
  const [loop, ...inner] = loops;
  if (!loop) return [];
  const own = emitters.flatMap(({ scopes }) => scopes[scopes.length - loops.length] as Statement[]);
  return [{ loop, carries, body: [...own, ...nestTogether(emitters, inner, carries)] }];
}

const identifier = /\b[a-z_][a-z_0-9]*/g;
/** A lane coordinate, a variable of a reduction's loop or of an epilogue's, a quarter of a permuted tile. */
const coordinate = /^[oreqy]\d+$/;
const simple = /^([a-z_][a-z_0-9]*|-?[0-9.]+(e[-+]?[0-9]+)?[fu]?|true|false)$/;

/** ⌊a / by⌋, for 0 ≤ a ≤ max. A division takes long, on a CPU that does it lane by lane a hundred cycles; a product and a shift are exact while
 *  the error of the factor m stays below a unit: a·(m·by − 2ˢ) < 2ˢ (Granlund, Montgomery: Division by invariant integers, PLDI 1994). */
export function quotient(a: string, max: number, by: number): string {
  for (let s = 0; s < 31; s++) {
    const m = Math.ceil(2 ** s / by);
    if (max * (m * by - 2 ** s) < 2 ** s && max * m < 2 ** 31)
      return m === 1 ? `${a} >> ${s}u` : `(${a} * ${m}) >> ${s}u`;
  }
  return `${a} / ${by}`;
}

/** An index that lies in [0, extent) anyway, so that a compiler sees that it does. Tint, Chrome's, puts each access of an array within bounds by
 *  itself, but where it knows the range; on a CPU that is a tenth of a load. It sees through sums and products, not through ^ or a − q·b. */
export const bounded = (index: string, extent: number): string => `i32(min(u32(${index}), ${extent - 1}u))`;

export class Emitter {
  readonly scopes: Statement[][] = [[]];
  readonly #prefix: string;
  readonly #depth = new Map<string, number>();
  /** Of names: the coordinates that decide their values. */
  readonly #from = new Map<string, ReadonlySet<string>>();
  readonly #memo = new Map<string, string>();
  readonly #atoms = new Map<string, string>();
  readonly #buffers = new Map<Buffer, number>();
  #count = 0;

  /** `prefix` keeps the names of two emitters in one function apart. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Opens a scope inside the last one, with the names that it declares. */
  open(...names: string[]): void {
    this.scopes.push([]);
    for (const name of names) this.declare(name, this.scopes.length - 1);
  }

  declare(name: string, depth: number): void {
    this.#depth.set(name, depth);
  }

  get depth(): number {
    return this.scopes.length - 1;
  }

  /** Adds a statement to the innermost scope. */
  statement(s: Statement): void {
    (this.scopes.at(-1) as Statement[]).push(s);
  }

  /** Names an expression, in the outermost scope where it can stand. */
  let(expression: string): string {
    if (simple.test(expression)) return expression;
    const known = this.#memo.get(expression);
    if (known !== undefined) return known;
    const name = this.#fresh("v");
    this.#put(expression, name, expression, `let ${name} = ${expression};`);
    return name;
  }

  /** Names the element of a buffer. One that no condition lets be used may lie beyond the end; WGSL refuses that of a constant. */
  load(buffer: Buffer, at: Index): string {
    const index = at.terms.length > 0 ? at : Index.of(Math.min(Math.max(at.constant, 0), buffer.elements - 1));
    const key = `${this.#number(buffer)}[${index.key}]`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const text = this.text(index);
    const name = this.#fresh("x");
    this.#put(key, name, text, { kind: "load", name, buffer, index, nameOf: this.atom });
    return name;
  }

  /** An index as WGSL; quotients and remainders are named on the way. */
  text(index: Index): string {
    return index.text(this.atom);
  }

  /** The name of an atom; those of quotients and remainders are made at the first use. */
  readonly atom = (atom: Atom): string => {
    if (!atom.of) return atom.name;
    const known = this.#atoms.get(atom.name);
    if (known !== undefined) return known;
    const { op, arg, by } = atom.of;
    // WGSL truncates; shift a negative argument up by a multiple of `by` first
    const lift = arg.min < 0 ? Math.ceil(-arg.min / by) : 0;
    const lifted = arg.add(lift * by);
    const a = this.let(this.text(lifted));
    const q = this.let(quotient(a, lifted.max, by));
    const name = this.let(op === "mod" ? `${a} - ${q} * ${by}` : lift ? `${q} - ${lift}` : q);
    this.#atoms.set(atom.name, name);
    return name;
  };

  /** A value of unknown range as an index, clamped to [0, extent). */
  index(expression: string, extent: number): Index {
    const name = this.let(`min(max(i32(${expression}), 0), ${extent - 1})`);
    return Index.atom(name, 0, extent - 1, [...(this.#from.get(name) ?? [])]);
  }

  inside(i: Index, extent: number): string {
    if (i.min >= 0 && i.max < extent) return "true";
    if (i.max < 0 || i.min >= extent) return "false";
    const text = this.text(i);
    if (i.min >= 0) return this.let(`${text} < ${extent}`);
    if (i.max < extent) return this.let(`${text} >= 0`);
    return this.let(`u32(${text}) < ${extent}u`);
  }

  #number(buffer: Buffer): number {
    let n = this.#buffers.get(buffer);
    if (n === undefined) this.#buffers.set(buffer, (n = this.#buffers.size));
    return n;
  }

  #fresh(letter: string): string {
    return `${this.#prefix}${letter}${this.#count++}`;
  }

  /** Puts a statement that names `text` into the outermost scope that knows all names in it. */
  #put(key: string, name: string, text: string, s: Statement): void {
    let depth = 0;
    const from = new Set<string>();
    for (const word of text.match(identifier) ?? []) {
      const d = this.#depth.get(word);
      if (d !== undefined && d > depth) depth = d;
      if (coordinate.test(word)) from.add(word);
      else for (const c of this.#from.get(word) ?? []) from.add(c);
    }
    this.#memo.set(key, name);
    this.#depth.set(name, depth);
    this.#from.set(name, from);
    (this.scopes[depth] as Statement[]).push(s);
  }
}
