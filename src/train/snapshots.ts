// The last good state: a copy on the device, made with each report and trusted once the report is read. Two programs take turns, since the copy
// of one report must last until the next is trusted.
import type { DeviceArray } from "../device.ts";
import type { Tree } from "../graph/tree.ts";
import type { NdArray } from "../shape/ndarray.ts";
import {
  compileTree,
  disposeTree,
  isDeviceArray,
  mapLeaves,
  readTree,
  type TreeProgram,
  writeTree,
} from "./program.ts";
import { snapshot } from "./step.ts";
import type { Trainer } from "./trainer.ts";

interface Copy {
  readonly step: number;
  readonly arrays: Tree<DeviceArray>;
}

export class Snapshots {
  readonly #trainer: Trainer;
  readonly #programs: readonly TreeProgram[];
  /** In the order in which they were taken; the first is good. */
  #copies: Copy[] = [];
  #taken = 0;

  private constructor(trainer: Trainer, programs: readonly TreeProgram[]) {
    this.#trainer = trainer;
    this.#programs = programs;
  }

  /** Begins with a copy of the state as it is. */
  static async create(trainer: Trainer): Promise<Snapshots> {
    const types = { state: stateTypes(trainer) };
    const compile = () => compileTree(trainer.device, snapshot, types, { label: "snapshot" });
    const snapshots = new Snapshots(trainer, [await compile(), await compile()]);
    snapshots.take();
    return snapshots;
  }

  /** Copies the state as it is after what was submitted. Gives the history and the sizes of the parameters (step.ts). */
  take(): Promise<NdArray> {
    const program = this.#programs[this.#taken++ % 2] as TreeProgram;
    const { copy, summary } = program.run({ state: this.#trainer.state });
    this.#copies.push({ step: this.#trainer.step, arrays: copy as Tree<DeviceArray> });
    const values = this.#copies.length > 1 ? (summary as DeviceArray).read() : Promise.resolve(empty);
    (summary as DeviceArray).dispose();
    return values;
  }

  /** The copy taken last is good; the one before is not needed any more. */
  accept(): void {
    const before = this.#copies.shift();
    if (before) disposeTree(before.arrays);
  }

  /** Puts the last good state back. Gives its step. */
  async restore(): Promise<number> {
    const { step, arrays } = this.#copies[0] as Copy;
    const { history: _, ...target } = this.#trainer.state;
    writeTree(target, await readTree(arrays));
    this.#trainer.step = step;
    return step;
  }

  dispose(): void {
    for (const { arrays } of this.#copies) disposeTree(arrays);
    for (const program of this.#programs) program.dispose();
  }
}

const empty: NdArray = { dtype: "f32", shape: [0], data: new Float64Array(0) };

/** Of what a trainer's step changes. */
export const stateTypes = (trainer: Trainer): Tree<DeviceArray["type"]> =>
  mapLeaves(trainer.state as Tree<DeviceArray>, isDeviceArray, ({ type }) => type);
