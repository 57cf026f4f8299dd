// The graphs of evaluation and prediction. Plain functions of Tensors.
import type { Tree } from "../graph/tree.ts";
import { predict } from "../nn/layer.ts";
import { u32 } from "../shape/types.ts";
import { iota, type Tensor } from "../tensor.ts";
import type { Trees } from "./program.ts";
import { type StepSpec, targetOf } from "./step.ts";

/** What an evaluation adds up. */
interface Tally {
  /** u32[]: the next example. */
  readonly position: Tensor;
  /** f32[]: the sum of the losses of the examples so far. */
  readonly loss: Tensor;
  /** f32[classes, classes]: how often label i was predicted as j. Exact up to 2²⁴. Only of labels. */
  readonly confusion?: Tensor;
}

/** { tally, params, model, data } → { tally }: one batch more. The last batch is filled up with the last example, which then counts once. */
export const evaluateStep =
  (spec: StepSpec) =>
  (inputs: Trees<Tensor>): Trees<Tensor> => {
    const tally = inputs.tally as unknown as Tally;
    const data = inputs.data as Record<"x" | "y", Tensor>;
    const { examples, batchSize } = spec;
    const position = iota(u32(batchSize)).add(tally.position);
    const counts = position.less(examples).cast("f32");
    const rows = position.minimum(examples - 1);
    const target = targetOf(data.y.gather(rows));
    const y = predictStep(spec)({
      params: inputs.params as Tree<Tensor>,
      model: inputs.model as Tree<Tensor>,
      x: data.x.gather(rows),
    }).y as Tensor;
    const losses = spec.loss(y, target, { reduction: "none" });
    const perExample = losses.rank > 1 ? losses.mean(losses.shape.slice(1).map((_, d) => d + 1)) : losses;
    const hot = (label: Tensor) => label.oneHot(y.shape.at(-1) as number);
    const predicted = () => hot(y.argmax(-1)).mul(counts.reshape([batchSize, 1]));
    return {
      tally: {
        position: tally.position.add(batchSize),
        loss: tally.loss.add(perExample.mul(counts).sum()),
        ...(tally.confusion ? { confusion: tally.confusion.add(hot(target).transpose().matmul(predicted())) } : {}),
      },
    };
  };

/** { params, model, x } → { y }: the model's output outside training. */
export const predictStep =
  (spec: Pick<StepSpec, "model" | "prepare">) =>
  ({ params, model, x }: Trees<Tensor>): Trees<Tensor> => {
    const variables = { params: params as Tree<Tensor>, state: model as Tree<Tensor> };
    return { y: predict(spec.model, variables, spec.prepare(x as Tensor)) };
  };
