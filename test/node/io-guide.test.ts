// The guide on saving does what it says: its script runs.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { afterAll, expect, test } from "vitest";
import * as wgrad from "wgrad";
import { root } from "../../src/cli/browsers.mjs";
import { random } from "../samples/sample.ts";

const folder = mkdtempSync(join(tmpdir(), "wgrad-guide-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("the script of docs/guides/saving.md runs", async () => {
  const guide = readFileSync(join(root, "docs/guides/saving.md"), "utf8");
  const script = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code).join("\n");
  const { outputText } = ts.transpileModule(script.replace(/^import .*$/gm, ""), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const said: unknown[] = [];
  const kept = new Map<string, Uint8Array>();
  const given = {
    ...wgrad,
    device: wgrad.Device.cpu(),
    data: { x: random(wgrad.f32(16, 28, 28, 1), { seed: 1 }), y: wgrad.ndarray(wgrad.i32(16), (i) => i % 10) },
    console: { log: (value: unknown) => said.push(value) },
    readFile: (name: string) => readFile(join(folder, name)),
    writeFile: (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes),
    // Node has no IndexedDB: test/chrome has the real one
    checkpointStore: () => ({
      load: async (name: string) => kept.get(name),
      save: async (name: string, bytes: Uint8Array) => void kept.set(name, bytes),
    }),
    nextDevice: async () => wgrad.Device.cpu(),
  };
  const run = new Function(
    "given",
    `const { ${Object.keys(given)} } = given; return (async () => { ${outputText}; return { checkpoint, resumed, durable }; })();`,
  );
  const { checkpoint, resumed, durable } = await run(given);
  expect(said).toContainEqual(["0.bias", "0.weight", "4.bias", "4.weight"]);
  expect(said).toContainEqual([10, 1352]);
  expect(said).toContain(3);
  expect(await resumed.checkpoint()).toEqual(checkpoint); // restored
  expect(durable.step).toBe(3);
});
