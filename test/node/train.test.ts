// `npm run train --`, as it is called.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const train = (...args: string[]) =>
  promisify(execFile)(process.execPath, ["--import", "tsx", "src/cli/train.ts", ...args, "--runtime", "cpu"], {
    cwd: root,
  });

test("a task that is not on images: JSON lines, the result last", { timeout: 3 * 60_000 }, async () => {
  const { stdout } = await train("linear", "--steps", "20", "--json");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines[0]).toEqual({ kind: "report", adapter: "CPU reference (float64)" });
  expect(lines.slice(1, -1).map(({ kind, step }) => [kind, step])).toEqual(
    Array.from({ length: 11 }, (_, k) => ["report", 2 * k]),
  );
  expect(lines.at(-1)).toMatchObject({ kind: "summary", task: "linear" });
  expect(lines.at(-1).worstDifference).toBeLessThan(1e-12);
});

test("an option that the task would not look at is refused", { timeout: 3 * 60_000 }, async () => {
  await Promise.all([
    expect(train("netbp", "--epochs", "3")).rejects.toThrow("netbp takes no --epochs; it takes"),
    expect(train("mnist-rnn", "--length", "3")).rejects.toThrow("mnist-rnn takes no --length; it takes"),
    expect(train("linear", "--lr", "0")).rejects.toThrow("It must be a positive number."),
    expect(train("mnist-mlp", "--save", "no/such/file")).rejects.toThrow("--save: there is no folder"),
  ]);
});
