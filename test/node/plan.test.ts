// What every plan must hold, over random graphs, for a GPU and for a CPU behind WebGPU.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { functions as math } from "../../shaders/math.ts";
import { functions as randomness } from "../../shaders/random.ts";
import { vjp } from "../../src/autodiff/backward.ts";
import type { Tree } from "../../src/graph/tree.ts";
import type { Binding, Buffer, Plan } from "../../src/plan/data.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { gpuTarget, softwareTarget, type Target } from "../../src/plan/target.ts";
import { f32, i32, type TensorType, u8 } from "../../src/shape/types.ts";
import { concat, type Tensor } from "../../src/tensor.ts";
import { type TypeTree, trace } from "../../src/trace.ts";
import { build, type Recipe, recipes, typesOf } from "../graphs.ts";

const targets: readonly Target[] = [gpuTarget, softwareTarget];
const functions = { ...math, ...randomness };

type Inputs = Record<string, Tree<Tensor>>;

const planOf = (
  f: (inputs: never) => unknown,
  types: TypeTree,
  carry: readonly string[] = [],
  target: Target = gpuTarget,
): Plan => makePlan(trace(f, types, carry), { target, functions });

/** The plan of a recipe and its gradients. */
function makeRecipePlan(recipe: Recipe, target: Target): Plan {
  const types = typesOf(recipe);
  const f = ({ carried, given }: { carried: Tensor[]; given: Tensor[] }) => {
    const inputs = [...carried, ...given];
    const made = build(recipe, inputs);
    return { carried: made.carried, out: [...made.out, ...vjp(made.out, made.out, inputs)] };
  };
  const n = recipe.carried;
  return planOf(f as never, { carried: types.slice(0, n), given: types.slice(n) }, n ? ["carried"] : [], target);
}

const made = new Map<string, Plan>();

/** The same, kept: the tests look at the same recipes. */
function planRecipe(recipe: Recipe, target: Target): Plan {
  const key = JSON.stringify([recipe, target]);
  const plan = made.get(key) ?? makeRecipePlan(recipe, target);
  made.set(key, plan);
  return plan;
}

/** Each dispatch's bindings, with its number. */
const bindingsOf = (plan: Plan) => plan.dispatches.flatMap((d, i) => d.bindings.map((b) => ({ ...b, dispatch: i })));

function each(check: (recipe: Recipe, target: Target) => void, numRuns = 30): void {
  for (const target of targets)
    fc.assert(
      fc.property(recipes({ carried: true }), (recipe) => check(recipe, target)),
      { seed: 7, numRuns },
    );
}

