// Index expressions: whatever is simplified away, the value stays; ranges hold; what must simplify does.
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Atom, flatten, Index, unflatten } from "../../src/graph/affine.ts";
import { quotient } from "../../src/plan/emit.ts";
import { strides } from "../../src/shape/types.ts";

// ---- an expression beside the same arithmetic on numbers ----

interface Pair {
  readonly index: Index;
  readonly value: number;
}

type Build = (values: readonly number[]) => Pair;

const ranges = [
  ["i", 0, 6],
  ["j", -4, 5],
  ["k", 0, 63],
] as const;

const leaf: fc.Arbitrary<Build> = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(
    (c): Build =>
      () => ({ index: Index.of(c), value: c }),
  ),
  fc.nat({ max: ranges.length - 1 }).map((n): Build => {
    const [name, min, max] = ranges[n] as (typeof ranges)[number];
    return (values) => ({ index: Index.atom(name, min, max), value: values[n] as number });
  }),
);

const floorMod = (a: number, by: number) => a - Math.floor(a / by) * by;

const { expression } = fc.letrec<{ expression: Build }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.tuple(tie("expression"), tie("expression")).map(
      ([f, g]): Build =>
        (v) => {
          const [a, b] = [f(v), g(v)];
          return { index: a.index.add(b.index), value: a.value + b.value };
        },
    ),
    fc.tuple(tie("expression"), tie("expression")).map(
      ([f, g]): Build =>
        (v) => {
          const [a, b] = [f(v), g(v)];
          return { index: a.index.sub(b.index), value: a.value - b.value };
        },
    ),
    fc.tuple(tie("expression"), fc.integer({ min: -5, max: 5 })).map(
      ([f, by]): Build =>
        (v) => {
          const a = f(v);
          return { index: a.index.mul(by), value: a.value * by };
        },
    ),
    fc.tuple(tie("expression"), fc.integer({ min: 1, max: 9 })).map(
      ([f, by]): Build =>
        (v) => {
          const a = f(v);
          return { index: a.index.div(by), value: Math.floor(a.value / by) };
        },
    ),
    fc.tuple(tie("expression"), fc.integer({ min: 1, max: 9 })).map(
      ([f, by]): Build =>
        (v) => {
          const a = f(v);
          return { index: a.index.mod(by), value: floorMod(a.value, by) };
        },
    ),
  ),
}));

const values = fc.tuple(...ranges.map(([, min, max]) => fc.integer({ min, max })));
const lookUp = (v: readonly number[]) => (atom: Atom) => v[ranges.findIndex(([name]) => name === atom.name)] as number;

test("an expression has the value of its arithmetic, negative or not, and lies in its range", () => {
  fc.assert(
    fc.property(expression, values, (make, v) => {
      const { index, value } = make(v);
      expect(index.evaluate(lookUp(v)) === value).toBe(true); // −0 is 0
      expect(index.min).toBeLessThanOrEqual(value);
      expect(index.max).toBeGreaterThanOrEqual(value);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

test("equal keys mean equal values everywhere", () => {
  fc.assert(
    fc.property(expression, expression, values, (f, g, v) => {
      const [a, b] = [f(v), g(v)];
      if (a.index.key === b.index.key) expect(a.value === b.value).toBe(true);
      expect(a.index.add(b.index).key).toBe(b.index.add(a.index).key);
      expect(a.index.sub(a.index).key).toBe("0");
    }),
    { seed: 2, numRuns: 500 },
  );
});

test("its text is JavaScript of the same value, where no quotient or remainder is left", () => {
  fc.assert(
    fc.property(expression, values, (make, v) => {
      const { index, value } = make(v);
      if (index.terms.some((t) => t.atom.of)) return;
      const text = index.text((atom) => atom.name);
      expect(new Function(...ranges.map(([name]) => name), `return ${text};`)(...v) === value).toBe(true);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("unflatten undoes flatten without a trace of either", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), (shape) => {
      const at = shape.map((n, d) => Index.atom(`o${d}`, 0, n - 1));
      expect(unflatten(flatten(at, strides(shape)), shape).map((i) => i.key)).toEqual(at.map((i) => i.key));
    }),
    { seed: 4 },
  );
});

test("division takes out what it divides, and what stays within a period", () => {
  const o = Index.atom("o", 0, 9);
  const r = Index.atom("r", 0, 3);
  expect(o.mul(4).add(r).div(4).key).toBe(o.key);
  expect(o.mul(4).add(r).mod(4).key).toBe(r.key);
  expect(o.mul(8).add(r).add(21).div(4).key).toBe(o.mul(2).add(r.add(1).div(4)).add(5).key);
  expect(o.mul(4).sub(3).mod(4).key).toBe("1");
  expect(o.mod(10).key).toBe(o.key);
  expect(o.mod(1).key).toBe("0");
});

test("what is below the common step of the terms is no part of a quotient, and stays beside a remainder", () => {
  const o = Index.atom("o", 0, 99);
  expect(o.mul(24).add(5).div(64).key).toBe(o.mul(24).div(64).key);
  expect(o.mul(24).add(5).mod(64).key).toBe(o.mul(24).mod(64).add(5).key);
  expect(o.mul(24).add(13).mod(64).key).toBe(o.mul(24).add(8).mod(64).add(5).key);
});

test("a quotient by a product and a shift is exact, and stays within 31 bits", () => {
  const cases = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 2 ** 26 }), fc.nat());
  let shifted = 0;
  fc.assert(
    fc.property(cases, ([by, max, n]) => {
      const text = quotient("a", max, by);
      const [, m = "1", s] = /^\(?a(?: \* (\d+)\))? >> (\d+)u$/.exec(text) ?? [];
      if (s === undefined) return text === `a / ${by}`;
      shifted++;
      // any, the largest, and the last before a step
      const last = max - (max % by) - 1;
      return [n % (max + 1), max, Math.max(0, last)].every((a) => {
        const product = a * Number(m);
        return product < 2 ** 31 && Math.floor(product / 2 ** Number(s)) === Math.floor(a / by);
      });
    }),
    { numRuns: 2000 },
  );
  expect(shifted).toBeGreaterThan(200);
  expect([quotient("a", 1791, 64), quotient("a", 255, 28)]).toEqual(["a >> 6u", "(a * 293) >> 13u"]);
});
