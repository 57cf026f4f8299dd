// MNIST nets, trained in Chrome and exported, in ONNX Runtime, Chrome's and Node's: the same predictions on all test images.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as runtime from "onnxruntime-node";
import { expect, test } from "vitest";
import { fromBase64 } from "../../src/cli/base64.ts";
import { mnistFolder } from "../../src/cli/mnistFiles.ts";
import { runInChrome } from "../../src/cli/page.ts";
import { mnist } from "../../src/data/mnist.ts";
import { inBatches, load } from "../onnxruntime.ts";
import type { Job, Report } from "./onnx.page.ts";

const classes = 10;

const valuesOf = (text: string) => new Float64Array(fromBase64(text).buffer);

/** The most probable class of each image. */
const predictionsOf = (p: Float64Array): number[] =>
  Array.from({ length: p.length / classes }, (_, i) => {
    const row = p.subarray(classes * i, classes * (i + 1));
    return row.indexOf(Math.max(...row));
  });

test("ONNX Runtime predicts what the MLP, the CNN and the LSTM predict, and so does the file imported again", async () => {
  const job: Job = { names: ["mnist-mlp", "mnist-cnn", "mnist-lstm"], batch: 500, imported: 2000 };
  const reports: Report[] = [];
  await runInChrome<void, Report, Job>({
    ...{ entry: "test/chrome/onnx.page.ts", args: job },
    onMessage: (report) => reports.push(report),
  });
  expect(reports.map(({ task }) => task)).toEqual(job.names);

  const { x, y } = (await mnist({ read: (name) => readFile(join(mnistFolder, name)) })).test;
  for (const { task, file, ...sent } of reports) {
    const ours = valuesOf(sent.ours);
    const others = {
      chrome: valuesOf(sent.theirs),
      node: await inBatches(await load(runtime, fromBase64(file)), x, job.batch),
      imported: valuesOf(sent.imported),
    };
    const predictions = predictionsOf(ours);
    expect(predictions).toHaveLength(10_000);
    const right = predictions.filter((p, i) => p === y.data[i]).length;
    expect(right, `${task} has learned something`).toBeGreaterThan(5000);
    for (const [where, theirs] of Object.entries(others)) {
      expect(theirs.length).toBe(classes * (where === "imported" ? job.imported : 10_000));
      expect(predictionsOf(theirs), `${task}, ${where}`).toEqual(predictions.slice(0, theirs.length / classes));
      const worst = theirs.reduce((worst, p, i) => Math.max(worst, Math.abs(p - ours[i]!)), 0);
      console.log(`${task}: ${right} right; apart from ${where} by ${worst}`);
      expect(worst, `${task}, ${where}`).toBeLessThan(1e-5);
    }
  }
}, 600_000);
