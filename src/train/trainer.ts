// The trainer: holds a model's variables and its data on a device, and the compiled training step. fit.ts runs it, evaluate.ts measures.

import { batchType, checkDataset, checkLabels, countOf, type Dataset, hasLabels, typeOf } from "../data/dataset.ts";
import type { Device, DeviceArray } from "../device.ts";
import type { Recorder } from "../gpu/program.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import { fold, keyOf } from "../nn/key.ts";
import type { Layer } from "../nn/layer.ts";
import { outputType } from "../nn/layer.ts";
import type { Loss } from "../nn/losses.ts";
import type { Optimizer } from "../optim/optimizer.ts";
import { ArrayError, DeviceError, ShapeError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { f32, printType, sameType, type TensorType } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import { type Evaluation, Evaluator } from "./evaluate.ts";
import { type FitOptions, type Progress, train } from "./fit.ts";
import {
  compileTree,
  disposeTree,
  isDeviceArray,
  isNdArray,
  mapLeaves,
  putTree,
  readTree,
  type TreeCompileOptions,
  type TreeProgram,
  type Trees,
  typesOf,
  writeTree,
} from "./program.ts";
import { historyLength, type Sampling, type StepSpec, stepsPerEpoch, toUnitRange, trainStep } from "./step.ts";

export interface TrainerOptions {
  readonly device: Device;
  readonly model: Layer;
  /** Host arrays, which are checked and uploaded, or arrays of the device, which are used where they are. */
  readonly data: Dataset<NdArray | DeviceArray>;
  readonly batchSize: number;
  /** Of the model's output and the targets: labels become i32. */
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** Of initial weights, sampling and dropout. Default: 0. */
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

export class Trainer implements AsyncDisposable {
  readonly device: Device;
  readonly spec: StepSpec;
  /** The training step. */
  readonly program: TreeProgram;
  /** The type of the model's output for a batch. */
  readonly output: TensorType;
  /** Everything that a step changes. Its arrays are the same at every step. */
  readonly state: Trees<DeviceArray>;
  readonly data: Record<"x" | "y", DeviceArray>;
  /** Steps submitted so far. */
  step = 0;
  #evaluator: Evaluator;
  #ownsData: boolean;
  #fitting = false;

  private constructor(
    o: Pick<Trainer, "device" | "spec" | "program" | "output" | "state" | "data">,
    ownsData: boolean,
  ) {
    this.device = o.device;
    this.spec = o.spec;
    this.program = o.program;
    this.output = o.output;
    this.state = o.state;
    this.data = o.data;
    this.#ownsData = ownsData;
    this.#evaluator = new Evaluator(this);
  }

  /** Checks everything, makes the initial weights, uploads the data and compiles the step. Throws ValueError, ShapeError, DTypeError or
   *  ArrayError before any work on the device. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { device, model, data, batchSize, loss, optimizer, seed = 0, sampling = "shuffle" } = options;
    const { prepare = toUnitRange } = options;
    checkDataset(data);
    const [x, y] = [typeOf(data.x), typeOf(data.y)];
    const examples = countOf(data);
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ValueError(`Trainer: batchSize must be a positive integer, got ${batchSize}; correct it`);
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
    const params = options.params ? checkParams(variables.params, options.params) : variables.params;
    const spec: StepSpec = {
      ...{ model, loss, optimizer, prepare, sampling, examples, batchSize },
      key: fold(seedKey, 1),
      labels: labels && output.shape.length === 2,
    };
    const initial = {
      params,
      optimizer: optimizer.init(params),
      model: variables.state,
      step: { dtype: "u32", shape: [], data: new Uint32Array(1) } as NdArray,
      history: { ...f32(historyLength, 2), data: new Float64Array(2 * historyLength) } as NdArray,
    };
    const types = { state: typesOf(initial), data: { x, y } };
    const program = await compileTree(device, trainStep(spec), types, {
      carry: ["state"],
      label: "train",
      tune: options.tune ?? false,
    });
    const ownsData = !isDeviceArray(data.x);
    const uploaded = ownsData ? putTree(device, { x: data.x as NdArray, y: data.y as NdArray }) : data;
    const state = putTree(device, initial) as Trees<DeviceArray>;
    return new Trainer(
      { device, spec, program, output, state, data: uploaded as Record<"x" | "y", DeviceArray> },
      ownsData,
    );
  }

  /** Steps in an epoch: a ragged last batch is not one. */
  get stepsPerEpoch(): number {
    return stepsPerEpoch(this.spec);
  }

  /** Trains, and gives progress as it goes; see FitOptions. Leave the loop at any time: training stops, the weights stay. Throws the signal's
   *  reason when it is aborted, and NonFiniteError when a loss or a parameter is not finite. */
  async *fit(options: FitOptions): AsyncGenerator<Progress, void, void> {
    if (this.#fitting) throw new ValueError("fit: the trainer is in another fit; let that end first");
    this.#fitting = true;
    try {
      yield* train(this, options);
    } finally {
      this.#fitting = false;
    }
  }

  /** Records `steps` steps (default: 1) into an encoder or an open compute pass of yours: they train when you submit it. Nothing is read back;
   *  `state.history` has the losses (f32[1024, 2]: loss and correct count of step t in row t mod 1024), `state.params` the weights, both for
   *  your own passes. Throws DeviceError on a device that takes no encoder, and ValueError in the midst of a fit. */
  encode(into: Recorder, { steps = 1 }: { readonly steps?: number } = {}): void {
    if (!this.program.encode)
      throw new DeviceError(`encode: ${this.device.name} takes no encoder; train on a GPU, or call fit`);
    if (this.#fitting) throw new ValueError("encode: the trainer is in a fit; let that end first");
    this.program.encode(into, { state: this.state, data: this.data }, { repeat: steps });
    this.step += steps;
  }

  /** Loss, accuracy and confusion matrix over all of a data set, which stays on the device for the next time. */
  evaluate(data: Dataset, options: { readonly batchSize?: number } = {}): Promise<Evaluation> {
    return this.#evaluator.evaluate(data, options.batchSize ?? 500);
  }

  /** The model's output for inputs [N, …]. */
  predict(x: NdArray, options: { readonly batchSize?: number } = {}): Promise<NdArray> {
    return this.#evaluator.predict(x, options.batchSize ?? 500);
  }

  /** The parameters now: `{ dense0: { weight, bias }, … }`. */
  params(): Promise<Tree<NdArray>> {
    return readTree(this.state.params as Tree<DeviceArray>);
  }

  /** Replaces the parameters. Throws ShapeError unless they have the model's names and types. */
  setParams(params: Tree<NdArray>): void {
    const held = mapLeaves(this.state.params as Tree<DeviceArray>, isDeviceArray, ({ type }) => ({
      ...type,
      data: new Float64Array(0),
    }));
    writeTree(this.state.params as Tree<DeviceArray>, checkParams(held, params));
  }

  /** Frees programs and arrays; arrays that were given stay. */
  dispose(): void {
    this.#evaluator.dispose();
    this.program.dispose();
    disposeTree(this.state as Tree<DeviceArray>);
    if (this.#ownsData) disposeTree(this.data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.synchronize();
    this.dispose();
  }
}

/** `given`, in the order of the model's own, if it has the same names and types. */
function checkParams(own: Tree<NdArray>, given: Tree<NdArray>): Tree<NdArray> {
  const byPath = new Map(leaves(given, isNdArray).map(({ path, value }) => [path, value]));
  const checked = mapLeaves(own, isNdArray, (wanted, path) => {
    const value = byPath.get(path);
    byPath.delete(path);
    if (!value) throw new ShapeError(`params: ${path} is missing; the model wants ${printType(wanted)}`);
    if (!sameType(value, wanted))
      throw new ShapeError(`params: ${path} is ${printType(value)} (vs ${printType(wanted)}); give the model's shape`);
    return value;
  });
  const [extra] = byPath.keys();
  if (extra !== undefined) throw new ShapeError(`params: the model has no ${extra}; leave it out`);
  return checked;
}
