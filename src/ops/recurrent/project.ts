// Projection: a recurrence whose lanes hold their columns (shaders/held.ts) takes over the product x·Wx + b of all its steps, if that is short: a few more
// columns to hold, instead of G·H values a row written by one kernel and read by another.
import type { StepSpec } from "../../plan/step.ts";
import { type NdArray, ndarray } from "../../shape/ndarray.ts";

type Input = StepSpec["inputs"][number];

/** What a view shows in another shape. */
const source = (ref: Input): Input => (ref.step.name === "reshape" ? source(ref.step.inputs[0] as Input) : ref);

/** Of a ref [T,B,G·H] that is x·Wx + b, row by row: x [T·B,F], Wx [F,G·H] and b [G·H]. */
function projectionOf(ref: Input): [x: Input, wx: Input, b: Input] | null {
  const sum = source(ref).step;
  if (sum.name !== "add") return null;
  const [left, b] = sum.inputs as [Input, Input];
  const { name, inputs } = source(left).step;
  const [x, wx] = inputs as [Input, Input];
  // one that is split is a sum of its parts
  if (name !== "matmul" || inputs.length !== 2 || x.type.shape.length !== 2 || wx.type.shape.length !== 2) return null;
  const width = ref.type.shape.at(-1);
  return wx.type.shape[1] === width && b.type.shape.length === 1 && b.type.shape[0] === width ? [x, wx, b] : null;
}

/** The step with x, Wx and b in the place of its first input, and `projected` among its parameters; null if that is no such product, or its F
 *  is no multiple of four (quads share it out), or does not fit. */
export function withProjection(spec: StepSpec, fits: (features: number) => boolean): StepSpec | null {
  const [z, ...others] = spec.inputs as [Input, ...Input[]];
  const made = projectionOf(z);
  const features = made?.[1].type.shape[0] as number;
  if (!made || features % 4 !== 0 || !fits(features)) return null;
  const { shape } = z.type;
  const width = shape.at(-1) as number;
  const project = (x: NdArray, wx: NdArray, b: NdArray): NdArray =>
    ndarray({ dtype: "f32", shape }, (i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      let sum = b.data[column] as number;
      for (let k = 0; k < features; k++) sum += x.data[row * features + k]! * wx.data[k * width + column]!;
      return sum;
    });
  return {
    ...spec,
    inputs: [...made, ...others],
    params: { ...(spec.params as object), projected: true },
    reference: ([x, wx, b, ...rest]) => spec.reference([project(x!, wx!, b!), ...rest]),
  };
}
