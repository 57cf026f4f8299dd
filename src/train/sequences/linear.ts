// A deep linear net: ŷ = x·W₁·…·W_L, C = ½ the mean of ‖ŷ − y‖². The product is linear in x, the cost is not convex in the weights, and the
// gradient has a closed form, against which that of reverse mode is checked at every report:
//
//   ∂C/∂W_l = (W₁…W_{l−1})ᵀ · xᵀ(ŷ − y)/N · (W_{l+1}…W_L)ᵀ
import { grad } from "../../autodiff/backward.ts";
import type { DeviceArray } from "../../device.ts";
import { fold, keyOf, normalValues } from "../../nn/key.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { f32 } from "../../shape/types.ts";
import { stack, type Tensor } from "../../tensor.ts";
import type { SequenceTask } from "./task.ts";

const sizes = [8, 8, 8, 4];
const examples = 256;

const product = (x: Tensor, weights: readonly Tensor[]): Tensor => weights.reduce((a, w) => a.matmul(w), x);

const cost = (x: Tensor, y: Tensor, weights: readonly Tensor[]): Tensor =>
  product(x, weights).sub(y).square().sum(1).mean().mul(0.5);

/** The gradient of each weight, by the formula: products of weights round the one product of the data, xᵀ·(ŷ − y)/N. */
export function closedForm(x: Tensor, y: Tensor, weights: readonly Tensor[]): Tensor[] {
  const data = x.transpose().matmul(product(x, weights).sub(y).div(x.shape[0]!));
  const chain = (list: readonly Tensor[]) => (list[0] ? product(list[0], list.slice(1)) : undefined);
  return weights.map((_, l) => {
    const [before, after] = [chain(weights.slice(0, l)), chain(weights.slice(l + 1))];
    const left = before ? before.transpose().matmul(data) : data;
    return after ? left.matmul(after.transpose()) : left;
  });
}

const norm = (list: readonly Tensor[]): Tensor =>
  stack(
    list.map((t) => t.square().sum()),
    0,
  )
    .sum()
    .sqrt();

export const linear: SequenceTask = {
  description: "a deep linear net, its gradient checked against the closed form",
  takes: ["steps", "lr"],
  async run(device, { seed, steps = 2000, lr = 0.05 }, print) {
    const key = keyOf(seed);
    const draw = (part: number, deviation: number, ...shape: number[]): NdArray => ({
      ...f32(...shape),
      data: normalValues(fold(key, part), shape).map((v) => Math.fround(deviation * v)),
    });
    const [from, to] = [sizes[0]!, sizes.at(-1)!];
    const x = draw(0, 1, examples, from);
    const truth = draw(1, 0.5, from, to);
    const y = {
      ...f32(examples, to),
      data: Float64Array.from({ length: examples * to }, (_, k) => {
        const [row, column] = [Math.floor(k / to), k % to];
        let sum = 0;
        for (let i = 0; i < from; i++) sum += x.data[row * from + i]! * truth.data[i * to + column]!;
        return Math.fround(sum);
      }),
    };
    const weights = sizes.slice(1).map((out, l) => draw(2 + l, 0.5, sizes[l]!, out));
    const types = weights.map(({ dtype, shape }) => ({ dtype, shape }));
    const data = { x: f32(...x.shape), y: f32(...y.shape) };
    const training = await device.compile(
      ({ weights, x, y }) => {
        const gradients = grad(cost(x, y, weights), weights);
        return { weights: weights.map((w, l) => w.sub(gradients[l]!.mul(lr))) };
      },
      { weights: types, ...data },
      { carry: ["weights"], label: "linear" },
    );
    const look = await device.compile(
      ({ weights, x, y }) => {
        const gradients = grad(cost(x, y, weights), weights);
        const wanted = closedForm(x, y, weights);
        const difference = norm(gradients.map((g, l) => g.sub(wanted[l]!))).div(norm(wanted));
        return { cost: cost(x, y, weights), difference };
      },
      { weights: types, ...data },
    );
    const inputs = { weights: device.put(weights), ...device.put({ x, y }) };
    const read = async (a: DeviceArray) => (await a.read()).data[0]!;
    let [last, worst] = [Number.NaN, 0];
    for (let done = 0; done <= steps; done += Math.ceil(steps / 10)) {
      const seen = look.run(inputs);
      const difference = await read(seen.difference);
      last = await read(seen.cost);
      worst = Math.max(worst, difference);
      print(
        `step ${done} · cost ${last.toExponential(3)} · gradient off the closed form by ${difference.toExponential(1)}`,
        {
          ...{ step: done, cost: last, difference },
        },
      );
      if (done < steps) training.run(inputs, { repeat: Math.ceil(steps / 10) });
    }
    training.dispose();
    look.dispose();
    return { cost: last, worstDifference: worst };
  },
};
