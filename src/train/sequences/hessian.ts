// How sharply a loss curves: the largest eigenvalue λ of its Hessian, by power iteration on Hessian–vector products (autodiff/hvp.ts), while
// gradient descent trains. A step of rate η multiplies the error along an eigenvector by 1 − ηλ, so that descent is stable where λ < 2/η; on
// neural nets λ grows until it is about there (Cohen et al. 2021, https://arxiv.org/abs/2103.00065).
import { grad } from "../../autodiff/backward.ts";
import { hvp, inner, powerStep } from "../../autodiff/hvp.ts";
import type { DeviceArray } from "../../device.ts";
import { fold, keyOf, normalValues } from "../../nn/key.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { f32, type TensorType } from "../../shape/types.ts";
import { constant, type Tensor } from "../../tensor.ts";
import { filled, type SequenceTask } from "./task.ts";

const sizes = [1, 16, 16, 1];
const examples = 64;

const axis = Array.from({ length: examples }, (_, i) => (2 * i) / (examples - 1) - 1);
const x = () => constant(f32(examples, 1), axis);
const y = () =>
  constant(
    f32(examples, 1),
    axis.map((v) => Math.sin(4 * v)),
  );

/** Weights [in, out] and biases [out], layer by layer; tanh between. */
function loss(params: readonly Tensor[]): Tensor {
  const layers = params.length / 2;
  const output = Array.from({ length: layers }, (_, l) => l).reduce((a, l) => {
    const z = a.matmul(params[2 * l]!).add(params[2 * l + 1]!);
    return l < layers - 1 ? z.tanh() : z;
  }, x());
  return output.sub(y()).square().mean();
}

export const hessian: SequenceTask = {
  description: "the largest eigenvalue of the Hessian by power iteration, as gradient descent trains a small net",
  takes: ["steps", "lr"],
  async run(device, { seed, steps = 4000, lr = 0.05 }, print) {
    const key = keyOf(seed);
    const shapes = sizes.slice(1).flatMap((out, l) => [[sizes[l]!, out], [out]]);
    const types: TensorType[] = shapes.map((shape) => f32(...shape));
    const draw = (part: number) => types.map((t, i) => normalValues(fold(fold(key, part), i), t.shape));
    const start = draw(0).map((values, i): NdArray => {
      const [fanIn, out] = shapes[i] as [number, number?];
      const deviation = out ? 1 / Math.sqrt(fanIn) : 0;
      return filled(
        types[i]!,
        Array.from(values, (v) => v * deviation),
      );
    });
    const training = await device.compile(
      ({ params }) => ({ params: grad(loss(params), params).map((g, i) => params[i]!.sub(g.mul(lr))) }),
      { params: types },
      { carry: ["params"], label: "descent" },
    );
    const pair = { params: types, v: types };
    const power = await device.compile(({ params, v }) => powerStep(loss, params, v), pair, {
      carry: ["v"],
      label: "power iteration",
    });
    const look = await device.compile(({ params, v }) => {
      const { value, hv, curvature } = hvp(loss, params, v);
      const off = hv.map((t, i) => t.sub(v[i]!.mul(curvature)));
      return { loss: value, eigenvalue: curvature, residual: inner(off, off).sqrt().div(curvature.abs()) };
    }, pair);
    const { params, v } = device.put({ params: start, v: draw(1).map((values, i) => filled(types[i]!, values)) });
    const read = async (a: DeviceArray) => (await a.read()).data[0]!;
    print(
      `descent of rate ${lr} is stable while the largest eigenvalue λ is below 2/${lr} = ${(2 / lr).toPrecision(3)}`,
    );
    const parts = Math.min(10, steps);
    const found = { loss: Number.NaN, eigenvalue: Number.NaN, residual: Number.NaN };
    for (let part = 0; part <= parts; part++) {
      if (part > 0) training.run({ params }, { repeat: Math.ceil(steps / parts) });
      // v goes on from the eigenvector that was found before
      power.run({ params, v }, { repeat: 100 });
      const seen = look.run({ params, v });
      for (const name of ["loss", "eigenvalue", "residual"] as const) found[name] = await read(seen[name]);
      const step = part * Math.ceil(steps / parts);
      print(
        `step ${step} · loss ${found.loss.toFixed(4)} · λ ${found.eigenvalue.toPrecision(4)}, ‖Hv − λv‖/|λ| ${found.residual.toExponential(0)}`,
        { step, ...found },
      );
    }
    for (const program of [training, power, look]) program.dispose();
    return found;
  },
};
