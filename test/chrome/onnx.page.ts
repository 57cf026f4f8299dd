// Trains a task for some steps on the page's WebGPU, exports it, and compares probabilities on the test images: ours, those of ONNX Runtime
// running the file, and those of the file imported again.
import * as runtime from "onnxruntime-web/wasm";
import type { PageModule } from "../../src/cli/page.ts";
import { chunks } from "../../src/data/chunks.ts";
import { type Dataset, takeExamples } from "../../src/data/dataset.ts";
import { fromUrl, mnist } from "../../src/data/mnist.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { fromOnnx, toOnnx } from "../../src/onnx/index.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { u8 } from "../../src/shape/types.ts";
import { toUnitRange } from "../../src/train/step.ts";
import { optimizerOf, type TaskName, tasks } from "../../src/train/tasks.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { load } from "../onnxruntime.ts";

export interface Comparison {
  readonly images: number;
  /** Images whose most probable class is another one. */
  readonly different: number;
  /** The largest difference of a probability. */
  readonly worst: number;
}

export interface Report {
  readonly task: TaskName;
  readonly adapter: string;
  /** Of the test images, by ours. */
  readonly accuracy: number;
  readonly runtime: Comparison;
  readonly imported: Comparison;
}

const batch = 500;
const steps = 50;

runtime.env.wasm.wasmPaths = { wasm: "/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm" };

const main: PageModule<readonly TaskName[], Report, void> = async (names, send) => {
  const device = await GpuDevice.request();
  const { train, test } = await mnist({ read: fromUrl("/data/mnist") });
  for (const task of names) send({ task, adapter: device.name, ...(await compareTask(device, task, train, test)) });
};
export default main;

async function compareTask(device: GpuDevice, task: TaskName, train: Dataset, test: Dataset) {
  const { model, loss, optimizer, batchSize } = tasks[task];
  await using trainer = await Trainer.create({
    ...{ device, model, loss, batchSize, seed: 1, optimizer: optimizerOf(optimizer) },
    data: takeExamples(train, 0, steps * batchSize),
  });
  for await (const _ of trainer.fit({ steps })); // to weights that are no longer the initial ones
  const file = toOnnx(model, await trainer.params(), u8(batch, 28, 28, 1), {
    prepare: toUnitRange,
    output: (y) => y.softmax(),
  });
  const ours = softmax(await trainer.predict(test.x, { batchSize: batch }));
  const run = await load(runtime, file);
  const theirs = await predict(run, test.x);

  const { params, apply } = fromOnnx(file);
  const images = takeExamples(test, 0, batch).x;
  const program = await device.compile(({ params, x }) => apply(params, { x }), { params, x: images });
  const weights = device.put(params);
  const again = await predict(async (x) => {
    const { x: put } = device.put({ x });
    const y = await program.run({ params: weights, x: put }).y!.read();
    put.dispose();
    return y;
  }, test.x);
  return { accuracy: accuracyOf(ours, test.y), runtime: compare(ours, theirs), imported: compare(ours, again) };
}

async function predict(run: (x: NdArray) => Promise<NdArray>, images: NdArray): Promise<Float64Array> {
  const all: number[] = [];
  for (const { chunk } of chunks(images, batch)) all.push(...(await run(chunk)).data);
  return Float64Array.from(all);
}

const classes = 10;

/** Of logits [N, 10]. */
function softmax({ data }: NdArray): Float64Array {
  const all = new Float64Array(data.length);
  for (let row = 0; row < data.length; row += classes) {
    const logits = data.subarray(row, row + classes);
    const top = Math.max(...logits);
    const exps = [...logits].map((x) => Math.exp(x - top));
    const sum = exps.reduce((a, b) => a + b);
    all.set(
      exps.map((e) => e / sum),
      row,
    );
  }
  return all;
}

const best = (row: readonly number[]): number => row.indexOf(Math.max(...row));

const rowsOf = (p: ArrayLike<number>): number[][] =>
  Array.from({ length: p.length / classes }, (_, i) => Array.from({ length: classes }, (_, c) => p[i * classes + c]!));

const accuracyOf = (p: ArrayLike<number>, { data }: NdArray): number =>
  rowsOf(p).filter((row, i) => best(row) === data[i]).length / data.length;

function compare(a: ArrayLike<number>, b: ArrayLike<number>): Comparison {
  const [left, right] = [rowsOf(a), rowsOf(b)];
  return {
    images: right.length,
    different: left.filter((row, i) => best(row) !== best(right[i]!)).length,
    worst: Array.from(a).reduce((worst, p, i) => Math.max(worst, Math.abs(p - b[i]!)), 0),
  };
}
