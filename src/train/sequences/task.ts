// What a task over sequences is: data of its own, a net, and its own way to say how well it went. Tasks of images are in ../tasks.ts.
import type { Device } from "../../device.ts";
import { threefry } from "../../ops/counter.ts";
import type { NdArray } from "../../shape/ndarray.ts";
import { numel, type TensorType } from "../../shape/types.ts";
import type { Trainer } from "../trainer.ts";

export type CellName = "lstm" | "gru" | "rnn";

export interface SequenceArgs {
  readonly seed: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly cell?: CellName;
  /** Of a sequence. */
  readonly length?: number;
  /** What char-rnn learns. */
  readonly text?: string;
  /** Of the samples that char-rnn draws. */
  readonly temperature?: number;
}

/** Takes a line for people, and what it says for programs. */
export type Print = (line: string, values?: Readonly<Record<string, number | string>>) => void;

export interface SequenceTask {
  readonly description: string;
  /** Which arguments it takes, beside the seed. */
  readonly takes: readonly Exclude<keyof SequenceArgs, "seed">[];
  /** Trains and tests; the result is what the task is judged by. */
  run(device: Device, args: SequenceArgs, print: Print): Promise<Record<string, number>>;
}

/** Random numbers of the host. */
export class Draw {
  readonly #seed: number;
  #count = 0;
  constructor(seed: number) {
    this.#seed = seed;
  }
  /** In [0, 1). */
  unit(): number {
    return threefry(this.#seed, 0x736571, this.#count++, 0)[0] / 2 ** 32;
  }
  /** In 0 … n − 1. */
  below(n: number): number {
    return Math.floor(n * this.unit());
  }
}

export const filled = (type: TensorType, values: Iterable<number>): NdArray => {
  const data = new Float64Array(numel(type.shape));
  let i = 0;
  for (const v of values) data[i++] = Math.fround(v);
  return { ...type, data };
};

/** Trains for a number of steps and prints a line every so often. The mean loss of the last report. */
export async function train(trainer: Trainer, steps: number, print: Print, unit = ""): Promise<number> {
  let loss = Number.NaN;
  let next = 0;
  for await (const p of trainer.fit({ steps })) {
    loss = p.loss;
    if (p.seconds < next && p.step < p.lastStep) continue;
    next = p.seconds + 2;
    const line = `step ${p.step} of ${p.lastStep} · loss ${p.loss.toFixed(4)}${unit} · ${Math.round(p.examplesPerSecond)} examples/s`;
    print(line, { step: p.step, steps: p.lastStep, loss: p.loss, examplesPerSecond: p.examplesPerSecond });
  }
  return loss;
}
