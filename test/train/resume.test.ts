// `npm run train` with --save, --resume and --weights: what is cut off and gone on with ends as what is not.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { root } from "../../src/cli/browsers.mjs";
import { readSafetensors } from "../../src/io/safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "wgrad-train-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);
const train = async (...args: string[]) => {
  const task = ["mnist-mlp", "--runtime", "node", "--examples", "640", "--json"];
  const imports = ["--import", "tsx"];
  const { stdout } = await promisify(execFile)(process.execPath, [...imports, "src/cli/train.ts", ...task, ...args], {
    cwd: root,
  });
  const lines = stdout.trim().split("\n");
  return JSON.parse(lines.at(-1) as string) as { losses: number[]; testAccuracy: number };
};

test("two epochs in two processes are two epochs in one", { timeout: 600_000 }, async () => {
  const whole = await train(
    "--epochs",
    "2",
    "--seed",
    "3",
    "--save",
    file("whole"),
    "--weights",
    file("whole.safetensors"),
  );
  await train("--epochs", "1", "--seed", "3", "--save", file("half"));
  const rest = await train(
    "--epochs",
    "2",
    "--resume",
    file("half"),
    "--save",
    file("half"),
    "--weights",
    file("rest.safetensors"),
  );
  expect(Buffer.compare(readFileSync(file("half")), readFileSync(file("whole")))).toBe(0);
  expect(rest.losses).toEqual(whole.losses.slice(10));
  expect(rest.testAccuracy).toBe(whole.testAccuracy);

  const weights = readFileSync(file("rest.safetensors"));
  expect(Buffer.compare(weights, readFileSync(file("whole.safetensors")))).toBe(0);
  const { types } = readSafetensors(weights);
  expect([...types].map(([name, { shape }]) => [name, shape])).toEqual([
    ["1.bias", [128]],
    ["1.weight", [128, 784]],
    ["2.bias", [10]],
    ["2.weight", [10, 128]],
  ]);
  await expect(train("--epochs", "2", "--resume", file("half"))).rejects.toThrow(
    "the checkpoint is of step 20, and 2 epochs end at step 20",
  );
  await expect(train("--seed", "4", "--resume", file("half"))).rejects.toThrow("it has seed 3 (vs 4)");
});
