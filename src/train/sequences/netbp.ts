// The toy of Higham and Higham, "Deep Learning: An Introduction for Applied Mathematicians" (SIAM Review 61, 2019): ten points in two
// classes, a 2-2-3-2 net of sigmoids, C = (1/N) Σ ½‖y − a‖², one point drawn with replacement a step, η = 0.05.
//
// A run is thousands of steps in one submit: each takes its point, differentiates and updates, and the cost goes into a ring every so often.

import { grad } from "../../autodiff/backward.ts";
import type { Device, DeviceArray } from "../../device.ts";
import { fold, keyOf, normalValues } from "../../nn/key.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { f32, u32 } from "../../shape/types.ts";
import { constant, randomBits, type Tensor } from "../../tensor.ts";
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
const layers = sizes.slice(1).map((out, l) => ({ w: f32(sizes[l]!, out), b: f32(out) }));
type Layers<T> = readonly { readonly w: T; readonly b: T }[];

const net = (input: Tensor, params: Layers<Tensor>): Tensor =>
  params.reduce((a, { w, b }) => a.matmul(w).add(b).sigmoid(), input);

/** ½‖y − a‖², the mean over the rows. */
const cost = (params: Layers<Tensor>, rows: Tensor, targets: Tensor): Tensor =>
  net(rows, params).sub(targets).square().sum(1).mean().mul(0.5);

type Carry<T> = { readonly params: Layers<T>; readonly step: T };

function program(device: Device, key: readonly [number, number], rate: number) {
  const types = { state: { params: layers, step: u32() } } as const;
  const step = ({ state }: { state: Carry<Tensor> }) => {
    const { params } = state;
    const row = randomBits(constant(u32(2), key).add(state.step), [1]).rem(count);
    const flat = params.flatMap(({ w, b }) => [w, b]);
    const gradients = grad(cost(params, x().gather(row), y().gather(row)), flat);
    const next = flat.map((p, i) => p.sub(gradients[i]!.mul(rate)));
    const updated = params.map((_, l) => ({ w: next[2 * l]!, b: next[2 * l + 1]! }));
    return { state: { params: updated, step: state.step.add(1) } };
  };
  return device.compile(step as never, types, { carry: ["state"], label: "netbp" });
}

export const netbp: SequenceTask = {
  description: "the two-class toy of Higham and Higham: 2-2-3-2, sigmoid, one point a step, η = 0.05",
  async run(device, { seed, steps = 1_000_000, lr = 0.05 }, print) {
    const key = keyOf(seed);
    const initial = layers.map(({ w, b }, l) => ({
      w: { ...w, data: normalValues(fold(key, 2 * l), w.shape).map((v) => Math.fround(v / 2)) },
      b: { ...b, data: normalValues(fold(key, 2 * l + 1), b.shape).map((v) => Math.fround(v / 2)) },
    }));
    const state = device.put({
      params: initial,
      step: { ...u32(), data: new Uint32Array(1) } as NdArray,
    } as never) as unknown as Carry<DeviceArray>;
    const training = await program(device, fold(key, 99), lr);
    const look = await device.compile(
      (({ params }: { params: Layers<Tensor> }) => ({ cost: cost(params, x(), y()), map: map(params) })) as never,
      { params: layers } as never,
    );
    const curve: number[] = [];
    let picture: NdArray | undefined;
    const chunk = Math.max(1, Math.floor(steps / 40));
    const atOnce = Math.min(chunk, 2000);
    for (let done = 0; done < steps; ) {
      for (const end = Math.min(steps, done + chunk); done < end; ) {
        const repeat = Math.min(atOnce, end - done);
        training.run({ state } as never, { repeat });
        done += repeat;
        if (device.kind === "gpu") await device.synchronize();
      }
      const seen = look.run({ params: state.params } as never) as unknown as Record<"cost" | "map", DeviceArray>;
      curve.push((await seen.cost.read()).data[0]!);
      picture = await seen.map.read();
      if (curve.length % 8 === 0)
        print(`step ${done} of ${steps} · cost ${curve.at(-1)!.toExponential(2)}`, { step: done, cost: curve.at(-1)! });
    }
    const low = Math.log10(Math.min(...curve));
    const high = Math.log10(Math.max(...curve));
    const bar = (v: number) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.floor((8 * (Math.log10(v) - low)) / (high - low || 1)))];
    print(`cost, logarithmic, 10^${high.toFixed(1)} to 10^${low.toFixed(1)}: ${curve.map(bar).join("")}`);
    for (const line of boundary(picture!)) print(line);
    training.dispose();
    look.dispose();
    return { cost: curve.at(-1)! };
  },
};

const [across, down] = [48, 20];
/** For each cell of the unit square, rows from the top: a[0] − a[1]. */
function map(params: Layers<Tensor>): Tensor {
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
