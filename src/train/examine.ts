// Where a training stopped being finite: its last steps again, with a look at every tensor. Only a failure needs it.
import type { DeviceArray } from "../device.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import { NonFiniteError } from "../shape/errors.ts";
import { isTensor, type Tensor } from "../tensor.ts";
import { compileTree, disposeTree, isNdArray, readTree, type Trees } from "./program.ts";
import { type Snapshots, stateTypes } from "./snapshots.ts";
import { gradients, next, type StepSpec, size } from "./step.ts";
import type { Trainer } from "./trainer.ts";

/** The same step, which also gives Σ|t| of the tensors on its way, in order: not finite where one of t is not. */
const examinedStep =
  (spec: StepSpec) =>
  (inputs: Trees<Tensor>): Trees<Tensor> => {
    const g = gradients(spec, inputs);
    const state = next(spec, g);
    const sizes = (name: string, tree: Tree<Tensor>) =>
      leaves(tree, isTensor).map(({ path, value }) => [`${name} ${path}`, size(value)] as const);
    const looks = [
      ["the model's output", size(g.y)] as const,
      ["the loss", size(g.loss)] as const,
      ...sizes("the gradient of", g.tree).reverse(), // as the backward pass makes them
      ...sizes("the state", g.model),
      ...sizes("the updated", state.params),
    ];
    return { state: state as unknown as Tree<Tensor>, looks: Object.fromEntries(looks) };
  };

/** A tensor of a step that is not finite. */
interface NotFinite {
  readonly step: number;
  readonly tensor: string;
}

/** The error of a fit that has `seen` something that is not finite: it says where that began. The trainer is put back to the last good state. */
export async function explain(trainer: Trainer, snapshots: Snapshots, seen: NotFinite): Promise<NonFiniteError> {
  const found = (await examine(trainer, await snapshots.restore(), seen.step)) ?? seen;
  const kept = await snapshots.restore();
  return new NonFiniteError(
    `fit: in step ${found.step} ${found.tensor} is not finite; lower the learning rate, clip the gradients or check the data; the trainer has the weights of step ${kept} again`,
    { cause: found },
  );
}

/** Runs a trainer that stands at step `good` up to `badStep` and looks at every tensor of the last two steps: at the one in which a loss was not
 *  finite, and at the one before, whose update may have made it so. Gives the first tensor that is not finite. */
async function examine(trainer: Trainer, good: number, badStep: number): Promise<NotFinite | undefined> {
  const { state, data, device, program, spec } = trainer;
  const first = Math.max(good, badStep - 1);
  if (first > good) program.run({ state, data }, { repeat: first - good });
  const types = { state: stateTypes(trainer), data: { x: data.x.type, y: data.y.type } };
  const examined = await compileTree(device, examinedStep(spec), types, { carry: ["state"], label: "examine" });
  try {
    for (let step = first; step <= badStep; step++) {
      const { looks } = examined.run({ state, data });
      const sizes = leaves(await readTree(looks as Tree<DeviceArray>), isNdArray);
      disposeTree(looks as Tree<DeviceArray>);
      const bad = sizes.find(({ value }) => !Number.isFinite(value.data[0]));
      if (bad) return { step, tensor: bad.path };
    }
    return undefined;
  } finally {
    examined.dispose();
  }
}
