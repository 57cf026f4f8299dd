// Optimizers against trajectories worked out by hand in PyTorch's formulas; schedules, clipping, groups, bad options.

import { describe, expect, test } from "vitest";
import { CpuDevice } from "../../src/cpu/device.ts";
import type { Tree } from "../../src/graph/tree.ts";
import * as optim from "../../src/optim/index.ts";
import { ValueError } from "../../src/shape/errors.ts";
import { type NdArray, ndarray } from "../../src/shape/ndarray.ts";
import { f32, u32 } from "../../src/shape/types.ts";
import type { Tensor } from "../../src/tensor.ts";
import { compileTree, putTree, readTree, typesOf } from "../../src/train/program.ts";

const device = new CpuDevice();
const gradients = [0.5, -1, 0.25, 2];

/** The parameter after each step from 1, with these gradients. */
async function trajectory(optimizer: optim.Optimizer, path = "weight"): Promise<number[]> {
  const params = { [path]: ndarray(f32(1), [1]) };
  const initial = { params, optimizer: optimizer.init(params), step: ndarray(u32(), [0]) };
  const g = { [path]: ndarray(f32(1), [0]) };
  const program = await compileTree(
    device,
    ({ state, g }) => {
      const { params, optimizer: slots, step } = state as Record<string, Tree<Tensor>>;
      const next = optimizer.update(g!, params!, slots as Record<string, Tree<Tensor>>, step as Tensor);
      return { state: { params: next.params, optimizer: next.state, step: (step as Tensor).add(1) } };
    },
    { state: typesOf(initial), g: typesOf(g) },
    { carry: ["state"] },
  );
  const state = putTree(device, initial) as Record<string, Tree<never>>;
  const out: number[] = [];
  for (const value of gradients) {
    program.run({ state, g: putTree(device, { [path]: ndarray(f32(1), [value]) }) });
    const now = (await readTree(state.params!)) as Record<string, NdArray>;
    out.push(now[path]!.data[0] as number);
  }
  return out;
}

/** p after each step of a rule in plain numbers. */
function byHand(rule: (p: number, g: number, t: number) => number): number[] {
  let p = 1;
  return gradients.map((g, i) => (p = rule(p, g, i + 1)));
}

function close(got: number[], want: number[]): void {
  expect(got).toHaveLength(want.length);
  for (const [i, x] of got.entries()) expect(x).toBeCloseTo(want[i] as number, 9);
}

describe("formulas", () => {
  test("sgd, and its weight decay", async () => {
    close(
      await trajectory(optim.sgd({ learningRate: 0.1, weightDecay: 0.01 })),
      byHand((p, g) => p - 0.1 * (g + 0.01 * p)),
    );
  });

  test("momentum: v = g at the first step, dampened after it", async () => {
    let v = 0;
    close(
      await trajectory(optim.momentum({ learningRate: 0.05, momentum: 0.9, dampening: 0.5 })),
      byHand((p, g, t) => {
        v = t === 1 ? g : 0.9 * v + 0.5 * g;
        return p - 0.05 * v;
      }),
    );
  });

  test("nesterov", async () => {
    let v = 0;
    close(
      await trajectory(optim.nesterov({ learningRate: 0.05 })),
      byHand((p, g) => {
        v = 0.9 * v + g;
        return p - 0.05 * (g + 0.9 * v);
      }),
    );
  });

  test.each([optim.adam, optim.adamw])("adam, then adamw", async (make) => {
    const coupled = make === optim.adam;
    let [m, v] = [0, 0];
    close(
      await trajectory(make({ learningRate: 0.01, weightDecay: 0.1 })),
      byHand((p0, g0, t) => {
        const g = coupled ? g0 + 0.1 * p0 : g0;
        const p = coupled ? p0 : p0 * (1 - 0.01 * 0.1);
        m = 0.9 * m + 0.1 * g;
        v = 0.999 * v + 0.001 * g * g;
        return p - ((0.01 / (1 - 0.9 ** t)) * m) / (Math.sqrt(v) / Math.sqrt(1 - 0.999 ** t) + 1e-8);
      }),
    );
  });

  test("amsgrad keeps the largest second moment", async () => {
    let [m, v, top] = [0, 0, 0];
    close(
      await trajectory(optim.adam({ learningRate: 0.01, beta2: 0.5, amsgrad: true })),
      byHand((p, g, t) => {
        m = 0.9 * m + 0.1 * g;
        v = 0.5 * v + 0.5 * g * g;
        top = Math.max(top, v);
        return p - ((0.01 / (1 - 0.9 ** t)) * m) / (Math.sqrt(top) / Math.sqrt(1 - 0.5 ** t) + 1e-8);
      }),
    );
  });

  test("rmsprop, centred and with momentum", async () => {
    let [v, mean, b] = [0, 0, 0];
    close(
      await trajectory(optim.rmsprop({ learningRate: 0.01, rho: 0.9, momentum: 0.9, centered: true })),
      byHand((p, g) => {
        v = 0.9 * v + 0.1 * g * g;
        mean = 0.9 * mean + 0.1 * g;
        b = 0.9 * b + g / (Math.sqrt(v - mean * mean) + 1e-8);
        return p - 0.01 * b;
      }),
    );
  });

  test("adagrad with a decaying rate", async () => {
    let s = 0.5;
    close(
      await trajectory(optim.adagrad({ learningRate: 0.1, learningRateDecay: 0.2, initialAccumulator: 0.5 })),
      byHand((p, g, t) => {
        s += g * g;
        return p - ((0.1 / (1 + (t - 1) * 0.2)) * g) / (Math.sqrt(s) + 1e-10);
      }),
    );
  });
});

