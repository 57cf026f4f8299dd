// The toy of Higham and Higham, "Deep Learning: An Introduction for Applied Mathematicians" (SIAM Review 61, 2019): ten points in two
// classes, a 2-2-3-2 net of sigmoids, C = (1/N) Σ ½‖y − a‖², one point drawn with replacement a step, η = 0.05.
//
// The net is so small that a kernel holds the loop: thousands of steps a dispatch (ops/netLoop.ts).

import { netLoop } from "../../compositions/recurrence.ts";
import { fold, keyOf, normalValues } from "../../nn/key.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { f32, u32 } from "../../shape/types.ts";
import { concat, constant, type Tensor } from "../../tensor.ts";
import type { SequenceTask } from "./task.ts";

export const points = [
  ...[0.1, 0.3, 0.1, 0.6, 0.4, 0.6, 0.5, 0.9, 0.4, 0.7],
  ...[0.1, 0.4, 0.5, 0.9, 0.2, 0.3, 0.6, 0.2, 0.4, 0.6],
];
const count = 10;
/** [10, 2]: coordinates, and the classes of the first and the last five. */
const x = () =>
  constant(
    f32(count, 2),
    Array.from({ length: 2 * count }, (_, k) => points[(k % 2) * count + (k >> 1)]!),
  );
const y = () =>
  constant(
    f32(count, 2),
    Array.from({ length: 2 * count }, (_, k) => (k >> 1 < 5 === (k % 2 === 0) ? 1 : 0)),
  );

const sizes = [2, 2, 3, 2];
/** Parameters lie layer by layer: weights [in, out], biases [out]. */
const total = sizes.slice(1).reduce((sum, out, l) => sum + (sizes[l]! + 1) * out, 0);

function net(input: Tensor, params: Tensor): Tensor {
  let start = 0;
  return sizes.slice(1).reduce((a, out, l) => {
    const [w, b] = [sizes[l]! * out, out].map((n) => params.slice([start], [(start += n)])) as [Tensor, Tensor];
    return a
      .matmul(w.reshape([sizes[l]!, out]))
      .add(b)
      .sigmoid();
  }, input);
}

/** The mean of ½‖y − a‖² over the points. */
const cost = (params: Tensor): Tensor => net(x(), params).sub(y()).square().sum(1).mean().mul(0.5);

/** Steps in a dispatch: a GPU stops a kernel that takes seconds. */
const atOnce = 2000;

export const netbp: SequenceTask = {
  description: "the two-class toy of Higham and Higham: 2-2-3-2, sigmoid, one point a step, η = 0.05",
  takes: ["steps", "lr"],
  async run(device, { seed, steps = 1_000_000, lr = 0.05 }, print) {
    const key = keyOf(seed);
    const initial = normalValues(fold(key, 0), [total]).map((v) => Math.fround(v / 2));
    const { state } = device.put({
      state: {
        params: { ...f32(total), data: initial } as NdArray,
        step: { ...u32(), data: new Uint32Array(1) } as NdArray,
      },
    });
    const stepsEach = Math.min(atOnce, steps);
    const training = await device.compile(
      ({ state: { params, step } }) => {
        const loop = { sizes, steps: stepsEach, rate: lr };
        const next = netLoop(params, concat([x(), y()], 1), step, constant(u32(2), fold(key, 1)), loop);
        return { state: { params: next, step: step.add(stepsEach) } };
      },
      { state: { params: f32(total), step: u32() } },
      { carry: ["state"], label: "netbp" },
    );
    const look = await device.compile(({ params }) => ({ cost: cost(params), map: map(params) }), {
      params: f32(total),
    });
    const curve: number[] = [];
    let picture: NdArray | undefined;
    const runs = Math.ceil(steps / stepsEach);
    const repeat = Math.ceil(runs / 40);
    for (let done = 0; done < runs; done += repeat) {
      training.run({ state }, { repeat });
      const seen = look.run({ params: state.params });
      curve.push((await seen.cost.read()).data[0]!);
      picture = await seen.map.read();
      const step = (done + repeat) * stepsEach;
      if (curve.length % 5 === 0)
        print(`step ${step} · cost ${curve.at(-1)!.toExponential(2)}`, { step, cost: curve.at(-1)! });
    }
    const low = Math.log10(Math.min(...curve));
    const high = Math.log10(Math.max(...curve));
    const bar = (v: number) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.floor((8 * (Math.log10(v) - low)) / (high - low || 1)))];
    print(
      `cost over ${runs * stepsEach} steps, logarithmic, 10^${high.toFixed(1)} to 10^${low.toFixed(1)}: ${curve.map(bar).join("")}`,
    );
    print("the unit square: shaded where the net says o, blank where it says x");
    for (const line of boundary(picture!)) print(line);
    training.dispose();
    look.dispose();
    return { cost: curve.at(-1)! };
  },
};

const [across, down] = [48, 20];
/** For each cell of the unit square, rows from the top: a[0] − a[1]. */
function map(params: Tensor): Tensor {
  const cells = Array.from({ length: across * down }, (_, k) => [
    ((k % across) + 0.5) / across,
    1 - (Math.floor(k / across) + 0.5) / down,
  ]);
  const [a, b] = net(constant(f32(across * down, 2), cells.flat()), params).split(2, 1) as [Tensor, Tensor];
  return a.sub(b);
}

/** The decision boundary, with the points: o of the first class, x of the second. */
function boundary({ data }: NdArray): string[] {
  const cells = Array.from(data, (v): string => (v > 0 ? "░" : " "));
  for (let i = 0; i < count; i++) {
    const column = Math.min(across - 1, Math.floor(points[i]! * across));
    const row = Math.min(down - 1, Math.floor((1 - points[count + i]!) * down));
    cells[row * across + column] = i < 5 ? "o" : "x";
  }
  return Array.from({ length: down }, (_, r) => cells.slice(r * across, (r + 1) * across).join(""));
}
