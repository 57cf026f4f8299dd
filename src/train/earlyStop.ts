// Early stopping: training ends when the validation measure has not improved for some epochs, and the weights of the best one come back.
import type { Dataset } from "../data/dataset.ts";
import type { Tree } from "../graph/tree.ts";
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { Evaluation } from "./evaluate.ts";
import { readTree, writeTree } from "./program.ts";
import type { Trainer } from "./trainer.ts";

/** When training ends before its time. */
export interface EarlyStopping {
  /** Epochs without improvement after which training ends. */
  readonly patience: number;
  /** Default: "loss". */
  readonly monitor?: "loss" | "accuracy";
  /** What counts as an improvement. Default: 0, anything better. */
  readonly minDelta?: number;
  /** Puts the parameters and the state of the best epoch back at the end. Default: true. */
  readonly restoreBest?: boolean;
}

export class EarlyStop {
  readonly #trainer: Trainer;
  readonly #options: Required<EarlyStopping>;
  #best = Number.POSITIVE_INFINITY;
  #without = 0;
  #kept: readonly Tree<NdArray>[] | undefined;

  constructor(trainer: Trainer, options: EarlyStopping, validation: Dataset | undefined) {
    const { patience, monitor = "loss", minDelta = 0, restoreBest = true } = options;
    if (!validation) throw new ValueError("fit: earlyStopping needs validation data; give some");
    if (!Number.isInteger(patience) || patience < 1)
      throw new ValueError(`earlyStopping: patience must be a positive integer, got ${patience}; it counts epochs`);
    if (!(minDelta >= 0))
      throw new ValueError(`earlyStopping: minDelta must be a number ≥ 0, got ${minDelta}; correct it`);
    if (monitor === "accuracy" && !trainer.spec.labels)
      throw new ValueError("earlyStopping: accuracy needs labels; monitor the loss");
    this.#trainer = trainer;
    this.#options = { patience, monitor, minDelta, restoreBest };
  }

  get #variables() {
    const { params, model } = this.#trainer.state;
    return [params!, model!];
  }

  /** Takes an epoch's evaluation; true when training should end. */
  async after(evaluation: Evaluation): Promise<boolean> {
    const { monitor, minDelta, patience, restoreBest } = this.#options;
    const value = monitor === "loss" ? evaluation.loss : -(evaluation.accuracy as number);
    if (value < this.#best - minDelta) {
      if (restoreBest) this.#kept = await Promise.all(this.#variables.map(readTree));
      this.#best = value; // once it is kept: reading fails when the device is lost
      this.#without = 0;
    } else this.#without++;
    return this.#without >= patience;
  }

  /** Puts back what was best. */
  async restore(): Promise<void> {
    for (const [i, values] of (this.#kept ?? []).entries()) writeTree(this.#variables[i]!, values);
  }
}
