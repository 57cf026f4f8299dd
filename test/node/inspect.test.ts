// What the demo's Look inside draws: descriptions of plans, and graphs in layers.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Description, describe as describePlan } from "../../demo/inspect/describe.ts";
import { layout } from "../../demo/inspect/layers.ts";
import { functions as math } from "../../shaders/math.ts";
import { functions as randomness } from "../../shaders/random.ts";
import { grad } from "../../src/autodiff/backward.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { gpuTarget, softwareTarget } from "../../src/plan/target.ts";
import { f32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";

type Inputs = { readonly params: Record<"w" | "v", Tensor>; readonly x: Tensor };

const step = ({ params: { w, v }, x }: Inputs) => {
  const loss = x.matmul(w).tanh().matmul(v).square().mean();
  const [dw, dv] = grad(loss, [w, v]) as [Tensor, Tensor];
  return { params: { w: w.sub(dw.mul(0.5)), v: v.sub(dv) }, loss };
};
const types = { params: { w: f32(40, 24), v: f32(24, 8) }, x: f32(64, 40) };

describe.each([gpuTarget, softwareTarget])("a plan for $name", (target) => {
  const traced = trace(step as never, types, ["params"]);
  const plan = makePlan(traced, { target, functions: { ...math, ...randomness } });
  const { nodes, dispatches, slots }: Description = describePlan(plan);

  test("dispatches read what earlier ones left", () => {
    expect(dispatches.map((d) => d.label)).toEqual(plan.dispatches.map((d) => d.label));
    expect(dispatches.some((d) => d.reads.length > 0)).toBe(true);
    dispatches.forEach((d, i) => {
      for (const { from } of d.reads) expect(from).toBeLessThan(i);
    });
    expect(dispatches.flatMap((d) => d.results).sort()).toEqual(["loss", "params.v", "params.w"]);
    expect([...new Set(dispatches.flatMap((d) => d.inputs))].sort()).toEqual(["params.v", "params.w", "x"]);
  });

  test("every step is computed somewhere, inputs nowhere", () => {
    const ids = new Set(nodes.map((n) => n.id));
    for (const { kind, inputs, dispatches } of nodes) {
      expect(dispatches.length > 0).toBe(kind === "op");
      for (const id of inputs) expect(ids).toContain(id);
    }
    expect(nodes.filter((n) => n.literal !== undefined).map((n) => n.literal)).toContain("0.5");
  });

  test("temporaries that share a slot do not meet", () => {
    expect(slots).toHaveLength(plan.slots.length);
    for (const { bytes, lives } of slots)
      for (const [i, a] of lives.entries()) {
        expect(a.bytes).toBeLessThanOrEqual(bytes);
        for (const b of lives.slice(i + 1)) expect(a.last < b.first || b.last < a.first).toBe(true);
      }
  });
});

describe("layers", () => {
  const graph = fc.array(fc.tuple(fc.integer({ min: 20, max: 200 }), fc.array(fc.nat(30), { maxLength: 3 })), {
    minLength: 1,
    maxLength: 30,
  });

  test("edges go down and boxes do not overlap", () => {
    fc.assert(
      fc.property(graph, (list) => {
        const boxes = list.map(([width]) => ({ width, height: 40 }));
        const edges = list.flatMap(([, from], to) =>
          [...new Set(from)].filter((f) => f < to).map((f) => [f, to] as const),
        );
        const { places, routes, width, height } = layout(boxes, edges);
        places.forEach((a, i) => {
          const w = boxes[i]?.width as number;
          expect(a.x - w / 2).toBeGreaterThanOrEqual(-1e-6);
          expect(a.x + w / 2).toBeLessThanOrEqual(width + 1e-6);
          expect(a.y + 40).toBeLessThanOrEqual(height + 1e-6);
          places.slice(0, i).forEach((b, j) => {
            const apart = Math.abs(a.x - b.x) - (w + (boxes[j]?.width as number)) / 2;
            if (a.y === b.y) expect(apart).toBeGreaterThan(0);
          });
        });
        edges.forEach(([from, to], e) => {
          const route = routes[e] as { x: number; y: number }[];
          expect(route[0]).toEqual({ x: places[from]?.x, y: (places[from]?.y as number) + 40 });
          expect(route.at(-1)).toEqual(places[to]);
          route.slice(1).forEach((p, k) => {
            expect(p.y).toBeGreaterThanOrEqual(route[k]?.y as number);
          });
        });
      }),
      { seed: 3, numRuns: 100 },
    );
  });
});
