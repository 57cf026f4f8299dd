// What is packed, what publint and Are the types wrong say of it, and that Node and TypeScript take it.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, test } from "vitest";
import { bundle, bundleRuns, hasGpu, root } from "../../src/cli/browsers.mjs";

const { app, tarball, files, unpackedSize } = inject("installed");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const run = promisify(execFile);
const tool = (name: string, ...args: string[]) => run(join(root, "node_modules/.bin", name), args, { cwd: app });

/** What the package is imported by: "wgrad", "wgrad/nn" … */
const names = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => path.replace(".", "wgrad"));

test("the tarball holds the built library and nothing else, and depends on wgsl-preprocessor alone", () => {
  const strangers = files.filter(
    (path) => !/^(dist\/(src|shaders)\/.+\.(js|d\.ts)|LICENSE|README\.md|package\.json)$/.test(path),
  );
  expect(strangers).toEqual([]);
  expect(files.filter((path) => path.includes("/cli/"))).toEqual([]);
  expect(files.length).toBeGreaterThan(100);
  expect(unpackedSize).toBeLessThan(1_500_000);
  expect(Object.keys(manifest.dependencies)).toEqual(["wgsl-preprocessor"]);
  expect(manifest.sideEffects).toBe(false);
});

test("publint", async () => {
  const { messages, pkg } = await publint({ pkgDir: join(app, "node_modules/wgrad"), strict: true, pack: false });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
});

test("Are the types wrong?", async () => {
  const { stdout } = await tool("attw", tarball, "--profile", "esm-only", "--format", "json");
  const { problems } = JSON.parse(stdout) as { problems: Record<string, { resolutionKind?: string }[]> };
  const wrong = Object.values(problems)
    .flat()
    .filter(({ resolutionKind }) => !/^node(10|16-cjs)$/.test(resolutionKind ?? ""));
  expect(wrong).toEqual([]); // of CommonJS there is none
  for (const name of names) expect(stdout).toContain(`"${name.replace("wgrad", ".")}"`);
});

test("every name imports in Node, without WebGPU, and does nothing", async () => {
  const script = `
    const before = Object.keys(globalThis).length;
    for (const name of ${JSON.stringify(names)}) {
      const exports = await import(name);
      console.log(name, Object.keys(exports).length, Object.keys(globalThis).length - before);
    }`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: app });
  expect(stderr).toBe("");
  const lines = stdout.trim().split("\n").map((line) => line.split(" ")); // biome-ignore format: one line
  expect(lines.map(([name]) => name)).toEqual(names);
  for (const [name, exports, globals] of lines) {
    expect(Number(exports), name).toBeGreaterThan(0);
    expect(globals).toBe("0");
  }
});

test("a product in Node, on WebGPU and on the reference", async () => {
  const script = `
    import { create, globals } from "webgpu";
    import { Device, f32, ndarray } from "wgrad";
    Object.assign(globalThis, globals);
    for (const device of [await Device.request({ gpu: create([]) }), Device.cpu()]) {
      const types = { a: f32(2, 3), b: f32(3, 2) };
      const program = await device.compile(({ a, b }) => ({ c: a.matmul(b) }), types);
      const { c } = program.run(device.put({ a: ndarray(types.a, (i) => i), b: ndarray(types.b, (i) => i % 3) }));
      console.log(device.kind, ...(await c.read()).data);
      device.dispose();
    }
    process.exit();`;
  const software = bundleRuns && existsSync(bundle()) && !hasGpu();
  const env = { LD_LIBRARY_PATH: bundle(), VK_ICD_FILENAMES: join(bundle(), "vk_swiftshader_icd.json") };
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    ...{ cwd: app, env: { ...process.env, ...(software ? env : {}) } },
  });
  expect(stdout).toBe("gpu 2 3 11 12\ncpu 2 3 11 12\n".replaceAll("2 3 11 12", product.join(" ")));
});

/** [0 1 2; 3 4 5]·[0 1; 2 0; 1 2] */
const product = [4, 4, 13, 13];

describe("types", () => {
  const source = `
    import { Device, f32, type GpuDevice, ndarray, nn, optim, type Tensor, Trainer } from "wgrad";
    import { mnist } from "wgrad/data";
    import { dense } from "wgrad/nn";
    import { adam } from "wgrad/optim";
    import { GpuRuntime } from "wgrad/runtime";
    import { type Progress } from "wgrad/train";

    const device: GpuDevice = await Device.request();
    const program = await device.compile(({ a }: { a: Tensor }) => ({ b: a.relu(), c: { d: a.sum() } }), { a: f32(3) });
    const { b, c } = program.run(device.put({ a: ndarray(f32(3), [1, 2, 3]) }));
    export const bytes: number = (await b.read()).data.length + c.d.byteLength;
    export const gpu: GPUDevice = device.gpu;
    export const model = nn.sequential(dense({ units: 2 }));
    export const told: (p: Progress) => number = (p) => p.loss;
    export const all = [optim.sgd({ learningRate: 1 }), adam({ learningRate: 1 }), Trainer, GpuRuntime, mnist];
    // @ts-expect-error the names of outputs are known
    b.nothing;
    // @ts-expect-error inputs are known
    program.run({ z: b });`;

  const guides = readdirSync(join(root, "docs/guides")).map((name) => name.replace(".md", ""));
  /** What the guides say that their scripts are given. */
  const given = `
    import type { Dataset, Device, GpuDevice } from "wgrad";
    declare global {
      const device: GpuDevice;
      const gpu: GPUDevice;
      const train: Dataset;
      const data: Dataset;
      const nextDevice: () => Promise<Device>;
    }`;

  /** The pieces of a page as one script; of pages that go on with pieces of other files, the first. */
  function script(path: string): string {
    const pieces = [...readFileSync(join(root, path), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)];
    const used = /README|writing-an-op/.test(path) ? pieces.slice(0, 1) : pieces;
    return `${used.map(([, code]) => code).join("\n")}\nexport {};`;
  }

  test.concurrent.each([
    ["bundler", "esnext", "preserve"],
    ["node16", "es2023", "node16"],
  ])("under moduleResolution %s, all of them checked", async (moduleResolution, target, module) => {
    const config = join(app, `tsconfig.${moduleResolution}.json`);
    writeFileSync(join(app, "types.ts"), source);
    writeFileSync(join(app, "given.ts"), given);
    writeFileSync(join(app, "README.ts"), script("README.md"));
    for (const name of guides) writeFileSync(join(app, `${name}.ts`), script(`docs/guides/${name}.md`));
    const files = ["given", "types", "README", ...guides].map((name) => `${name}.ts`);
    const lib = ["es2023", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"];
    const compilerOptions = {
      moduleResolution,
      module,
      target,
      lib,
      types: ["@webgpu/types", "node"],
      strict: true,
      noEmit: true,
    };
    writeFileSync(config, JSON.stringify({ compilerOptions, files }));
    const { stdout } = await tool("tsc", "-p", config).catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  });
});