describe("every plan", () => {
  test("writes a temporary before it reads it, and every output", () => {
    each((recipe, target) => {
      const plan = planRecipe(recipe, target);
      const written = new Set<Buffer>();
      for (const { bindings } of plan.dispatches) {
        for (const { buffer, access } of bindings)
          if (access === "read" && (buffer.kind === "temporary" || buffer.kind === "output"))
            expect(written.has(buffer), `${buffer.name} is read before it is written`).toBe(true);
        for (const { buffer, access } of bindings) if (access === "readWrite") written.add(buffer);
      }
      for (const { path, place } of plan.outputs) expect(written.has(place.buffer), path).toBe(true);
    });
  });

  test("writes no input and no constant", () => {
    each((recipe, target) => {
      const fixed = bindingsOf(planRecipe(recipe, target)).filter(
        ({ buffer }) => buffer.kind === "input" || buffer.kind === "constant",
      );
      expect(fixed.every((b) => b.access === "read")).toBe(true);
    });
  });

  test("says what it stores: what a kernel binds to write, and every result once", () => {
    each((recipe, target) => {
      const { dispatches, outputs, carry } = planRecipe(recipe, target);
      for (const { stores, bindings } of dispatches)
        for (const { place } of stores)
          expect(bindings.find((b) => b.buffer === place.buffer)?.access, place.buffer.name).toBe("readWrite");
      const stored = dispatches.flatMap(({ stores }) => stores.map(({ place }) => place));
      expect(new Set(stored).size).toBe(stored.length);
      expect(stored).toEqual(expect.arrayContaining(outputs.map(({ place }) => place)));
      const carried = stored.filter(({ buffer }) => buffer.kind === "carry");
      expect(carry.map(({ place }) => place)).toEqual(expect.arrayContaining(carried));
    });
  });

  test("binds a buffer once a dispatch, and no more than the limit", () => {
    for (const maxBuffers of [8, 5])
      each((recipe, target) => {
        for (const { bindings, label } of planRecipe(recipe, { ...target, maxBuffers }).dispatches) {
          expect(new Set(bindings.map((b) => b.buffer)).size, label).toBe(bindings.length);
          expect(bindings.length, label).toBeLessThanOrEqual(maxBuffers);
        }
      }, 30);
  });

  test("declares in WGSL what it binds", () => {
    const declaration =
      /@binding\((\d+)\) var<storage, (read|read_write)> \w+: array<(?:vec4<)?(f32|i32|u32)>?, (\d+)>/g;
    each((recipe, target) => {
      for (const { wgsl, bindings } of planRecipe(recipe, target).dispatches) {
        const declared = [...wgsl.matchAll(declaration)];
        expect(declared.map(([, i]) => Number(i))).toEqual(bindings.map((_, i) => i));
        declared.forEach(([text, , mode, type, count], i) => {
          const { buffer, access } = bindings[i] as Binding;
          expect([mode, type]).toEqual([access === "read" ? "read" : "read_write", buffer.type]);
          expect(Number(count) * (text.includes("vec4") ? 4 : 1)).toBe(buffer.elements);
        });
      }
    });
  });

  test("lets temporaries share a slot only when one is dead before the other is made", () => {
    each((recipe, target) => {
      const plan = planRecipe(recipe, target);
      const uses = bindingsOf(plan).filter(({ buffer }) => buffer.kind === "temporary");
      const life = (b: Buffer) => uses.filter((u) => u.buffer === b).map((u) => u.dispatch);
      for (const [a, slot] of plan.slotOf) {
        expect(plan.slots[slot]?.type).toBe(a.type);
        expect(plan.slots[slot]?.elements).toBeGreaterThanOrEqual(a.elements);
        for (const [b, other] of plan.slotOf) {
          if (a === b || slot !== other) continue;
          const [first, second] = [life(a), life(b)];
          expect(Math.max(...first) < Math.min(...second) || Math.max(...second) < Math.min(...first)).toBe(true);
        }
      }
      expect(new Set(uses.map((u) => u.buffer))).toEqual(new Set(plan.slotOf.keys()));
    });
  });

  test("is the same when made again", () => {
    const text = (plan: Plan) => [printPlan(plan), ...plan.dispatches.map((d) => d.wgsl)];
    each((recipe, target) => {
      expect(text(makeRecipePlan(recipe, target))).toEqual(text(planRecipe(recipe, target)));
    }, 20);
  });
});

