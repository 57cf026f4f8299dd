// The last good state: a copy on the device, made with each report and trusted once the report is read. Two programs take turns, since the copy
// of one report must last until the next is trusted.
import type { DeviceArray } from "../device.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import type { NdArray } from "../shape/ndarray.ts";
import {
  compileTree,
  disposeTree,
  isDeviceArray,
  isNdArray,
  mapLeaves,
  readTree,
  type TreeProgram,
  writeTree,
} from "./program.ts";
import { examinedStep, snapshot } from "./step.ts";
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

  /** Runs again from the last good state up to `badStep` and looks at every tensor of the last two steps: at the one in which a loss was not
   *  finite, and at the one before, whose update may have made it so. Gives the first tensor that is not finite. */
  async examine(badStep: number): Promise<{ step: number; tensor: string } | undefined> {
    const { state, data, device, program, spec } = this.#trainer;
    const good = await this.restore();
    const first = Math.max(good, badStep - 1);
    if (first > good) program.run({ state, data }, { repeat: first - good });
    const types = { state: stateTypes(this.#trainer), data: { x: data.x.type, y: data.y.type } };
    const examined = await compileTree(device, examinedStep(spec), types, { carry: ["state"], label: "examine" });
    try {
      for (let step = first; step <= badStep; step++) {
        const { looks } = examined.run({ state, data });
        const sizes = leaves(await readTree(looks as Tree<DeviceArray>), isNdArray);
        disposeTree(looks as Tree<DeviceArray>);
        const bad = sizes.find(({ value }) => !Number.isFinite(value.data[0]));
        if (bad) return { step, tensor: bad.path };
      }
      return undefined;
    } finally {
      examined.dispose();
    }
  }

  dispose(): void {
    for (const { arrays } of this.#copies) disposeTree(arrays);
    for (const program of this.#programs) program.dispose();
  }
}

const empty: NdArray = { dtype: "f32", shape: [0], data: new Float64Array(0) };

const stateTypes = (trainer: Trainer): Tree<DeviceArray["type"]> =>
  mapLeaves(trainer.state as Tree<DeviceArray>, isDeviceArray, ({ type }) => type);
