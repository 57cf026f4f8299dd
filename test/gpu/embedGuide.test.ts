// The guide on embedding does what it says: its script runs, on a device of the host's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";
import * as wgrad from "wgrad";
import { root } from "../../src/cli/browsers.mjs";
import { createGpu } from "../../src/cli/dawn.ts";

test("the script of docs/guides/embedding.md runs and leaves no error", async () => {
  const guide = readFileSync(join(root, "docs/guides/embedding.md"), "utf8");
  const script = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code).join("\n");
  const { outputText } = ts.transpileModule(script.replace(/^import .*$/m, ""), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const gpu = await (await (await createGpu()).requestAdapter())!.requestDevice();
  const errors: string[] = [];
  gpu.addEventListener("uncapturederror", ({ error }) => errors.push(error.message));
  const said: unknown[] = [];
  const run = new Function(
    ...["wgrad", "gpu", "console"],
    `const { ${Object.keys(wgrad).join()} } = wgrad; return (async () => { ${outputText}; return { trainer, outputs, params }; })();`,
  );
  const { trainer, outputs, params } = await run(wgrad, gpu, { log: (text: unknown) => said.push(text) });
  expect(said[0]).toBe("timestamp-query is false, not true: profiles time a dispatch by repeating it");
  expect(trainer.step).toBe(4);
  const { data } = await outputs.y.read();
  const read = async (array: wgrad.DeviceArray) => [...(await array.read()).data];
  const [hidden, weight, bias] = await Promise.all(
    [params.dense0.bias, params.dense1.weight, params.dense1.bias].map(read),
  );
  for (let j = 0; j < 3; j++) {
    const y = hidden!.reduce((sum, b, i) => sum + Math.tanh(b) * weight![3 * i + j]!, bias![j]!); // of particles at zero
    expect(data[j]).toBeCloseTo(y, 5);
  }
  await gpu.queue.onSubmittedWorkDone();
  expect(errors).toEqual([]);
  gpu.destroy();
});
