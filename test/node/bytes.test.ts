// Dispatches of a training step, and bytes that it moves, beside the least possible: images, labels and state in, state out, each once.
import { expect, test } from "vitest";
import { functions as math } from "../../shaders/math.ts";
import { functions as randomness } from "../../shaders/random.ts";
import { leaves } from "../../src/graph/tree.ts";
import * as nn from "../../src/nn/index.ts";
import type { Plan } from "../../src/plan/data.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { printPlan } from "../../src/plan/print.ts";
import { gpuTarget, softwareTarget, type Target } from "../../src/plan/target.ts";
import { leastBytes } from "../../src/plan/work.ts";
import { f32, numel, u8, u32 } from "../../src/shape/types.ts";
import { full } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { isNdArray, type Trees, typesOf } from "../../src/train/program.ts";
import { historyLength, toUnitRange, trainStep } from "../../src/train/step.ts";
import { optimizerOf, tasks } from "../../src/train/tasks.ts";

const [examples, batchSize] = [60_000, 64];

const nets = {
  ...tasks,
  /** That of bench/tasks.ts. */
  untuned: {
    ...tasks["mnist-cnn"],
    model: nn.sequential(
      nn.conv2d({ filters: 6, kernel: 5, padding: "same", activation: "tanh" }),
      nn.avgPool2d(2),
      nn.conv2d({ filters: 20, kernel: 3, stride: 2, activation: "leakyRelu" }),
      nn.flatten(),
      nn.dense({ units: 64 }),
      nn.dense({ units: 10 }),
    ),
  },
};

/** The step of a task with Adam as the trainer makes it, and how many parameters its net has. */
function planOf(name: keyof typeof nets, target: Target): { plan: Plan; parameters: number } {
  const { model, loss, optimizer: optimizerName } = nets[name];
  const [key, optimizer] = [nn.keyOf(1), optimizerOf(optimizerName)];
  const { params, state: variables } = model.init(key, toUnitRange(full(u8(batchSize, 28, 28, 1), 0)).type);
  const state = { ...(typesOf({ params, optimizer: optimizer.init(params), model: variables }) as object) };
  const spec = { model, loss, optimizer, prepare: toUnitRange, sampling: "shuffle", key: nn.fold(key, 1) } as const;
  const traced = trace(
    trainStep({ ...spec, examples, batchSize, labels: true }) as (inputs: never) => unknown,
    {
      state: { ...state, step: u32(), history: f32(historyLength, 2) } as unknown as Trees<never>,
      data: { x: u8(examples, 28, 28, 1), y: u8(examples) },
    },
    ["state"],
  );
  const plan = makePlan(traced, { target, functions: { ...math, ...randomness } });
  return { plan, parameters: leaves(params, isNdArray).reduce((n, { value }) => n + numel(value.shape), 0) };
}

const moved = (plan: Plan) => plan.dispatches.reduce((n, d) => n + d.bytes, 0);

test.each([gpuTarget, softwareTarget])("the least that a step can move, counted by hand: $name", (target) => {
  for (const name of ["mnist-mlp", "mnist-cnn"] as const) {
    const { plan, parameters } = planOf(name, target);
    const batch = batchSize * (28 * 28 + 1);
    // parameters and Adam's two moments are read and written, as is the ring of losses
    const state = 2 * 4 * (3 * parameters + 2 * historyLength + 1);
    const { all, ends } = leastBytes(plan.dispatches);
    expect(ends).toBeGreaterThanOrEqual(batch + state);
    expect(ends).toBeLessThan(batch + state + 64); // a few constants
    expect(all).toBeGreaterThan(ends);
    expect(all).toBeLessThanOrEqual(moved(plan));
    for (const bytes of [all, ends])
      expect(printPlan(plan)).toContain(`${(moved(plan) / bytes).toFixed(2)} times the `);
  }
});

test.each([gpuTarget, softwareTarget])("the MLP's step moves at most half as much again: $name", (target) => {
  const { plan } = planOf("mnist-mlp", target);
  expect(moved(plan)).toBeLessThan(1.5 * leastBytes(plan.dispatches).ends);
});

test.each([
  ["mnist-mlp", 8],
  ["mnist-cnn", 12],
] as const)("%s takes at most %i dispatches a step where a kernel binds ten buffers", (name, most) => {
  for (const target of [gpuTarget, softwareTarget]) {
    const { plan } = planOf(name, { ...target, maxBuffers: 10 });
    expect(plan.dispatches.length, target.name).toBeLessThanOrEqual(most);
  }
});

test.each(["mnist-mlp", "mnist-cnn", "mnist-cnn-smooth", "mnist-lstm", "untuned"] as const)(
  "%s reads little more than once what dispatches hand on",
  (name) => {
    for (const target of [gpuTarget, softwareTarget]) {
      const { plan } = planOf(name, target);
      expect(moved(plan), target.name).toBeLessThan(1.5 * leastBytes(plan.dispatches).all);
    }
  },
);
