// Checkpoints of a trainer, loaded when one is made or taken: what a step computes, in words, and a state's way into bytes and back.
//
// Layers, losses and optimizers are functions, whose options show in what they compute. So each is traced, and described by its ops with their
// parameters, each different one once, and by a checksum of the whole graph.
import { batchType, type Dataset, typeOf } from "../data/dataset.ts";
import type { DeviceArray } from "../device.ts";
import { toposort } from "../graph/node.ts";
import type { Tree } from "../graph/tree.ts";
import { readCheckpoint, stateOf, writeCheckpoint } from "../io/checkpoint.ts";
import { crc32 } from "../io/crc32.ts";
import type { Config, Descriptions } from "../io/differences.ts";
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType, u32 } from "../shape/types.ts";
import type { Tensor } from "../tensor.ts";
import { type Trace, trace } from "../trace.ts";
import { isDeviceArray, mapLeaves, type Trees, typesOf } from "./program.ts";
import type { Session } from "./session.ts";
import { type StepSpec, targetOf } from "./step.ts";

/** What is trained on: of the type of the data, arrays or not. */
type Data = Dataset<NdArray | DeviceArray>;

/** What of a session a checkpoint is of. */
interface Of {
  readonly config: Config;
  readonly spec: StepSpec;
  readonly data: Data;
}

/** The bytes of a checkpoint. */
export const write = (of: Of, state: Trees<NdArray>, float64: boolean): Uint8Array<ArrayBuffer> =>
  writeCheckpoint({ config: of.config, computes: computes(of, typesOf(state) as Trees<TensorType>) }, state, float64);

/** A checkpoint's seed, and its state for a session like the one that it is of. Throws ValueError if parameters are given besides. */
export function open(bytes: Uint8Array, params?: Tree<NdArray>) {
  if (params)
    throw new ValueError(
      "Trainer: params and checkpoint are both given; a checkpoint has parameters, leave out params",
    );
  const checkpoint = readCheckpoint(bytes);
  return {
    seed: Number(checkpoint.config.seed),
    stateFor: (of: Of, types: Trees<TensorType>) =>
      stateOf(checkpoint, { config: of.config, computes: computes(of, types) }, types) as Trees<NdArray>,
  };
}

/** A checkpoint's state, for a session that is open. */
export function stateFrom(bytes: Uint8Array, session: Session): Trees<NdArray> {
  const types = mapLeaves<DeviceArray, TensorType>(session.state, isDeviceArray, ({ type }) => type);
  return open(bytes).stateFor(session, types as Trees<TensorType>);
}

/** Of a training they stay as they are. */
const described = new WeakMap<StepSpec, Descriptions>();

/** What the model, the loss and the optimizer's update compute. */
function computes(of: Of, types: Trees<TensorType>): Descriptions {
  let found = described.get(of.spec);
  if (!found) described.set(of.spec, (found = compute(of, types)));
  return found;
}

function compute({ spec, data }: Of, types: Trees<TensorType>): Descriptions {
  const { model, loss, optimizer, prepare, batchSize } = spec;
  const [x, y] = [batchType(typeOf(data.x), batchSize), batchType(typeOf(data.y), batchSize)];
  const { params = {}, model: state = {}, optimizer: slots = {} } = types;
  const forward = trace(
    ({ params, state, x, key }: { params: Tree<Tensor>; state: Tree<Tensor>; x: Tensor; key: Tensor }) =>
      model.apply({ params, state }, prepare(x), { training: true, key }),
    { params, state, x, key: u32(2) },
  );
  const output = (forward.outputTree as { readonly y: Tensor }).y.type;
  const compared = trace(({ p, y }: Record<"p" | "y", Tensor>) => [loss(p, targetOf(y), { reduction: "mean" })], {
    ...{ p: output, y },
  });
  const update = trace(
    (t: { params: Tree<Tensor>; gradients: Tree<Tensor>; state: Trees<Tensor>; step: Tensor }) =>
      optimizer.update(t.gradients, t.params, t.state, t.step),
    { params, gradients: params, state: slots, step: u32() },
  );
  return { model: describe(forward), loss: describe(compared), update: describe(update) };
}

/** A description is readable, and no copy of the graph: the longest text of a part, and how many there are. */
const most = { text: 80, parts: 200 };

/** Another engine's logarithm may have another last digit. */
const rounded = (_: string, value: unknown): unknown =>
  typeof value === "number" ? Number(value.toPrecision(6)) : value;

/** The ops of a graph with their parameters, each different one once, constants as numbers; and a checksum of all. */
function describe({ outputs }: Trace): string[] {
  const nodes = toposort(outputs.map(({ value }) => value));
  const number = new Map(nodes.map((node, i) => [node, i]));
  const ref = ({ node, output }: Tensor) => `%${number.get(node)}.${output}`;
  const parts = new Set<string>();
  let sum = 0;
  for (const { op, params, inputs, types } of nodes) {
    const { type: _, ...rest } = params;
    const text = JSON.stringify(rest, rounded);
    const line = `${types.map(printType)} = ${op.name}(${inputs.map(ref)}) ${text}\n`;
    sum = crc32(new TextEncoder().encode(line), sum);
    const words = text.replace(/["{}]/g, "").replaceAll(":", " ");
    if (op.name === "full") parts.add(words.replace("value ", ""));
    else if (op.name !== "input") parts.add(`${op.name} ${words}`.trim().slice(0, most.text));
  }
  sum = crc32(new TextEncoder().encode(`${outputs.map(({ path, value }) => path + ref(value))}`), sum);
  return [...[...parts].slice(0, most.parts), `graph ${sum.toString(16)}`];
}
