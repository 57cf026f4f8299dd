// The flow: Thomas's cyclically symmetric attractor, the net that learns it, and the data that it learns from.
import { f32, type NdArray, ndarray, nn, type Tensor } from "wgrad";

/** Friction. */
const b = 0.19;

/** Half the side of the cube that it is learned in; particles that leave it begin anew. */
export const reach = 4.5;

/** The velocity at a point. */
export const thomas = ([x, y, z]: readonly number[]): number[] => [
  Math.sin(y!) - b * x!,
  Math.sin(z!) - b * y!,
  Math.sin(x!) - b * z!,
];

/** Points f32[n, 3] of the cube, and their velocities f32[n, 3]. */
export function flowData(n: number): { x: NdArray; y: NdArray } {
  // multiples of three irrational numbers fill a cube evenly
  const points = Array.from({ length: n }, (_, i) =>
    [0.8191725, 0.6710436, 0.5497005].map((a) => reach * (2 * ((i * a) % 1) - 1)),
  );
  return { x: ndarray(f32(n, 3), points.flat()), y: ndarray(f32(n, 3), points.flatMap(thomas)) };
}

/** Points f32[N, 3] → velocities f32[N, 3]. */
export const model = nn.functional(
  { first: nn.dense({ units: 24 }), second: nn.dense({ units: 24, activation: "tanh" }), last: nn.dense({ units: 3 }) },
  ({ first, second, last }, x) => last(second(first(x).sin())),
);

/** The model's parameters. */
export type Params<T> = Record<"first" | "second" | "last", Record<"weight" | "bias", T>>;

/** The net in the simulation's step: particles f32[N, 4], a position and an age each, to velocities f32[N, 3]. */
export function flow({ particles, params }: { particles: Tensor; params: Params<Tensor> }) {
  const positions = particles.slice([0, 0], [particles.shape[0]!, 3]);
  return { velocities: nn.predict(model, { params, state: {} }, positions) };
}
