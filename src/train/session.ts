// A session: all that a trainer has on one device, its compiled step, state and data. When the device is lost, another one is opened.
import { batchType, checkDataset, checkLabels, countOf, type Dataset, hasLabels, typeOf } from "../data/dataset.ts";
import type { Device, DeviceArray } from "../device.ts";
import type { Tree } from "../graph/tree.ts";
import type { Config } from "../io/differences.ts";
import { fold, keyOf } from "../nn/key.ts";
import type { Layer } from "../nn/layer.ts";
import { outputType } from "../nn/layer.ts";
import type { Loss } from "../nn/losses.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { requireCount } from "../shape/count.ts";
import { ArrayError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { f32, printType, type TensorType } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import {
  checkTree,
  compileTree,
  disposeTree,
  isDeviceArray,
  putTree,
  readTree,
  type TreeCompileOptions,
  type TreeProgram,
  type Trees,
  typesOf,
} from "./program.ts";
import { historyLength, type Sampling, type StepSpec, toUnitRange, trainStep } from "./step.ts";

/** What training is made of. */
export interface SessionOptions {
  /** Where it trains. */
  readonly device: Device;
  /** What it trains. */
  readonly model: Layer;
  /** Host arrays, which are checked and uploaded, or arrays of the device, which are used where they are. */
  readonly data: Dataset<NdArray | DeviceArray>;
  /** Examples in a step. */
  readonly batchSize: number;
  /** Of the model's output and the targets: labels become i32. */
  readonly loss: Loss;
  /** How weights follow from gradients. */
  readonly optimizer: Optimizer;
  /** Of initial weights, sampling and dropout. Default: 0, or that of the checkpoint. */
  readonly seed?: number;
  /** Default: "shuffle". */
  readonly sampling?: Sampling;
  /** Stored inputs to what the model takes. Default: u8 becomes f32 in [0, 1]. */
  readonly prepare?: (x: Tensor) => Tensor;
  /** Initial parameters, in place of those that the seed gives. */
  readonly params?: Tree<NdArray>;
  /** Whether the step's kernels are chosen by timing them; see CompileOptions. Default: false. */
  readonly tune?: TreeCompileOptions["tune"];
}

export interface Session {
  readonly device: Device;
  readonly spec: StepSpec;
  /** What a checkpoint must agree with, besides what a step computes. */
  readonly config: Config;
  readonly program: TreeProgram;
  readonly input: TensorType;
  readonly output: TensorType;
  readonly state: Trees<DeviceArray>;
  readonly data: Record<"x" | "y", DeviceArray>;
  dispose(): void;
}

/** Checks everything, compiles the step and uploads the data and the state that `begin` gives in place of the initial one. Throws ValueError,
 *  ShapeError, DTypeError or ArrayError, and what `begin` throws, before any work on the device. */
export async function openSession(
  options: SessionOptions,
  begin: (initial: Trees<NdArray>, of: Pick<Session, "config" | "spec">) => Trees<NdArray>,
): Promise<Session> {
  const { device, model, data, batchSize, loss, optimizer, seed = 0, sampling = "shuffle" } = options;
  const { prepare = toUnitRange } = options;
  checkDataset(data);
  const [x, y] = [typeOf(data.x), typeOf(data.y)];
  const examples = countOf(data);
  requireCount("Trainer", "batchSize", batchSize);
  if (batchSize > examples)
    throw new ValueError(
      `Trainer: a batch is larger than the data (${batchSize} vs ${examples} examples); use a smaller batch or more data`,
    );
  if (!["shuffle", "replacement", "sequential"].includes(sampling))
    throw new ValueError(`Trainer: no sampling ${sampling}; use shuffle, replacement or sequential`);
  for (const a of [data.x, data.y])
    if (isDeviceArray(a) && a.device !== device)
      throw new ArrayError(
        `Trainer: data ${printType(a.type)} is of another device (${a.device.name} vs ${device.name}); put it on this one`,
      );

  const seedKey = keyOf(seed);
  const input = prepare(full(batchType(x, batchSize), 0)).type;
  const variables = model.init(fold(seedKey, 0), input);
  const output = outputType(model, variables, input);
  const labels = hasLabels(y);
  if (labels && output.shape.length === 2) checkLabels(data.y, output.shape[1] as number);
  const params = options.params ? checkTree("params", variables.params, options.params) : variables.params;
  const spec: StepSpec = {
    ...{ model, loss, optimizer, prepare, sampling, examples, batchSize },
    key: fold(seedKey, 1),
    labels: labels && output.shape.length === 2,
  };
  const config = { seed, sampling, batchSize, x: printType(x), y: printType(y), optimizer: optimizer.name };
  const initial = {
    params,
    optimizer: optimizer.init(params),
    model: variables.state,
    step: { dtype: "u32", shape: [], data: new Uint32Array(1) },
    history: { ...f32(historyLength, 2), data: new Float64Array(2 * historyLength) },
  } as const;
  const held = begin(initial, { config, spec });
  const types = { state: typesOf(held), data: { x, y } };
  const program = await compileTree(device, trainStep(spec), types, {
    carry: ["state"],
    label: "train",
    tune: options.tune ?? false,
  });
  const ownsData = !isDeviceArray(data.x);
  const uploaded = ownsData ? putTree(device, { x: data.x as NdArray, y: data.y as NdArray }) : data;
  const state = putTree(device, held) as Trees<DeviceArray>;
  return {
    ...{ device, spec, config, program, input, output, state },
    data: uploaded as Record<"x" | "y", DeviceArray>,
    dispose() {
      program.dispose();
      disposeTree(state);
      if (ownsData) disposeTree(uploaded as Tree<DeviceArray>);
    },
  };
}

/** The state on the host, with all that was submitted. The copies are submitted before this returns; what is submitted after runs on meanwhile. */
export const readState = async ({ state }: Pick<Session, "state">): Promise<Trees<NdArray>> =>
  (await readTree(state)) as Trees<NdArray>;

/** The step that a state is of. */
export const stepOf = (state: Trees<NdArray>): number => (state.step as NdArray).data[0] as number;
