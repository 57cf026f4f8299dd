// Checkpointing: the same values and gradients, less memory.
import { expect, test } from "vitest";
import { grad } from "../../src/autodiff/backward.ts";
import { checkpoint } from "../../src/autodiff/checkpoint.ts";
import { checkGradients } from "../../src/cpu/checkGradients.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { makePlan } from "../../src/plan/plan.ts";
import { count, printPlan } from "../../src/plan/print.ts";
import { gpuTarget } from "../../src/plan/target.ts";
import { f32 } from "../../src/shape/types.ts";
import { constant, type Tensor } from "../../src/tensor.ts";
import { trace } from "../../src/trace.ts";
import { random } from "../samples/sample.ts";

const block = (x: Tensor, w: Tensor): Tensor[] => {
  const h = x.matmul(w).tanh();
  return [h.matmul(w).sigmoid(), h.square()];
};

test("values, gradients and second gradients are those of the function", () => {
  const [x, w] = [random(f32(3, 4)), random(f32(4, 4), { seed: 2 })];
  const kept = checkpoint(block);
  const twice = (x: Tensor, w: Tensor) => {
    const [a, b] = kept(x, w) as [Tensor, Tensor];
    return kept(a.add(b), w);
  };
  expect(checkGradients((x, w) => twice(x!, w!), [x, w]).relativeError).toBeLessThan(1e-7);
  const gradient = (x: Tensor, w: Tensor) => grad(twice(x, w).map((t) => t.sum()).reduce((a, b) => a.add(b)), [x, w]); // biome-ignore format: one line
  expect(checkGradients((x, w) => gradient(x!, w!), [x, w]).relativeError).toBeLessThan(1e-7);
  const given = [x, w].map((v) => constant({ dtype: v.dtype, shape: v.shape }, [...v.data])) as [Tensor, Tensor];
  const values = (ts: readonly Tensor[]) => evaluate(ts, new Map()).map((v) => [...v.data]);
  expect(values(kept(...given))).toEqual(values(block(...given)));
});

test("a deep net takes less memory, and computes more", () => {
  const depth = 4;
  const segment = (x: Tensor, ...ws: Tensor[]) => [ws.reduce((a, w) => a.matmul(w).tanh(), x)];
  const planOf = (run: typeof segment) => {
    const types = { x: f32(4096, 32), w: Array.from({ length: depth * depth }, () => f32(32, 32)) };
    const traced = trace(
      (({ x, w }: { x: Tensor; w: Tensor[] }) => {
        let y = x;
        for (let k = 0; k < depth; k++) y = run(y, ...w.slice(k * depth, (k + 1) * depth))[0] as Tensor;
        return { g: grad(y.square().sum(), w) };
      }) as never,
      types,
    );
    const plan = makePlan(traced, { target: gpuTarget, functions: {} });
    return {
      elements: plan.slots.reduce((n, s) => n + s.elements, 0),
      work: plan.dispatches.reduce((n, d) => n + d.multiplyAdds, 0),
      last: printPlan(plan).split("\n").at(-1)!,
    };
  };
  const [all, some] = [planOf(segment), planOf(checkpoint(segment) as typeof segment)];
  expect(some.elements).toBeLessThan(0.7 * all.elements);
  expect(some.work).toBeGreaterThan(1.2 * all.work);
  expect(some.work).toBeLessThan(1.5 * all.work);
  // and the plan says so, by the plan of the same net without checkpoints
  expect(all.last).toMatch(/^temporaries/);
  const bytes = (n: number) => `${count(4 * n)}B`;
  expect(some.last).toBe(
    `values computed again: ${bytes(all.elements - some.elements)} of temporaries saved (${bytes(all.elements)} if they were kept), ${count(some.work - all.work)} multiply-adds more`,
  );
});
