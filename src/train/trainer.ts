// The trainer: holds a model's variables and its data on a device, and the compiled training step. fit.ts runs it, evaluate.ts measures.

import type { Dataset } from "../data/dataset.ts";
import type { Device, DeviceArray } from "../device.ts";
import type { Recorder } from "../gpu/program.ts";
import type { Tree } from "../graph/tree.ts";
import type { Layer, Variables } from "../nn/layer.ts";
import { DeviceError, DeviceLostError, ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import type { Evaluation, Evaluator } from "./evaluate.ts";
import { type FitOptions, type Progress, train } from "./fit.ts";
import type { Keeper, NextDevice, OnLost } from "./keeper.ts";
import { checkTree, readTree, type TreeProgram, type Trees, typesOf, writeTree } from "./program.ts";
import { openSession, readState, type Session, type SessionOptions, stepOf } from "./session.ts";
import { type StepSpec, stepsPerEpoch } from "./step.ts";

/** Options of Trainer.create. */
export interface TrainerOptions extends SessionOptions {
  /** Goes on from here, bit for bit: the bytes that `checkpoint` gave. All other options must be as they were. */
  readonly checkpoint?: Uint8Array;
  /** What happens when the device is lost. Default: "fail". */
  readonly onLost?: OnLost;
  /** Seconds between the copies of the state in the host's memory that `onLost` goes back to. Default: 5. */
  readonly keepEvery?: number;
}

// What a page needs later, or never, is loaded when it is.
const checkpoints = () => import("./checkpoints.ts");
const evaluation = () => import("./evaluate.ts");
const keepers = () => import("./keeper.ts");

/** Holds a model's variables and its data on a device, and the compiled training step. */
export class Trainer implements AsyncDisposable {
  /** Steps submitted so far. */
  step: number;
  readonly #options: TrainerOptions;
  /** Null if the trainer is to fail with its device. */
  readonly #keeper: Keeper | null;
  #session: Session;
  #evaluator: Evaluator | undefined;
  #fitting = false;

  private constructor(
    options: TrainerOptions,
    session: Session,
    state: Trees<NdArray>,
    Keepers: typeof Keeper | undefined,
  ) {
    this.step = stepOf(state);
    this.#options = options;
    this.#session = session;
    this.#keeper = Keepers ? new Keepers(this, options, state, (next, kept) => this.#move(next, kept)) : null;
  }

  /** Checks everything, makes the initial weights, uploads the data and compiles the step. Throws ValueError, ShapeError, DTypeError or
   *  ArrayError, and of a checkpoint what `restore` throws, before any work on the device. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { onLost = "fail", keepEvery } = options;
    const keeping = onLost === "fail" && keepEvery === undefined ? undefined : await keepers();
    keeping?.checkOnLost(options);
    const checkpoint = options.checkpoint && (await checkpoints()).open(options.checkpoint, options.params);
    const given = { ...options, seed: options.seed ?? checkpoint?.seed ?? 0 };
    let begun: Trees<NdArray> = {};
    const session = await openSession(given, (initial, of) => {
      begun = checkpoint
        ? checkpoint.stateFor({ ...of, data: options.data }, typesOf(initial) as Trees<TensorType>)
        : initial;
      return begun;
    });
    return new Trainer(given, session, begun, onLost === "fail" ? undefined : keeping?.Keeper);
  }

  /** Where it trains: another one than it was given, once that was lost. */
  get device(): Device {
    return this.#session.device;
  }

  /** What it trains. */
  get model(): Layer {
    return this.spec.model;
  }

  /** What a step is made from. */
  get spec(): StepSpec {
    return this.#session.spec;
  }

  /** The training step. */
  get program(): TreeProgram {
    return this.#session.program;
  }

  /** The type of a batch as the model takes it. */
  get input(): TensorType {
    return this.#session.input;
  }

  /** The type of the model's output for a batch. */
  get output(): TensorType {
    return this.#session.output;
  }

  /** Everything that a step changes. Its arrays are the same at every step. */
  get state(): Trees<DeviceArray> {
    return this.#session.state;
  }

  /** What it trains on. */
  get data(): Record<"x" | "y", DeviceArray> {
    return this.#session.data;
  }

  /** Steps in an epoch: a ragged last batch is not one. */
  get stepsPerEpoch(): number {
    return stepsPerEpoch(this.spec);
  }

  /** Trains, and gives progress as it goes; see FitOptions. Leave the loop at any time: training stops, the weights stay. Throws the signal's
   *  reason when it is aborted, NonFiniteError when a loss or a parameter is not finite, and DeviceLostError, unless `onLost` says otherwise. */
  async *fit(options: FitOptions): AsyncGenerator<Progress, void, void> {
    this.#notFitting("fit");
    this.#fitting = true;
    try {
      yield* train(this, this.#keeper, options);
    } finally {
      this.#fitting = false;
    }
  }

  #notFitting(what: string): void {
    if (this.#fitting) throw new ValueError(`${what}: the trainer is in a fit; let that end first`);
  }

  /** Records `steps` steps (default: 1) into an encoder or an open compute pass of yours: they train when you submit it. Nothing is read back;
   *  `state.history` has the losses (f32[1024, 2]: loss and correct count of step t in row t mod 1024), `state.params` the weights, both for
   *  your own passes. Throws DeviceError on a device that takes no encoder, and ValueError in the midst of a fit. */
  encode(into: Recorder, { steps = 1 }: { readonly steps?: number } = {}): void {
    if (!this.program.encode)
      throw new DeviceError(`encode: ${this.device.name} takes no encoder; train on a GPU, or call fit`);
    this.#notFitting("encode");
    this.program.encode(into, { state: this.state, data: this.data }, { repeat: steps });
    this.step += steps;
  }

  /** Loss, accuracy and confusion matrix over all of a data set, which stays on the device for the next time. */
  evaluate(data: Dataset, options: { readonly batchSize?: number } = {}): Promise<Evaluation> {
    return this.#surviving(async () => (await this.#evaluation()).evaluate(data, options.batchSize ?? 500));
  }

  /** The model's output for inputs [N, …]. */
  predict(x: NdArray, options: { readonly batchSize?: number } = {}): Promise<NdArray> {
    return this.#surviving(async () => (await this.#evaluation()).predict(x, options.batchSize ?? 500));
  }

  /** The parameters now: `{ dense0: { weight, bias }, … }`. */
  params(): Promise<Tree<NdArray>> {
    return this.#surviving(() => readTree(this.state.params as Tree<DeviceArray>));
  }

  /** Replaces the parameters. Throws ShapeError unless they have the model's names and types. */
  setParams(params: Tree<NdArray>): void {
    const own = this.state.params as Tree<DeviceArray>;
    writeTree(own, checkTree("params", own, params));
    this.#keeper?.rebase();
  }

  /** The parameters, and what layers keep besides (running statistics), now. */
  async variables(): Promise<Variables<NdArray>> {
    const read = () => readTree({ params: this.state.params!, state: this.state.model! });
    return (await this.#surviving(read)) as unknown as Variables<NdArray>;
  }

  /** Replaces both. The state of the optimizer stays. Throws ShapeError unless they have the model's names and types. */
  setVariables(variables: Variables<NdArray>): void {
    const own = { params: this.state.params!, state: this.state.model! };
    writeTree(own, checkTree("variables", own, { ...variables }));
    this.#keeper?.rebase();
  }

  /** All that training goes on from: weights, the optimizer's state, the step, and with it the random state and the position in the data, of the
   *  steps submitted so far. Training need not stop for it. The bytes are a safetensors file (io/checkpoint.ts). */
  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    const state = await this.#surviving(() => readState(this));
    return (await checkpoints()).write(this.#session, state, this.device.kind === "cpu");
  }

  /** Goes back, or on, to a checkpoint: from there it trains bit for bit as the trainer that gave it, on an adapter of the same kind. Throws
   *  CheckpointError, which says all that differs, on a checkpoint of another model, loss, optimizer (with their options), data shape, batch
   *  size, seed, sampling or version; FormatError on bytes that are none. What is not compared: the data's values. */
  async restore(checkpoint: Uint8Array): Promise<void> {
    const { stateFrom } = await checkpoints();
    this.#notFitting("restore");
    const state = stateFrom(checkpoint, this.#session);
    writeTree(this.state, state);
    this.step = stepOf(state);
    this.#keeper?.keep(state);
  }

  async #evaluation(): Promise<Evaluator> {
    const { Evaluator } = await evaluation();
    this.#evaluator ??= new Evaluator(this);
    return this.#evaluator;
  }

  /** Does something with the device, and where `onLost` says so, again on another one if it is lost meanwhile. */
  async #surviving<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      const { device } = this;
      try {
        const result = await work();
        this.#keeper?.succeeded();
        return result;
      } catch (error) {
        if (!this.#keeper) throw error;
        await this.#keeper.recover(error, device);
      }
    }
  }

  /** Goes on from `state` on another device, up to the trainer's step. */
  async #move({ device, data = this.#options.data }: NextDevice, state: Trees<NdArray>): Promise<void> {
    const { reopen } = await keepers(); // it is there: the keeper called
    const options = { ...this.#options, device, data };
    const session = await reopen(options, this.#session, state, this.step).catch((error) => {
      this.#disposeOwn(device);
      throw error;
    });
    this.dispose();
    this.#session = session;
    this.#evaluator = undefined;
    this.step = Math.max(this.step, stepOf(state));
  }

  /** Frees programs and arrays; arrays that were given stay. */
  dispose(): void {
    this.#evaluator?.dispose();
    this.#session.dispose();
    this.#disposeOwn(this.device);
  }

  /** Disposes of a device that nobody else knows: one that `onLost: "resume"` asked for. */
  #disposeOwn(device: Device): void {
    if (this.#options.onLost === "resume" && device !== this.#options.device) device.dispose();
  }

  /** Waits for what was submitted, then frees everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.device.synchronize();
    } catch (error) {
      if (!(error instanceof DeviceLostError)) throw error; // then there is nothing to wait for
    } finally {
      this.dispose();
    }
  }
}
