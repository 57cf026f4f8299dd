// Plans and their WGSL as files to read, under __snapshots__: a change of the planner that changes a kernel shows in the diff.
// After a wanted change: `npx vitest run --project node --update`.
import { describe, expect, test } from "vitest";
import { functions as math } from "../../shaders/math.ts";
import { functions as randomness } from "../../shaders/random.ts";
import { grad } from "../../src/autodiff/backward.ts";
import { printGraph } from "../../src/graph/print.ts";
import { adam } from "../../src/optim/index.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { gpuTarget, softwareTarget, type Target } from "../../src/plan/target.ts";
import { f32, u8, u32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { type TypeTree, trace } from "../../src/trace.ts";

interface Graph {
  readonly f: (inputs: never) => unknown;
  readonly types: TypeTree;
  readonly carry?: readonly string[];
}

type Weights = Record<"w1" | "b1" | "w2" | "b2", Tensor>;

const graphs: Readonly<Record<string, Graph>> = {
  "dense, relu": {
    f: ({ x, w, b }: Record<"x" | "w" | "b", Tensor>) => ({ y: x.matmul(w).add(b).relu() }),
    types: { x: f32(32, 20), w: f32(20, 16), b: f32(16) },
  },
  "conv, relu, max-pool": {
    f: ({ x, w, b }: Record<"x" | "w" | "b", Tensor>) => ({ y: x.conv2d(w).add(b).relu().maxPool2d(2) }),
    types: { x: f32(4, 10, 10, 3), w: f32(3, 3, 3, 8), b: f32(8) },
  },
  "MLP, one step of gradient descent": {
    f: ({ params: { w1, b1, w2, b2 }, x, y }: { params: Weights; x: Tensor; y: Tensor }) => {
      const hidden = x
        .cast("f32")
        .mul(1 / 255)
        .matmul(w1)
        .add(b1)
        .relu();
      const loss = hidden.matmul(w2).add(b2).softmaxCrossEntropy(y).mean();
      const [g1, h1, g2, h2] = grad(loss, [w1, b1, w2, b2]) as [Tensor, Tensor, Tensor, Tensor];
      const step = (p: Tensor, g: Tensor) => p.sub(g.mul(0.1));
      return { params: { w1: step(w1, g1), b1: step(b1, h1), w2: step(w2, g2), b2: step(b2, h2) }, loss };
    },
    types: {
      params: { w1: f32(36, 24), b1: f32(24), w2: f32(24, 10), b2: f32(10) },
      x: u8(16, 36),
      y: u32(16),
    },
    carry: ["params"],
  },
  "Adam, one update": {
    f: ({ params, state, step, g }: { params: { w: Tensor }; state: never; step: Tensor; g: Tensor }) => ({
      ...adam({ learningRate: 1e-3 }).update({ w: g }, params, state, step),
      step: step.add(1),
    }),
    types: {
      params: { w: f32(30, 8) },
      state: { m: { w: f32(30, 8) }, v: { w: f32(30, 8) } },
      step: u32(),
      g: f32(30, 8),
    },
    carry: ["params", "state", "step"],
  },
};

describe.each(Object.entries(graphs))("%s", (name, { f, types, carry = [] }) => {
  const file = name.replace(/\W+/g, "-");
  const traced = trace(f, types, carry);
  const planFor = (target: Target) => makePlan(traced, { target, functions: { ...math, ...randomness } });

  test("graph", async () => {
    const results = [...traced.carry.map((c) => c.output), ...traced.outputs.map((o) => o.value)];
    await expect(`${printGraph(results)}\n`).toMatchFileSnapshot(`__snapshots__/${file}.graph.txt`);
  });

  test.each([gpuTarget, softwareTarget])("plan for $name", async (target) => {
    await expect(`${printPlan(planFor(target))}\n`).toMatchFileSnapshot(`__snapshots__/${file}.${target.name}.txt`);
  });

  test("WGSL", async () => {
    const kernels = planFor(gpuTarget).dispatches.map((d, i) => `// ==== ${i}: ${d.label}\n${d.wgsl}`);
    await expect(kernels.join("\n")).toMatchFileSnapshot(`__snapshots__/${file}.wgsl`);
  });
});
