// Trains a task for some steps on the page's WebGPU, exports it, and gives the file and probabilities of the test images: ours, those of ONNX
// Runtime running the file, and those of the file imported again.
import * as runtime from "onnxruntime-web/wasm";
import { toBase64 } from "../../src/cli/base64.ts";
import type { PageModule } from "../../src/cli/page.ts";
import { type Dataset, takeExamples } from "../../src/data/dataset.ts";
import { fromUrl, mnist } from "../../src/data/mnist.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { fromOnnx, toOnnx } from "../../src/onnx/index.ts";
import type { NdArray } from "../../src/shape/ndarray.ts";
import { u8 } from "../../src/shape/types.ts";
import { toUnitRange } from "../../src/train/step.ts";
import { optimizerOf, type TaskName, tasks } from "../../src/train/tasks.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { inBatches, load } from "../onnxruntime.ts";

export interface Job {
  readonly names: readonly TaskName[];
  /** Images that a file takes at a time. */
  readonly batch: number;
  /** Test images that the file imported again sees. */
  readonly imported: number;
}

/** Bytes are in base 64, probabilities float64; the imported file's are of the first images. */
export interface Report {
  readonly task: TaskName;
  readonly file: string;
  readonly ours: string;
  readonly theirs: string;
  readonly imported: string;
}

const steps = 50;

runtime.env.wasm.wasmPaths = { wasm: "/node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm" };

const main: PageModule<Job, Report, void> = async (job, send) => {
  const device = await GpuDevice.request();
  const { train, test } = await mnist({ read: fromUrl("/data/mnist") });
  for (const task of job.names) send({ task, ...(await runTask(device, task, train, test.x, job)) });
};
export default main;

async function runTask(
  device: GpuDevice,
  task: TaskName,
  train: Dataset,
  images: NdArray,
  { batch, imported: seen }: Job,
) {
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
  const ours = softmax(await trainer.predict(images, { batchSize: batch }));
  const theirs = await inBatches(await load(runtime, file), images, batch);

  const { params, apply } = fromOnnx(file);
  const program = await device.compile(({ params, x }) => apply(params, { x }), { params, x: u8(batch, 28, 28, 1) });
  const weights = device.put(params);
  const again = async (x: NdArray): Promise<NdArray> => {
    const { x: put } = device.put({ x });
    const y = await program.run({ params: weights, x: put }).y!.read();
    put.dispose();
    return y;
  };
  const imported = await inBatches(again, takeExamples({ x: images, y: images }, 0, seen).x, batch);
  const text = ({ buffer }: Float64Array) => toBase64(new Uint8Array(buffer));
  return { file: toBase64(file), ours: text(ours), theirs: text(theirs), imported: text(imported) };
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
