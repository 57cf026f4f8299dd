// TrainerHost: a trainer that lives in a Web Worker and is led from a page. The worker exposes one, the page connects to it (client.ts):
//
//     expose(new TrainerHost(async (setup: Setup) => ({ trainer: await Trainer.create({ … }), test })));
//
// What is asked for while a run is under way is done between two of its reports. Subclass it to offer more.
import { type ProxyMarked, releaseProxy, transfer } from "comlink";
import type { Dataset } from "../data/dataset.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import { ValueError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import type { Evaluation } from "../train/evaluate.ts";
import type { FitOptions, Progress } from "../train/fit.ts";
import { historyLength } from "../train/step.ts";
import type { Trainer } from "../train/trainer.ts";

/** What a worker makes of the setup that the page sends. */
export interface Hosted {
  /** The one that is led. */
  readonly trainer: Trainer;
  /** What `evaluate` measures on, and a run with `validate` after each epoch. */
  readonly test?: Dataset;
}

/** What a page may want to know of a trainer. */
export interface TrainerInfo {
  /** The adapter's name. */
  readonly adapter: string;
  /** The adapter computes on a CPU. */
  readonly software: boolean;
  /** Examples in a step. */
  readonly batchSize: number;
  /** A ragged last batch is not one. */
  readonly stepsPerEpoch: number;
}

/** FitOptions that can be sent. Pausing begins earlyStopping anew. */
export interface RunOptions extends Pick<FitOptions, "epochs" | "steps" | "reportEvery" | "earlyStopping"> {
  /** Evaluates the test set after each epoch. */
  readonly validate?: boolean;
}

/** How a run ended. */
export interface RunEnd {
  /** Steps done since the trainer was made. */
  readonly step: number;
  /** "stopped": by `stop`. "early": validation did not improve. */
  readonly ended: "finished" | "stopped" | "early";
}

/** Gets each report; what it returns is waited for before the next. */
export type OnProgress = (progress: Progress) => void | Promise<void>;

/** A run, and what the page wants of it. */
interface Run {
  wish: "run" | "pause" | "stop";
  /** No step is under way. */
  idle: boolean;
  /** Wakes those who wait for a change of it. */
  changed(): void;
}

/** A trainer that lives in a Web Worker and is led from a page, one method at a time. */
export class TrainerHost<Setup = void> {
  readonly #make: (setup: Setup) => Promise<Hosted>;
  #hosted: Hosted | undefined;
  #run: Run | undefined;
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(make: (setup: Setup) => Promise<Hosted>) {
    this.#make = make;
  }

  /** Makes the trainer; one that was there is stopped and disposed. */
  async create(setup: Setup): Promise<TrainerInfo> {
    await this.dispose();
    const hosted = await this.#make(setup);
    this.#hosted = hosted;
    const { device, spec, stepsPerEpoch } = hosted.trainer;
    const { name: adapter, software } = device;
    return { adapter, software, batchSize: spec.batchSize, stepsPerEpoch };
  }

