// Hessian–vector products against what is known of a Hessian: its entries, its symmetry, its eigenvalues.
import { expect, test } from "vitest";
import { hvp, powerStep } from "../../src/autodiff/hvp.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { lstm } from "../../src/nn/recurrentLayers.ts";
import { f32, u32 } from "../../src/shape/types.ts";
import { constant, full, type Tensor } from "../../src/tensor.ts";
import { random } from "../samples/sample.ts";

const values = (t: Tensor): number[] => [...evaluate([t], new Map())[0]!.data];
const given = (seed: number, ...shape: number[]): Tensor => {
  const a = random(f32(...shape), { seed });
  return constant(f32(...shape), [...a.data]);
};

test("of a quadratic form xᵀAx it is (A + Aᵀ)v, of a cubic it depends on x", () => {
  const [a, x, v] = [given(1, 4, 4), given(2, 4), given(3, 4)];
  const { hv, curvature } = hvp(([x]) => x!.reshape([1, 4]).matmul(a).reshape([4]).mul(x!).sum(), [x], [v]);
  const want = values(a.add(a.transpose()).matmul(v.reshape([4, 1])));
  for (const [i, h] of values(hv[0]!).entries()) expect(h).toBeCloseTo(want[i]!, 12);
  expect(values(curvature)[0]).toBeCloseTo(values(v.mul(hv[0]!).sum())[0]!, 12);
  const cubic = hvp(([x]) => x!.mul(x!).mul(x!).sum(), [x], [v]).hv[0]!;
  const six = values(x.mul(v).mul(6));
  for (const [i, h] of values(cubic).entries()) expect(h).toBeCloseTo(six[i]!, 12);
});

test("through an LSTM step by step it is symmetric; the fused op says that it cannot", () => {
  const x = given(1, 2, 3, 2);
  const context = { training: false, key: full(u32(2), 0) };
  const f = (fused: boolean) => (params: readonly Tensor[]) => {
    const [wx, wh, bias] = params as [Tensor, Tensor, Tensor];
    const layer = lstm({ units: 2, returns: "last", fused });
    return layer
      .apply({ params: { layer0: { wx, wh, bias } }, state: {} }, x, context)
      .y.square()
      .sum();
  };
  const params = [given(2, 2, 8), given(3, 2, 8), given(4, 8)];
  const [u, v] = [5, 8].map((seed) => params.map((p, i) => given(seed + i, ...p.shape))) as [Tensor[], Tensor[]];
  const dot = (a: readonly Tensor[], b: readonly Tensor[]) =>
    a.reduce((sum, t, i) => sum + values(t.mul(b[i]!).sum())[0]!, 0);
  const uHv = dot(u, hvp(f(false), params, v).hv);
  const vHu = dot(v, hvp(f(false), params, u).hv);
  expect(Math.abs(uHv - vHu) / Math.abs(uHv)).toBeLessThan(1e-12);
  expect(() => hvp(f(true), params, v)).toThrow("use the composition (fused: false)");
});

test("power iteration finds the largest eigenvalue", () => {
  const a = constant(f32(3, 3), [2, 1, 0, 1, 3, 1, 0, 1, 4]);
  const f = ([x]: readonly Tensor[]) => x!.reshape([1, 3]).matmul(a).reshape([3]).mul(x!).sum().mul(0.5);
  let v = [1, 1, 1];
  let eigenvalue = 0;
  for (let k = 0; k < 60; k++) {
    const step = powerStep(f, [given(1, 3)], [constant(f32(3), v)]);
    eigenvalue = values(step.eigenvalue)[0]!;
    v = values(step.v[0]!);
  }
  expect(eigenvalue).toBeCloseTo(3 + Math.sqrt(3), 10);
});

test("vectors of another form are refused", () => {
  const x = given(1, 3);
  expect(() => hvp(([x]) => x!.sum(), [x], [])).toThrow("hvp: 0 vectors for 1 parameters");
  expect(() => hvp(([x]) => x!.sum(), [x], [given(1, 2)])).toThrow("hvp: vector 0 is f32[2] for f32[3]");
});
