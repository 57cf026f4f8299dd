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
  for (const { task, runtime, imported } of reports) {
    expect([runtime.images, runtime.different], task).toEqual([10_000, 0]);
    expect(runtime.worst, task).toBeLessThan(1e-5);
    expect(imported.different, task).toBe(0);
    expect(imported.worst, task).toBeLessThan(1e-5);
  }
});
