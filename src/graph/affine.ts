// Index: an integer index expression, kept as a sum of coefficient·atom plus a constant, so that the planner can see
// through it: which loads of a lane's tile coincide, which are four in a row, which are always in range.
// An atom is a lane coordinate, a loop variable, a value read from a tensor, or a quotient or remainder that did not
// simplify. Ranges are inclusive; floor division and modulo are exact for any sign.

export interface Atom {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Present on a quotient or remainder. */
  readonly of?: { readonly op: "div" | "mod"; readonly arg: Index; readonly by: number };
  /** Present on a value that was read or computed: the lane coordinates and loop variables that decide it. */
  readonly from?: readonly string[];
}

interface Term {
  readonly atom: Atom;
  readonly coef: number;
}

export class Index {
  readonly terms: readonly Term[];
  readonly constant: number;
  #key: string | undefined;

  private constructor(terms: readonly Term[], constant: number) {
    this.terms = terms;
    this.constant = constant;
  }

  static of(constant: number): Index {
    return new Index([], constant);
  }

  static atom(name: string, min: number, max: number, from?: readonly string[]): Index {
    if (max === min) return Index.of(min);
    return new Index([{ atom: { name, min, max, ...(from && { from }) }, coef: 1 }], 0);
  }

  /** Equal keys, equal expressions. */
  get key(): string {
    if (this.#key === undefined) {
      let s = "";
      for (const { atom, coef } of this.terms) s += `${coef}*${atom.name}+`;
      this.#key = s + this.constant;
    }
    return this.#key;
  }

  get min(): number {
    return this.terms.reduce((m, { atom, coef }) => m + coef * (coef > 0 ? atom.min : atom.max), this.constant);
  }

  get max(): number {
    return this.terms.reduce((m, { atom, coef }) => m + coef * (coef > 0 ? atom.max : atom.min), this.constant);
  }

  add(other: Index | number): Index {
    if (typeof other === "number") return other === 0 ? this : new Index(this.terms, this.constant + other);
    if (other.terms.length === 0) return this.add(other.constant);
    if (this.terms.length === 0) return other.add(this.constant);
    // both term lists are sorted by name: merge
    const out: Term[] = [];
    let i = 0;
    let j = 0;
    while (i < this.terms.length || j < other.terms.length) {
      const a = this.terms[i];
      const b = other.terms[j];
      if (a && (!b || a.atom.name < b.atom.name)) {
        out.push(a);
        i++;
      } else if (b && (!a || b.atom.name < a.atom.name)) {
        out.push(b);
        j++;
      } else if (a && b) {
        if (a.coef + b.coef !== 0) out.push({ atom: a.atom, coef: a.coef + b.coef });
        i++;
        j++;
      }
    }
    return rejoin(new Index(out, this.constant + other.constant));
  }

  sub(other: Index | number): Index {
    return this.add(typeof other === "number" ? -other : other.mul(-1));
  }

  mul(by: number): Index {
    if (by === 0) return Index.of(0);
    if (by === 1) return this;
    return new Index(
      this.terms.map(({ atom, coef }) => ({ atom, coef: coef * by })),
      this.constant * by,
    );
  }

  /** The lane coordinates and loop variables that decide it. */
  coordinates(): string[] {
    return this.terms.flatMap(({ atom }) => atom.of?.arg.coordinates() ?? atom.from ?? [atom.name]);
  }

  without(atom: Atom): Index {
    return new Index(
      this.terms.filter((t) => t.atom !== atom),
      this.constant,
    );
  }

  /** With a value for the atom of a name. */
  bind(name: string, value: Index | number): Index {
    const bound = typeof value === "number" ? Index.of(value) : value;
    return this.terms.reduce((sum, { atom, coef }) => {
      const { op, arg, by } = atom.of ?? {};
      if (op) return sum.add(arg!.bind(name, bound)[op](by!).mul(coef));
      return sum.add(atom.name === name ? bound.mul(coef) : new Index([{ atom, coef }], 0));
    }, Index.of(this.constant));
  }

  /** ⌊this / by⌋ */
  div(by: number): Index {
    return this.#split(by, "div");
  }

  /** this − by·⌊this / by⌋, in [0, by) */
  mod(by: number): Index {
    return this.#split(by, "mod");
  }