  /** Trains until all is done, or `stop`; a paused run is not over. At most one report is on its way to the page. Throws what `fit` throws. */
  async start(options: RunOptions, onProgress: OnProgress): Promise<RunEnd> {
    const { trainer, test } = this.hosted;
    if (this.#run) throw new ValueError("start: a run is under way; stop it first");
    const { validate, ...rest } = options;
    if (validate && !test) throw new ValueError("start: there is no test set to validate on; give the host one");
    let fit: FitOptions = validate ? { ...rest, validation: test } : rest;
    let lastStep = Number.POSITIVE_INFINITY;
    const run = this.#begin();
    try {
      while (trainer.step < lastStep && (await this.#settled(run))) {
        if (trainer.step >= lastStep) break; // by single steps
        if (lastStep < Number.POSITIVE_INFINITY) fit = { ...fit, epochs: undefined, steps: lastStep - trainer.step };
        const last = await this.#reports(run, trainer.fit(fit), onProgress);
        if (last.stopped) return { step: trainer.step, ended: "early" };
        lastStep = last.lastStep;
      }
      return { step: trainer.step, ended: trainer.step < lastStep ? "stopped" : "finished" };
    } finally {
      this.#run = undefined;
      run.changed();
      (onProgress as Partial<ProxyMarked & { [releaseProxy](): void }>)[releaseProxy]?.();
    }
  }

  /** Holds the run after the report that is under way; resolves when it stands still. */
  async pause(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    if (run.wish === "run") run.wish = "pause";
    await this.#until(() => run.idle || this.#run !== run);
  }

  /** Goes on with a paused run. */
  resume(): void {
    if (this.#run?.wish !== "pause") return;
    this.#run.wish = "run";
    this.#run.changed();
  }

  /** Ends the run after the report that is under way, paused or not; the weights stay. */
  async stop(): Promise<void> {
    const run = this.#run;
    if (!run) return;
    run.wish = "stop";
    run.changed();
    await this.#until(() => this.#run !== run);
  }

  /** Trains `n` steps, at most as many as a report covers, when no run is under way or the one that is is paused: its steps count. */
  async step(n = 1): Promise<Progress> {
    const { trainer } = this.hosted;
    if (!Number.isInteger(n) || n < 1 || n > historyLength)
      throw new ValueError(`step: n must be an integer from 1 to ${historyLength}, got ${n}; call it more often`);
    if (this.#run && !this.#run.idle) throw new ValueError("step: a run is under way; pause it first");
    return this.alone(async () => {
      let last: Progress | undefined;
      for await (const progress of trainer.fit({ steps: n, reportEvery: n })) last = progress;
      return last as Progress;
    });
  }

  /** Of the test set, or of one that is sent. */
  evaluate(data?: Dataset): Promise<Evaluation> {
    const { trainer, test } = this.hosted;
    const set = data ?? test;
    if (!set) throw new ValueError("evaluate: there is no test set; give one");
    return this.alone(() => trainer.evaluate(set));
  }

  /** The model's output for inputs [N, …]. */
  async predict(x: NdArray): Promise<NdArray> {
    return moved(await this.alone(() => this.hosted.trainer.predict(x)));
  }

  /** The parameters now: `{ dense0: { weight, bias }, … }`. */
  async params(): Promise<Tree<NdArray>> {
    return moved(await this.alone(() => this.hosted.trainer.params()));
  }

  /** Replaces the parameters. Throws ShapeError unless they have the model's names and types. */
  setParams(params: Tree<NdArray>): Promise<void> {
    return this.alone(async () => this.hosted.trainer.setParams(params));
  }

  /** The plan of the training step, as `printPlan` prints it. */
  async plan(): Promise<string> {
    const { program } = this.hosted.trainer;
    const { printPlan } = await import("../plan/print.ts");
    return printPlan(program.plan);
  }

  /** All that training goes on from, as `Trainer.checkpoint` gives it: bytes to keep. */
  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.alone(() => this.hosted.trainer.checkpoint());
    return transfer(bytes, [bytes.buffer]);
  }

  /** Goes back, or on, to a checkpoint. Throws what `Trainer.restore` throws, and ValueError while a run is under way and not paused. */
  async restore(checkpoint: Uint8Array): Promise<void> {
    if (this.#run && !this.#run.idle) throw new ValueError("restore: a run is under way; pause it first");
    return this.alone(() => this.hosted.trainer.restore(checkpoint));
  }

  /** Stops, and frees the trainer. */
  async dispose(): Promise<void> {
    await this.stop();
    await this.alone(async () => this.#hosted?.trainer.dispose());
    this.#hosted = undefined;
  }

  /** What `create` made. */
  protected get hosted(): Hosted {
    if (!this.#hosted) throw new ValueError("worker: there is no trainer yet; call create first");
    return this.#hosted;
  }

  /** Does something with the trainer when nothing else does, in the order of the calls. */
  protected alone<T>(f: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(f);
    this.#turn = result.catch(() => {});
    return result;
  }

  #begin(): Run {
    const changed = () => {
      for (const wake of this.#waiting.splice(0)) wake();
    };
    this.#run = { wish: "run", idle: false, changed };
    return this.#run;
  }

  /** Sends reports until there are no more or the run is to hold. Gives the last one. */
  async #reports(run: Run, reports: ReturnType<Trainer["fit"]>, onProgress: OnProgress): Promise<Progress> {
    let last: Progress | undefined;
    let delivered = Promise.resolve();
    try {
      do {
        const { value } = await this.alone(() => reports.next());
        if (!value) break;
        last = value;
        await delivered;
        delivered = Promise.resolve(onProgress(value));
        delivered.catch(() => {}); // it is thrown where it is waited for
      } while (run.wish === "run");
    } finally {
      await this.alone(() => reports.return());
    }
    await delivered;
    return last as Progress;
  }

  /** Waits while the run is paused; false if it is to stop. */
  async #settled(run: Run): Promise<boolean> {
    run.idle = true;
    run.changed();
    await this.#until(() => run.wish !== "pause");
    run.idle = false;
    return run.wish === "run";
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** The tree, its memory handed over to the page instead of copied. */
function moved<T extends Tree<NdArray>>(tree: T): T {
  const buffers = leaves(tree, isNdArray).map(({ value }) => value.data.buffer as ArrayBuffer);
  return transfer(tree, [...new Set(buffers)]);
}