test("groups: α₁ for weights, α₀ for biases; the first match counts", async () => {
  const optimizer = optim.sgd({
    learningRate: 0.1,
    groups: [
      { match: /bias$/, learningRate: 0.3 },
      { match: () => true, weightDecay: 1 },
    ],
  });
  close(
    await trajectory(optimizer, "bias"),
    byHand((p, g) => p - 0.3 * g),
  );
  close(
    await trajectory(optimizer, "weight"),
    byHand((p, g) => p - 0.1 * (g + p)),
  );
});

describe("schedules", () => {
  const rates = async (schedule: optim.Schedule, steps: number[]) => {
    const program = await device.compile(({ step }) => ({ rate: schedule(step) }), { step: u32() });
    return Promise.all(
      steps.map(
        async (s) => (await program.run(device.put({ step: ndarray(u32(), [s]) })).rate.read()).data[0] as number,
      ),
    );
  };
  test.each<[string, optim.Schedule, number[], number[]]>([
    ["constant", optim.constant(0.3), [0, 9], [0.3, 0.3]],
    ["stepDecay", optim.stepDecay({ learningRate: 1, factor: 0.1, every: 10 }), [0, 9, 10, 25], [1, 1, 0.1, 0.01]],
    ["stepDecay to nothing", optim.stepDecay({ learningRate: 1, factor: 0, every: 2 }), [0, 1, 2], [1, 1, 0]],
    [
      "exponentialDecay",
      optim.exponentialDecay({ learningRate: 2, factor: 0.5, every: 4 }),
      [0, 2, 4],
      [2, Math.SQRT2, 1],
    ],
    ["cosine", optim.cosine({ learningRate: 1, steps: 10, final: 0.1 }), [0, 5, 10, 99], [1, 0.55, 0.1, 0.1]],
    ["warmUp", optim.warmUp(4, 0.8), [0, 1, 3, 4, 50], [0.2, 0.4, 0.8, 0.8, 0.8]],
    [
      "warmUp, then cosine",
      optim.warmUp(2, optim.cosine({ learningRate: 1, steps: 4 })),
      [0, 1, 2, 4, 6],
      [0.5, 1, 1, 0.5, 0],
    ],
  ])("%s", async (_, schedule, steps, want) => close(await rates(schedule, steps), want));

  test("an optimizer follows one", async () => {
    close(
      await trajectory(optim.sgd({ learningRate: optim.stepDecay({ learningRate: 0.1, factor: 0.5, every: 2 }) })),
      byHand((p, g, t) => p - 0.1 * 0.5 ** Math.floor((t - 1) / 2) * g),
    );
  });
});

describe("clipping", () => {
  const clipped = async (clip: optim.GradientTransform, a: number[]) => {
    const types = { g: { a: f32(a.length - 1), b: f32(1) } };
    const program = await compileTree(device, ({ g }) => ({ g: clip(g!) }), types);
    const g = { a: ndarray(types.g.a, a.slice(1)), b: ndarray(types.g.b, a.slice(0, 1)) };
    const got = (await readTree(program.run({ g: putTree(device, g) }).g!)) as Record<string, NdArray>;
    return [...got.b!.data, ...got.a!.data];
  };
  test("by the norm of all together, which may be small or zero", async () => {
    const norm = Math.hypot(3, 4, 12);
    close(
      await clipped(optim.clipByGlobalNorm(1), [3, 4, 12]),
      [3, 4, 12].map((g) => g / (norm + 1e-6)),
    );
    close(await clipped(optim.clipByGlobalNorm(20), [3, 4, 12]), [3, 4, 12]);
    close(await clipped(optim.clipByGlobalNorm(1), [0, 0]), [0, 0]);
  });
  test("by value", async () => close(await clipped(optim.clipByValue(2), [-3, 1, 9]), [-2, 1, 2]));
  test("before the update", async () => {
    close(
      await trajectory(optim.sgd({ learningRate: 0.1, clip: optim.clipByValue(0.4) })),
      byHand((p, g) => p - 0.1 * Math.max(-0.4, Math.min(0.4, g))),
    );
  });
});

test.each([
  () => optim.sgd({ learningRate: Number.NaN }),
  () => optim.adam({ learningRate: -1e-3 }),
  () => optim.adam({ learningRate: Number.POSITIVE_INFINITY }),
  () => optim.adam({ learningRate: "0.1" as unknown as number }),
  () => optim.sgd({ learningRate: 0.1, groups: [{ match: /bias/, learningRate: -1 }] }),
  () => optim.adam({ learningRate: 0.1, beta1: 1 }),
  () => optim.adamw({ learningRate: 0.1, weightDecay: -1 }),
  () => optim.rmsprop({ learningRate: 0.1, epsilon: -1 }),
  () => optim.momentum({ learningRate: 0.1, momentum: Number.NaN }),
  () => optim.clipByGlobalNorm(0),
  () => optim.cosine({ learningRate: 0.1, steps: 0 }),
])("bad option %#", (make) => expect(make).toThrow(ValueError));
