// The graphs of training: a step, and a snapshot. Plain functions of Tensors.
//
// A step takes its batch, runs the model forward, differentiates the loss, updates, and writes loss and correct count into a ring: everything
// is on the device, and step t is a function of the state and the data alone.
import { grad } from "../autodiff/backward.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import { foldTensor, type Key } from "../nn/key.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/losses.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { f32, u32 } from "../shape/types.ts";
import { concat, constant, full, iota, isTensor, randomBits, type Tensor } from "../tensor.ts";
import { mapLeaves, type Trees } from "./program.ts";

/** How examples are drawn. "shuffle": each epoch is another permutation, cut into batches; what is left over (fewer than a batch) waits for
 *  the next epoch's permutation. "replacement": each example independently. "sequential": in the order of the data, the rest left out. */
export type Sampling = "shuffle" | "replacement" | "sequential";

/** All that a step is made from. */
export interface StepSpec {
  /** What is trained. */
  readonly model: Layer;
  /** What is made small. */
  readonly loss: Loss;
  /** How. */
  readonly optimizer: Optimizer;
  /** Stored inputs to what the model takes. */
  readonly prepare: (x: Tensor) => Tensor;
  /** How examples are drawn. */
  readonly sampling: Sampling;
  /** Of what is random. */
  readonly key: Key;
  /** In the data. */
  readonly examples: number;
  /** Examples in a step. */
  readonly batchSize: number;
  /** Targets are class labels: count how many are predicted. */
  readonly labels: boolean;
}

/** Steps whose loss and correct count are kept: the most between two reports. */
export const historyLength = 1024;

export const stepsPerEpoch = ({ examples, batchSize }: Pick<StepSpec, "examples" | "batchSize">): number =>
  Math.floor(examples / batchSize);

/** u8 becomes f32 in [0, 1]; f32 stays. */
export const toUnitRange = (x: Tensor): Tensor => (x.dtype === "u8" ? x.cast("f32").mul(1 / 255) : x);

/** Labels are stored as they come and used as i32. */
export const targetOf = (y: Tensor): Tensor => (y.dtype === "f32" ? y : y.cast("i32"));

/** What a step changes. */
export interface State {
  readonly params: Tree<Tensor>;
  readonly optimizer: Trees<Tensor>;
  readonly model: Tree<Tensor>;
  /** u32[]: steps done. */
  readonly step: Tensor;
  /** f32[historyLength, 2]: loss and correct count of step t in row t mod historyLength. */
  readonly history: Tensor;
}

/** The indices u32[B] of the step's examples. */
function indices({ sampling, key, examples, batchSize }: StepSpec, step: Tensor): Tensor {
  const words = constant(u32(2), key);
  if (sampling === "replacement") return randomBits(words.add(step), [batchSize]).rem(examples);
  const perEpoch = stepsPerEpoch({ examples, batchSize });
  const position = iota(u32(batchSize)).add(step.rem(perEpoch).mul(batchSize));
  return sampling === "sequential" ? position : position.shuffleIndex(words.add(step.div(perEpoch)), examples);
}

/** Forward and backward of one step. */
export function gradients(spec: StepSpec, inputs: Trees<Tensor>) {
  const state = inputs.state as unknown as State;
  const data = inputs.data as Record<"x" | "y", Tensor>;
  const rows = indices(spec, state.step);
  const target = targetOf(data.y.gather(rows));
  const key = foldTensor(constant(u32(2), spec.key).add(state.step), 1);
  const { y, state: model } = spec.model.apply(
    { params: state.params, state: state.model },
    spec.prepare(data.x.gather(rows)),
    { training: true, key },
  );
  const loss = spec.loss(y, target, { reduction: "mean" });
  const params = leaves(state.params, isTensor);
  const found = grad(
    loss,
    params.map(({ value }) => value),
  );
  const byPath = new Map(params.map(({ path }, i) => [path, found[i] as Tensor]));
  const tree = mapLeaves(state.params, isTensor, (_, path) => byPath.get(path) as Tensor);
  return { state, y, target, model, loss, tree };
}

/** The state after it. */
export function next(spec: StepSpec, g: ReturnType<typeof gradients>): State {
  const { state, y, target, model, loss, tree } = g;
  const { params, state: optimizer } = spec.optimizer.update(tree, state.params, state.optimizer, state.step);
  const correct = spec.labels ? y.argmax(-1).equal(target).cast("f32").sum() : full(f32(), 0);
  const row = concat([loss.reshape([1]), correct.reshape([1])], 0);
  const here = iota(u32(historyLength, 1)).equal(state.step.rem(historyLength));
  const history = row.broadcastTo([historyLength, 2]).where(here, state.history);
  return { params, optimizer, model, step: state.step.add(1), history };
}

/** { state, data } → { state }: one step. */
export const trainStep =
  (spec: StepSpec) =>
  (inputs: Trees<Tensor>): Trees<Tensor> => ({ state: next(spec, gradients(spec, inputs)) as unknown as Tree<Tensor> });

/** Not finite where an element of t is not. */
export const size = (t: Tensor): Tensor => t.abs().sum();

/** { state } → a copy of it but the history, and `summary`: the history, then Σ|p| of each parameter, in one array. */
export const snapshot = (inputs: Trees<Tensor>): Trees<Tensor> => {
  const { history, ...copy } = inputs.state as unknown as State;
  const sizes = leaves(copy.params, isTensor).map(({ value }) => size(value).reshape([1]));
  return {
    copy: copy as unknown as Tree<Tensor>,
    summary: concat([history.reshape([2 * historyLength]), ...sizes], 0),
  };
};