  #split(by: number, op: "div" | "mod"): Index {
    if (by === 1) return op === "div" ? this : Index.of(0);
    // this = by·q + rest, where q takes the terms that `by` divides; the rest may stay within one period
    const q: Term[] = [];
    const rest: Term[] = [];
    for (const t of this.terms) (t.coef % by === 0 ? q : rest).push(t);
    const restConstant = ((this.constant % by) + by) % by;
    const quotient = new Index(
      q.map(({ atom, coef }) => ({ atom, coef: coef / by })),
      (this.constant - restConstant) / by,
    );
    const remainder = new Index(rest, restConstant);
    if (Math.floor(remainder.min / by) === Math.floor(remainder.max / by)) {
      const period = Math.floor(remainder.min / by);
      return op === "div" ? quotient.add(period) : remainder.add(-period * by);
    }
    // what is below the common step of the terms stays below it: (8·o + 3) / 64 = 8·o / 64, (8·o + 3) mod 64 = 8·o mod 64 + 3
    const step = rest.reduce((g, { coef }) => commonDivisor(g, coef), by);
    const below = restConstant % step;
    const arg = remainder.add(-below);
    const atom: Atom = {
      name: `(${arg.key})${op === "div" ? "/" : "%"}${by}`,
      min: op === "div" ? Math.floor(arg.min / by) : 0,
      max: op === "div" ? Math.floor(arg.max / by) : by - step,
      of: { op, arg, by },
    };
    const opaque = new Index([{ atom, coef: 1 }], 0);
    return op === "div" ? quotient.add(opaque) : opaque.add(below);
  }

  /** WGSL i32 text; `name` gives the identifier of an atom. */
  text(name: (atom: Atom) => string): string {
    let s = "";
    for (const { atom, coef } of this.terms) {
      const factor = Math.abs(coef) === 1 ? name(atom) : `${Math.abs(coef)} * ${name(atom)}`;
      s += s === "" ? (coef < 0 ? `-${factor}` : factor) : coef < 0 ? ` - ${factor}` : ` + ${factor}`;
    }
    if (s === "") return String(this.constant);
    return this.constant === 0 ? s : this.constant < 0 ? `${s} - ${-this.constant}` : `${s} + ${this.constant}`;
  }

  /** Its value, given that of each atom that is no quotient or remainder. */
  evaluate(value: (atom: Atom) => number): number {
    let sum = this.constant;
    for (const { atom, coef } of this.terms) {
      if (atom.of) {
        const arg = atom.of.arg.evaluate(value);
        const floor = Math.floor(arg / atom.of.by);
        sum += coef * (atom.of.op === "div" ? floor : arg - floor * atom.of.by);
      } else sum += coef * value(atom);
    }
    return sum;
  }
}

/** Of |a| and |b|. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? Math.abs(a) : commonDivisor(b, a % b);
}

/** by·⌊e / by⌋ + (e mod by) is e again: what an unflatten took apart, a flatten puts together. */
function rejoin(i: Index): Index {
  for (const { atom, coef } of i.terms) {
    if (atom.of?.op !== "mod") continue;
    const { arg, by } = atom.of;
    const div = i.terms.find(
      (t) => t.atom.of?.op === "div" && t.atom.of.by === by && t.atom.of.arg.key === arg.key && t.coef === by * coef,
    );
    if (div) return i.without(atom).without(div.atom).add(arg.mul(coef));
  }
  return i;
}

/** Row-major flat index of `at` in a tensor with these strides. */
export function flatten(at: readonly Index[], strides: readonly number[]): Index {
  return at.reduce((sum, i, d) => sum.add(i.mul(strides[d] as number)), Index.of(0));
}

/** The inverse of `flatten`: the index in each dimension of `shape`. */
export function unflatten(flat: Index, shape: readonly number[]): Index[] {
  const out = new Array<Index>(shape.length);
  let rest = flat;
  for (let d = shape.length - 1; d >= 0; d--) {
    const n = shape[d] as number;
    out[d] = d === 0 ? rest : rest.mod(n);
    rest = rest.div(n);
  }
  return out;
}

/** Every offset in a box, last dimension fastest. */
export function offsets(box: readonly number[]): number[][] {
  return box.reduce<number[][]>((all, n) => all.flatMap((o) => Array.from({ length: n }, (_, i) => [...o, i])), [[]]);
}
