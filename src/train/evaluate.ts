// Evaluation and prediction: programs of their own, made at the first use for a type of data and kept.
import { chunks, joinRows } from "../data/chunks.ts";
import { batchType, checkDataset, checkLabels, countOf, type Dataset } from "../data/dataset.ts";
import type { DeviceArray } from "../device.ts";
import type { Tree } from "../graph/tree.ts";
import { requireCount } from "../shape/count.ts";
import { ShapeError, ValueError } from "../shape/errors.ts";
import { allocate, type NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType } from "../shape/types.ts";
import { evaluateStep, predictStep } from "./evaluateStep.ts";
import {
  compileTree,
  disposeTree,
  isDeviceArray,
  mapLeaves,
  putTree,
  readTree,
  type TreeProgram,
  type Trees,
  typesOf,
  writeTree,
} from "./program.ts";
import type { Trainer } from "./trainer.ts";

/** What a data set says of a model. */
export interface Evaluation {
  /** How many there were. */
  readonly examples: number;
  /** The mean loss of the examples. */
  readonly loss: number;
  /** Of labels: how many are predicted, the share of them, and confusion[i][j], how often label i was predicted as j. */
  readonly correct?: number;
  /** correct/examples. */
  readonly accuracy?: number;
  /** confusion[i][j]: how often label i was predicted as j. */
  readonly confusion?: readonly (readonly number[])[];
}

interface Prepared {
  readonly program: TreeProgram;
  /** Arrays that the program's runs use. */
  readonly held: Trees<DeviceArray>;
}

/** Batches in one submit. */
const batchesPerRun = 16;

export class Evaluator {
  readonly #trainer: Trainer;
  readonly #evaluations = new Map<Dataset, Promise<Prepared>>();
  readonly #predictions = new Map<string, Promise<Prepared>>();

  constructor(trainer: Trainer) {
    this.#trainer = trainer;
  }

  async evaluate(data: Dataset, batchSize: number): Promise<Evaluation> {
    const { state } = this.#trainer;
    const examples = this.#check(data, batchSize);
    const size = Math.min(batchSize, examples);
    let prepared = this.#evaluations.get(data);
    if (!prepared) this.#evaluations.set(data, (prepared = this.#prepareEvaluation(data, size)));
    const { program, held } = await prepared;
    writeTree(held.tally as Tree<DeviceArray>, this.#emptyTally());
    for (let left = Math.ceil(examples / size); left > 0; left -= batchesPerRun) {
      program.run({ ...held, params: state.params!, model: state.model! }, { repeat: Math.min(left, batchesPerRun) });
      if (left > batchesPerRun) await this.#trainer.device.synchronize();
    }
    const tally = (await readTree(held.tally as Tree<DeviceArray>)) as unknown as Record<string, NdArray>;
    return summarise(tally, examples);
  }

  async predict(x: NdArray, batchSize: number): Promise<NdArray> {
    const { state } = this.#trainer;
    requireCount("predict", "batchSize", batchSize);
    const n = x.shape[0] ?? 0;
    if (n < 1) throw new ValueError(`predict: there are no examples in ${printType(x)}; give at least one`);
    this.#requireInput("predict", x);
    const size = Math.min(batchSize, n);
    const key = String(size);
    let prepared = this.#predictions.get(key);
    if (!prepared) this.#predictions.set(key, (prepared = this.#preparePrediction(batchType(x, size))));
    const { program, held } = await prepared;
    const parts: NdArray[] = [];
    for (const { chunk, count } of chunks(x, size)) {
      (held.x as DeviceArray).write(chunk);
      const { y } = program.run({ ...held, params: state.params!, model: state.model! });
      const all = await (y as DeviceArray).read();
      (y as DeviceArray).dispose();
      const row = all.data.length / size;
      parts.push({ ...all, shape: [count, ...all.shape.slice(1)], data: all.data.subarray(0, count * row) });
    }
    return joinRows(parts, [n, ...(parts[0] as NdArray).shape.slice(1)]);
  }

  dispose(): void {
    for (const prepared of [...this.#evaluations.values(), ...this.#predictions.values()])
      prepared.then(
        ({ program, held }) => {
          program.dispose();
          disposeTree(held as Tree<DeviceArray>);
        },
        () => {}, // it failed where it was asked for
      );
    this.#evaluations.clear();
    this.#predictions.clear();
  }

  #check(data: Dataset, batchSize: number): number {
    requireCount("evaluate", "batchSize", batchSize);
    checkDataset(data);
    this.#requireInput("evaluate", data.x);
    const { spec, output } = this.#trainer;
    if (spec.labels) checkLabels(data.y, output.shape[1] as number);
    return countOf(data);
  }

  #requireInput(op: string, x: TensorType): void {
    const wanted = this.#trainer.data.x.type;
    if (x.dtype !== wanted.dtype || String(x.shape.slice(1)) !== String(wanted.shape.slice(1)))
      throw new ShapeError(
        `${op}: inputs are ${printType(x)}, the model is trained on ${printType(wanted)}; give the same but for the first size`,
      );
  }

  #emptyTally(): Tree<NdArray> {
    const { spec, output } = this.#trainer;
    const zero = (dtype: "u32" | "f32", ...shape: number[]): NdArray => ({
      dtype,
      shape,
      data: allocate(
        dtype,
        shape.reduce((a, b) => a * b, 1),
      ),
    });
    const classes = output.shape[1] as number;
    const tally = { position: zero("u32"), loss: zero("f32") };
    return spec.labels ? { ...tally, confusion: zero("f32", classes, classes) } : tally;
  }

  async #prepareEvaluation(data: Dataset, batchSize: number): Promise<Prepared> {
    const { device, spec } = this.#trainer;
    const tally = this.#emptyTally();
    const types = { tally: typesOf(tally), ...this.#variableTypes(), data: typesOf({ x: data.x, y: data.y }) };
    const step = evaluateStep({ ...spec, examples: countOf(data), batchSize });
    const program = await compileTree(device, step, types, { carry: ["tally"], label: "evaluate" });
    return { program, held: { tally: putTree(device, tally), data: putTree(device, { x: data.x, y: data.y }) } };
  }

  async #preparePrediction(x: TensorType): Promise<Prepared> {
    const { device, spec } = this.#trainer;
    const program = await compileTree(device, predictStep(spec), { ...this.#variableTypes(), x }, { label: "predict" });
    return {
      program,
      held: {
        x: putTree(device, {
          ...x,
          data: allocate(
            x.dtype,
            x.shape.reduce((a, b) => a * b, 1),
          ),
        }),
      },
    };
  }

  #variableTypes(): Trees<TensorType> {
    const { params, model } = this.#trainer.state;
    const types = (tree: Tree<DeviceArray>) => mapLeaves(tree, isDeviceArray, ({ type }) => type);
    return { params: types(params!), model: types(model!) };
  }
}

function summarise(tally: Record<string, NdArray>, examples: number): Evaluation {
  const loss = (tally.loss?.data[0] as number) / examples;
  if (!tally.confusion) return { examples, loss };
  const classes = tally.confusion.shape[0] as number;
  const cells = [...tally.confusion.data];
  const confusion = Array.from({ length: classes }, (_, i) => cells.slice(i * classes, (i + 1) * classes));
  const correct = confusion.reduce((sum, row, i) => sum + (row[i] as number), 0);
  return { examples, loss, correct, accuracy: correct / examples, confusion };
}
