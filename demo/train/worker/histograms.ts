// The spread of each parameter's values and of its gradient, for one batch of the training data.
import { type DeviceArray, full, grad, type NdArray, type Tensor, type TensorType, takeExamples, u32 } from "wgrad";
import { compile, leavesOf } from "./programs.ts";
import type { Session } from "./session.ts";

export interface Histogram {
  /** The values lie in −limit … limit. */
  readonly limit: number;
  readonly counts: readonly number[];
  readonly deviation: number;
}

export interface Spread {
  /** The parameter, as conv0.weight. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Histogram;
  readonly gradient: Histogram;
}

const bins = 41;

export function histogram(data: ArrayLike<number>): Histogram {
  let [limit, squares] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    limit = Math.max(limit, Math.abs(v));
    squares += v * v;
  }
  const counts = new Array<number>(bins).fill(0);
  const scale = limit > 0 ? bins / (2 * limit) : 0;
  for (let i = 0; i < data.length; i++)
    counts[Math.min(bins - 1, Math.floor(((data[i] as number) + limit) * scale))]!++;
  return { limit, counts, deviation: Math.sqrt(squares / data.length) };
}

interface Look {
  now(): Promise<Spread[]>;
  dispose(): void;
}

export async function spreads({ device, made: { settings }, setup, variables }: Session): Promise<Look> {
  const { arrays, types } = variables;
  const { model, loss, prepare = (x: Tensor) => (x.dtype === "u8" ? x.cast("f32").div(255) : x) } = settings;
  const batch = takeExamples(settings.data, 0, setup.batch);
  const typeOf = ({ dtype, shape }: NdArray): TensorType => ({ dtype, shape });
  const context = { training: false, key: full(u32(2), 0) };
  const program = await compile(
    device,
    ({ params, model: state, x, y }) => {
      const output = model.apply({ params: params!, state: state! }, prepare(x as Tensor), context).y;
      const target = y as Tensor;
      const cost = loss(output, target.dtype === "f32" ? target : target.cast("i32"));
      const wanted = leavesOf<Tensor>(params!).map(([, tensor]) => tensor);
      return { gradients: grad(cost, wanted) };
    },
    { ...types, x: typeOf(batch.x), y: typeOf(batch.y) },
    { label: "gradients" },
  );
  const data = device.put({ x: batch.x, y: batch.y });
  const params = leavesOf<DeviceArray>(arrays.params);
  return {
    async now() {
      const { gradients } = program.run({ ...arrays, ...data }) as { gradients: DeviceArray[] };
      return Promise.all(
        params.map(async ([name, array], i): Promise<Spread> => {
          const [values, gradient] = await Promise.all([array.read(), (gradients[i] as DeviceArray).read()]);
          return { name, shape: array.type.shape, values: histogram(values.data), gradient: histogram(gradient.data) };
        }),
      );
    },
    dispose() {
      program.dispose();
      data.x.dispose();
      data.y.dispose();
    },
  };
}
