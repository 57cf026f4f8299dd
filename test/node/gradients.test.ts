// Every sample's gradient, and the gradient of its gradient, against finite differences in float64.
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/backward.ts";
import { checkGradients } from "../../src/cpu/checkGradients.ts";
import type { Op } from "../../src/graph/op.ts";
import * as ops from "../../src/ops/index.ts";
import { f32 } from "../../src/shape/types.ts";
import { apply, type Tensor } from "../../src/tensor.ts";
import { random } from "../samples/sample.ts";
import { compositions, type Sample, samples } from "../samples.ts";

const differentiable = [...Object.entries(samples), ...Object.entries(compositions)].flatMap(([op, list]) =>
  list.filter((s) => s.differentiable.length).map((s) => ({ op, name: s.name, sample: s })),
);

const tensors = (s: Sample): Tensor[] =>
  s.inputs.map(({ dtype, shape }, k) => apply(ops.input, [], { path: String(k), type: { dtype, shape } })[0]!);

describe("gradients", () => {
  test.each(differentiable)("$op: $name", ({ sample: s }) => {
    const { relativeError } = checkGradients((...xs) => s.build(xs), s.inputs, { wrt: s.differentiable });
    expect(relativeError).toBeLessThan(1e-7);
  });
});

describe("gradients of gradients", () => {
  test.each(differentiable.filter(({ sample: s }) => !s.once))("$op: $name", ({ sample: s }) => {
    // f(x, c) = ⟨c, ∂y/∂x⟩ as a function of x and of the cotangents c
    const outputs = s.build(tensors(s)).filter((y) => y.dtype === "f32");
    const cotangents = outputs.map((y, i) => random(y.type, { seed: 10 + i }));
    const f = (...all: Tensor[]) => {
      const xs = all.slice(0, s.inputs.length);
      const ys = s.build(xs).filter((y) => y.dtype === "f32");
      return vjp(
        ys,
        all.slice(s.inputs.length),
        s.differentiable.map((k) => xs[k]!),
      );
    };
    const { relativeError } = checkGradients(f, [...s.inputs, ...cotangents], {
      wrt: [...s.differentiable, ...cotangents.map((_, i) => s.inputs.length + i)],
    });
    expect(relativeError).toBeLessThan(1e-7);
  });
});

describe("checkGradients", () => {
  const wrong = (gradient: Op["gradient"]): Op => ({ ...ops.exp, gradient });
  const check = (op: Op) => checkGradients((x) => apply(op, [x])[0]!, [random(f32(3, 4))]).relativeError;

  test("catches a factor, a sign, one element, and no gradient at all", () => {
    expect(check(wrong(([d], { outputs: [y] }) => [d!.mul(y!).mul(1.000001)]))).toBeGreaterThan(1e-7);
    expect(check(wrong(([d], { outputs: [y] }) => [d!.mul(y!).neg()]))).toBeGreaterThan(0.5);
    expect(
      check(wrong(([d], { outputs: [y] }) => [d!.mul(y!).slice([0, 0], [3, 3]).pad([0, 0], [0, 1])])),
    ).toBeGreaterThan(1e-2);
    expect(check(wrong(null))).toBeGreaterThan(0.5);
    expect(check(ops.exp as Op)).toBeLessThan(1e-10);
  });

  test("is the same for the same seed", () => {
    const x = random(f32(5));
    const run = (seed: number) => checkGradients((t) => t.tanh(), [x], { seed });
    expect(run(1)).toEqual(run(1));
    expect(run(1).analytic).not.toBe(run(2).analytic);
  });

  test("names an input that cannot be differentiated", () => {
    expect(() => checkGradients((x) => x, [random({ dtype: "i32", shape: [2] })], { wrt: [0] })).toThrow(
      "checkGradients: input 0 is i32[2], not f32; leave it out of wrt",
    );
  });
});
