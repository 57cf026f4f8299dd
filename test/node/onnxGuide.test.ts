// The guide on ONNX does what it says: its script runs.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-web";
import ts from "typescript";
import { expect, test } from "vitest";
import * as wgrad from "wgrad";
import { root } from "../../src/cli/browsers.mjs";
import * as onnx from "../../src/onnx/index.ts";
import { wave } from "../onnxFiles.ts";

test("the script of docs/guides/onnx.md runs", async () => {
  ort.env.wasm.numThreads = 1;
  const guide = readFileSync(join(root, "docs/guides/onnx.md"), "utf8");
  const script = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code).join("\n");
  const { outputText } = ts.transpileModule(script.replace(/^import .*$/gm, ""), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const names = { ...wgrad, ...onnx, ort };
  const said: unknown[] = [];
  const given = {
    device: wgrad.Device.cpu(),
    data: { x: wave(wgrad.f32(16, 28, 28, 1)), y: wgrad.ndarray(wgrad.i32(16), (i) => i % 10) },
    console: { log: (value: unknown) => said.push(value) },
  };
  const run = new Function(
    "names",
    "given",
    `const { ${Object.keys(names)} } = names; const { ${Object.keys(given)} } = given;
    return (async () => { ${outputText}; return { y, result, tuned }; })();`,
  );
  const { y, result, tuned } = await run(names, given);
  const ours = await result.y.read();
  expect(Math.max(...[...ours.data].map((p: number, i) => Math.abs(p - y.data[i])))).toBeLessThan(1e-5);
  expect(tuned.step).toBe(2);
  expect(said).toContainEqual([2, 10]);
  expect(said).toContainEqual([
    "conv0.weight",
    "batchNorm1.scale",
    "batchNorm1.shift",
    "batchNorm1.mean",
    "batchNorm1.variance",
    "dense5.weight",
    "dense5.bias",
  ]);
});
