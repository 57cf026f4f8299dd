// Slots of temporaries: lives that overlap never share one, and sharing saves what it can.
import fc from "fast-check";
import { expect, test } from "vitest";
import { assignSlots, type Life } from "../../src/plan/memory.ts";

const life: fc.Arbitrary<Life> = fc
  .record({
    first: fc.nat({ max: 20 }),
    length: fc.nat({ max: 6 }),
    elements: fc.integer({ min: 1, max: 500 }),
    type: fc.constantFrom("f32", "u32"),
  })
  .map(({ first, length, elements, type }) => ({ first, last: first + length, elements, type }));

const overlap = (a: Life, b: Life) => a.first <= b.last && b.first <= a.last;
const total = (parts: readonly { readonly elements: number }[]) => parts.reduce((n, p) => n + p.elements, 0);

test("lives in one slot do not overlap, fit into it and are of its type", () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 30 }), (lives) => {
      const { slots, slotOf } = assignSlots(lives);
      lives.forEach((a, i) => {
        const slot = slots[slotOf[i] as number];
        expect(slot?.type).toBe(a.type);
        expect(slot?.elements).toBeGreaterThanOrEqual(a.elements);
        for (const [j, b] of lives.entries()) if (j < i && slotOf[j] === slotOf[i]) expect(overlap(a, b)).toBe(false);
      });
      expect(new Set(slotOf).size).toBe(slots.length);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("memory is at least what is alive at once, and never more than a buffer for each", () => {
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 30 }), (lives) => {
      const used = total(assignSlots(lives).slots);
      const atOnce = lives.map((l) => total(lives.filter((m) => m.first <= l.first && l.first <= m.last)));
      expect(used).toBeGreaterThanOrEqual(Math.max(...atOnce));
      expect(used).toBeLessThanOrEqual(total(lives));
    }),
    { seed: 2, numRuns: 500 },
  );
});

test("a chain of equal buffers takes two slots, however long", () => {
  const chain = Array.from({ length: 10 }, (_, i) => ({ first: i, last: i + 1, elements: 64, type: "f32" }));
  expect(assignSlots(chain).slots).toHaveLength(2);
});
