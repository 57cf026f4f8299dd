// Many steps of stochastic gradient descent on a small net, in one kernel: for nets so small that a dispatch a step is all overhead.
//
// A net of sigmoids, C = ½‖y − a‖² of one row, drawn with replacement a step (Higham and Higham, SIAM Review 61, 2019):
//
//   a⁽ˡ⁾ = σ(a⁽ˡ⁻¹⁾·W⁽ˡ⁾ + b⁽ˡ⁾),  δᴸ = (a − y)∘a(1 − a),  δ⁽ˡ⁾ = (W⁽ˡ⁺¹⁾δ⁽ˡ⁺¹⁾)∘a(1 − a),  W⁽ˡ⁾ −= η·a⁽ˡ⁻¹⁾δ⁽ˡ⁾ᵀ,  b⁽ˡ⁾ −= η·δ⁽ˡ⁾
import { netLoop as code } from "../../shaders/netLoop.ts";
import type { Op } from "../graph/op.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import { threefry } from "./counter.ts";
import { custom } from "./custom.ts";
import { requireDtype } from "./define.ts";

export interface NetLoopParams {
  /** Neurons of each layer, inputs first. */
  readonly sizes: readonly number[];
  readonly steps: number;
  readonly rate: number;
}

const countOf = (sizes: readonly number[]): number =>
  sizes.slice(1).reduce((sum, out, l) => sum + (sizes[l]! + 1) * out, 0);

/** (parameters f32[P], layer by layer weights [in, out] and biases [out]; rows f32[N, in + out] of inputs and targets; step u32[]; key u32[2])
 *  → parameters after `steps` steps. Step s takes row threefry(key, (s, 0)) mod N. */
export const netLoop: Op<NetLoopParams> = {
  name: "netLoop",
  type([p, rows, step, key], { sizes }) {
    const count = countOf(sizes);
    const width = sizes[0]! + sizes.at(-1)!;
    requireDtype("netLoop", "the parameters", p!, "f32");
    requireDtype("netLoop", "the rows", rows!, "f32");
    requireDtype("netLoop", "the step", step!, "u32");
    requireDtype("netLoop", "the key", key!, "u32");
    if (!sameShape(p!.shape, [count]) || rows!.shape.length !== 2 || rows!.shape[1] !== width)
      throw new ShapeError(
        `netLoop: a net of ${sizes.join("-")} takes f32[${count}] and rows f32[N,${width}], got ${printType(p!)} and ${printType(rows!)}; join weights and biases`,
      );
    return [p!];
  },
  reference([p, rows, step, key], { sizes, steps, rate }, [type]) {
    const data = Float64Array.from(p!.data);
    const [count, width] = rows!.shape as [number, number];
    const eta = Math.fround(rate);
    for (let k = 0; k < steps; k++) {
      const [bits] = threefry(key!.data[0]!, key!.data[1]!, (step!.data[0]! + k) >>> 0, 0);
      const row = Array.from(rows!.data.subarray((bits % count) * width, ((bits % count) + 1) * width));
      const activations = [row.slice(0, sizes[0])];
      const starts: number[] = [];
      let start = 0;
      for (let l = 0; l + 1 < sizes.length; l++) {
        const [inputs, out] = [sizes[l]!, sizes[l + 1]!];
        starts.push(start);
        const z = Array.from({ length: out }, (_, j) =>
          activations[l]!.reduce((sum, a, i) => sum + a * data[start + i * out + j]!, data[start + inputs * out + j]!),
        );
        activations.push(z.map((v) => 1 / (1 + Math.exp(-v))));
        start += (inputs + 1) * out;
      }
      let error = activations.at(-1)!.map((a, j) => a - row[sizes[0]! + j]!);
      for (let l = sizes.length - 2; l >= 0; l--) {
        const [inputs, out] = [sizes[l]!, sizes[l + 1]!];
        const delta = error.map((e, j) => e * activations[l + 1]![j]! * (1 - activations[l + 1]![j]!));
        const weight = (i: number, j: number) => starts[l]! + i * out + j;
        error = activations[l]!.map((_, i) => delta.reduce((sum, d, j) => sum + d * data[weight(i, j)]!, 0));
        delta.forEach((d, j) => {
          for (let i = 0; i < inputs; i++) data[weight(i, j)]! -= eta * d * activations[l]![i]!;
          data[weight(inputs, j)]! -= eta * d;
        });
      }
    }
    return [{ ...type!, data }];
  },
  kernel: {
    ...custom,
    dispatches: ({ inputs: [, rows], params: { sizes, steps, rate } }) => [
      {
        label: "netLoop",
        workgroupSize: [1, 1, 1],
        workgroups: [1, 1, 1],
        multiplyAdds: 3 * steps * countOf(sizes),
        code: ({ inputs, outputs: [out] }) => {
          const [params, data, step, key] = inputs as [string, string, string, string];
          const loop = { sizes, rows: rows!.shape[0]!, steps, rate };
          return { declarations: "", body: code(loop, { params, data, step, key, out: out! }) };
        },
      },
    ],
  },
  gradient: null,
};
