// Checkpointing: what a function makes on its way is not kept for the backward pass but computed again from its inputs, memory for time.
// Chen et al., Training deep nets with sublinear memory cost, https://arxiv.org/abs/1604.06174
//
// The planner merges equal nodes, so the second computation starts from copies in name only that are unequal: `again`. It is made during
// the backward pass, after all that comes behind the function, and so is placed there. A printed plan says what memory that saves.
import type { Op } from "../graph/op.ts";
import { view } from "../ops/define.ts";
import { apply, type Tensor } from "../tensor.ts";
import { vjp } from "./backward.ts";

/** The same value, equal to no other node but those of the same number. */
const again = view<{ pass: number }>({
  name: "again",
  type: ([x]) => [x!],
  source: (at) => ({ at }),
  reference: ([x]) => [x!],
  gradient: ([d]) => [d!],
  identity: "again",
});

let passes = 0;

/** f, with its intermediate values computed anew in the backward pass. It may be differentiated twice. f must depend on nothing that is
 *  differentiated but its inputs. */
export function checkpoint(f: (...inputs: Tensor[]) => readonly Tensor[]): (...inputs: Tensor[]) => readonly Tensor[] {
  return (...inputs) => {
    const pass = passes++;
    // gradients go by the nodes below, not through the first computation
    const outputs = f(...inputs.map((x) => (x.dtype === "f32" ? x.detach() : x)));
    return outputs.map((y, k) => {
      const recomputed: Op<Record<string, never>> = {
        name: "checkpoint",
        type: ([y]) => [y!],
        reference: ([y]) => [y!],
        kernel: { kind: "map", cost: 0, element: (at, lower) => [lower.read(0, at)] },
        identity: "same",
        gradient: ([d], { inputs: [, ...xs] }) => {
          const copies = xs.map((x) => apply(again, [x], { pass })[0] as Tensor);
          return [null, ...vjp([f(...copies)[k] as Tensor], [d as Tensor], copies)];
        },
      };
      return apply(recomputed, [y, ...inputs])[0] as Tensor;
    });
  };
}
