// MNIST nets, trained in Chrome and exported, in Chrome's ONNX Runtime: the same predictions on all test images.
import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import type { TaskName } from "../../src/train/tasks.ts";
import type { Report } from "./onnx.page.ts";

test("ONNX Runtime predicts what the MLP, the CNN and the LSTM predict, and so does the file imported again", async () => {
  const names: readonly TaskName[] = ["mnist-mlp", "mnist-cnn", "mnist-lstm"];
  const reports: Report[] = [];
  await runInChrome<void, Report, readonly TaskName[]>({
    ...{ entry: "test/chrome/onnx.page.ts", args: names },
    onMessage: (report) => reports.push(report),
  });
  expect(reports.map(({ task }) => task)).toEqual(names);
  for (const { task, accuracy, runtime, imported } of reports) {
    console.log(`${task}: ${accuracy} right; apart by ${runtime.worst}, imported ${imported.worst}`);
    expect(accuracy, task).toBeGreaterThan(0.5); // it has learned something
    for (const { images, different, worst } of [runtime, imported]) {
      expect([images, different], task).toEqual([10_000, 0]);
      expect(worst, task).toBeLessThan(1e-5);
    }
  }
}, 600_000);