describe("a carried value", () => {
  const arena = (plan: Plan) => bindingsOf(plan).filter(({ buffer }) => buffer.kind === "carry");

  test("is written by the last dispatch that sees it, once all have read the old one", () => {
    // one carried value whose next value nothing else reads: every reader wants the old one
    const single = recipes({ carried: true }).filter(({ outputs }) => outputs.length === 0);
    for (const target of targets)
      fc.assert(
        fc.property(single, (recipe) => {
          const plan = planOf(
            (({ x, given }: { x: Tensor; given: Tensor[] }) => {
              const { out, carried } = build({ ...recipe, carried: 1 }, [x, ...given]);
              return { x: (carried[0] as Tensor).sub(x.mul(0.25)), out };
            }) as never,
            { x: typesOf(recipe)[0] as TensorType, given: typesOf(recipe).slice(1) },
            ["x"],
            target,
          );
          const seen = arena(plan);
          expect(seen.filter((b) => b.access === "readWrite")).toHaveLength(1);
          expect(seen.at(-1)?.access).toBe("readWrite");
        }),
        { seed: 8, numRuns: 100 },
      );
  });

  const square = { x: f32(64, 64) };
  const writer = (plan: Plan) =>
    plan.dispatches.filter((d) => d.bindings.some((b) => b.access === "readWrite" && b.buffer.kind === "carry"));

  test("is updated in place where each element needs only itself", () => {
    const plan = planOf((({ x }: { x: Tensor }) => ({ x: x.mul(0.5).add(1) })) as never, square, ["x"]);
    expect(plan.dispatches).toHaveLength(1);
    expect(plan.slots).toEqual([]);
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ["transposed", (x) => x.transpose()],
    ["reversed", (x) => x.flip(0)],
    ["less its mean", (x) => x.sub(x.mean(0))],
    ["shifted", (x) => concat([x.slice([1, 0]), x.slice([0, 0], [1, 64])], 0)],
    ["multiplied with itself", (x) => x.matmul(x).mul(1 / 64)],
  ])("is made beside the old one where elements need others: %s", (_, f) => {
    const plan = planOf((({ x }: { x: Tensor }) => ({ x: f(x) })) as never, square, ["x"]);
    const last = plan.dispatches.at(-1);
    expect(plan.dispatches.length).toBeGreaterThanOrEqual(2);
    expect(writer(plan)).toEqual([last]);
  });

  test("that is returned unchanged costs nothing", () => {
    const f = ({ x, n }: Inputs) => ({ x, n: (n as Tensor).add(1) });
    const plan = planOf(f as never, { x: f32(64), n: i32() }, ["x", "n"]);
    expect(plan.dispatches).toHaveLength(1);
    expect(plan.carry.map((v) => v.path)).toEqual(["x", "n"]);
    expect(arena(plan).map((b) => b.buffer.type)).toEqual(["i32"]);
  });

  test("lies beside the others of its element type, each at a multiple of 256 bytes", () => {
    const f = ({ w, n }: { w: Tensor[]; n: Tensor }) => ({ w: w.map((t) => t.mul(0.5)), n: n.add(1) });
    const plan = planOf(f as never, { w: [f32(10), f32(65), f32(3, 3)], n: i32() }, ["w", "n"]);
    expect(plan.carry.map(({ place }) => [place.buffer.name, place.offset])).toEqual([
      ["carry.f32", 0],
      ["carry.f32", 64],
      ["carry.f32", 192],
      ["carry.i32", 0],
    ]);
  });
});

test("rows taken from a data set cost a load each: lanes own columns too", () => {
  const types = { x: u8(1000, 784), rows: i32(64), w: f32(784, 128) };
  const product = ({ x, rows, w }: Record<"x" | "rows" | "w", Tensor>) => ({
    y: x.gather(rows).cast("f32").matmul(w),
  });
  const { dispatches } = planOf(product as never, types, [], softwareTarget);
  const { schedules } = dispatches.find(({ label }) => label.includes("matmul"))!;
  expect(schedules[0]!.tile[1]).toBeGreaterThanOrEqual(4);
});

test("more inputs than a kernel may bind are summed in several", () => {
  const f = ({ x }: { x: Tensor[] }) => ({ y: x.reduce((a, b) => a.add(b)).sum() });
  const plan = planOf(f as never, { x: Array.from({ length: 20 }, () => f32(64)) });
  for (const d of plan.dispatches) expect(d.bindings.length, d.label).toBeLessThanOrEqual(8);
});

test("kernels that read alike share a schedule, others do not", () => {
  const square = f32(128, 128);
  const keyOf = (f: (a: Tensor, b: Tensor) => Tensor): string => {
    const keys: string[] = [];
    const traced = trace(({ a, b }: Record<"a" | "b", Tensor>) => ({ y: f(a, b) }), { a: square, b: square });
    makePlan(traced, { target: softwareTarget, functions, visit: ({ key }) => keys.push(key) });
    expect(keys).toHaveLength(1);
    return keys[0]!;
  };
  const layouts = [
    keyOf((a, b) => a.matmul(b)),
    keyOf((a, b) => a.matmul(b.transpose())),
    keyOf((a, b) => a.transpose().matmul(b)),
    keyOf((a, b) => a.transpose().matmul(b.transpose())),
  ];
  expect(new Set(layouts).size).toBe(4);
  expect(layouts[0]).toBe("matmul [128,128] over [128] of 128 * o0 + r0, o1 + 128 * r0");
  expect(keyOf((a, b) => b.matmul(a))).toBe(layouts[0]);
  expect(keyOf((a, b) => b.matmul(a.transpose()))).toBe(layouts[1]);
});
