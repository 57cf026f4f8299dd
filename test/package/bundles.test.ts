// The installed package in bundles of vite, webpack and esbuild and as plain modules, each run in Chrome; and what bundles weigh.
import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
// @ts-expect-error it brings no types
import fileSize from "@size-limit/file";
import * as esbuild from "esbuild";
import type { Browser } from "puppeteer";
import sizeLimit from "size-limit";
import * as vite from "vite";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import webpack from "webpack";
import { root } from "../../src/cli/browsers.mjs";
import { launchChrome } from "../../src/cli/chrome.ts";
import type { Done } from "./pages/run.ts";

const { app } = inject("installed");
const pages = join(app, "pages");
const minified = { minify: true, format: "esm", bundle: true, target: "es2023" } as const;

/** Of planned.ts: a product of matrices of n rows and columns. */
const n = 512;
const planScript = `
  import { f32, planAhead } from "wgrad";
  const types = { a: f32(${n}, ${n}), b: f32(${n}, ${n}) };
  console.log(JSON.stringify(planAhead(({ a, b }) => ({ c: a.matmul(b) }), types)));`;

beforeAll(() => {
  cpSync(join(root, "test/package/pages"), pages, { recursive: true });
  const plan = execFileSync(process.execPath, ["--input-type=module", "-e", planScript], { cwd: app });
  writeFileSync(join(pages, "plan.json"), plan);
});

describe("in Chrome", () => {
  const server = createServer(({ url = "" }, response) => {
    const types: Record<string, string> = { ".js": "text/javascript", ".html": "text/html" };
    try {
      const content = readFileSync(join(app, url.split("?")[0] as string));
      response.setHeader("content-type", types[extname(url)] ?? "text/plain").end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  let browser: Browser;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
    browser = await launchChrome();
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
  });

  /** Opens a page with this head and gives the value of an expression in it: what pages/run.ts does. */
  async function opened<T = Done>(head: string, expression = "done"): Promise<T> {
    const icon = '<link rel="icon" href="data:,">';
    writeFileSync(join(app, "index.html"), `<!doctype html><title>wgrad</title>${icon}${head}`);
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/index.html`, { waitUntil: "load" });
    const value = (await page.evaluate(expression).catch((error) => problems.push(String(error)))) as T;
    await page.close();
    expect(problems).toEqual([]);
    return value;
  }

  function check({ product, accuracies: [before, after], kind }: Done): void {
    expect(product).toEqual([4, 4, 13, 13]);
    expect(kind).toBe("gpu");
    expect(after).toBeGreaterThan(0.9);
    expect(after).toBeGreaterThan(before as number);
  }

  const run = join(pages, "run.ts");
  const script = (path: string) => `<script type="module" src="/${path}"></script>`;

  test("bundled by vite", async () => {
    await viteBuild(run, join(app, "vite"));
    check(await opened(script("vite/main.js")));
  });

  test("bundled by webpack", async () => {
    const entry = join(app, "run.js"); // webpack has no TypeScript
    await esbuild.build({ entryPoints: [run], outfile: entry, format: "esm" });
    const output = { path: join(app, "webpack"), filename: "main.js" };
    const options = { mode: "production" as const, target: ["web", "es2022"], optimization: { minimize: false } };
    await new Promise<void>((resolve, reject) =>
      webpack({ ...options, context: app, entry, output }, (error, stats) => {
        const errors = stats?.toJson({ all: false, errors: true }).errors ?? [];
        if (error || errors.length) reject(error ?? new Error(errors.map((e) => e.message).join("\n")));
        else resolve();
      }),
    );
    check(await opened(script("webpack/main.js")));
  });

  test("bundled by esbuild", async () => {
    await esbuild.build({ entryPoints: [run], outdir: join(app, "esbuild"), splitting: true, ...minified });
    check(await opened(script("esbuild/run.js")));
  });

  test("as plain modules, by an import map", async () => {
    await esbuild.build({ entryPoints: [run], outfile: join(app, "plain.js"), format: "esm" });
    const imports = {
      wgrad: "/node_modules/wgrad/dist/src/index.js",
      "wgrad/nn": "/node_modules/wgrad/dist/src/nn/index.js",
      "wgsl-preprocessor/": "/node_modules/wgsl-preprocessor/",
    };
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    check(await opened(`${map}${script("plain.js")}`));
  });

  test("a plan that was made ahead, without the compiler", async () => {
    await viteBuild(join(pages, "planned.ts"), join(app, "planned"));
    const [a, b] = [(i: number) => (i % 7) - 3, (i: number) => (i % 5) - 2];
    const matrix = (f: (i: number) => number) =>
      `{ dtype: "f32", shape: [${n}, ${n}], data: Float64Array.from({ length: ${n * n} }, (_, i) => (${f})(i)) }`;
    const values = `product(${matrix(a)}, ${matrix(b)}).then(({ data }) => [...data])`;
    const wanted = Array.from({ length: n * n }, (_, at) => {
      const [row, column] = [Math.floor(at / n), at % n];
      let sum = 0; // of small integers: it is exact
      for (let k = 0; k < n; k++) sum += a(n * row + k) * b(n * k + column);
      return sum;
    });
    expect(await opened<number[]>(script("planned/main.js"), values)).toEqual(wanted);
  });
});

test("a name that is imported and not used leaves nothing in a bundle", async () => {
  const names = ["", "/nn", "/optim", "/data", "/train", "/io", "/onnx", "/runtime", "/worker"];
  const contents = names.map((name) => `import "wgrad${name}";`).join("\n");
  const { outputFiles } = await esbuild.build({
    stdin: { contents, resolveDir: app },
    write: false,
    logLevel: "error",
    ...minified,
  });
  expect(outputFiles[0]?.text.trim()).toBe("");
});

/** Kilobytes, gzipped, of what a page loads before anything is asked for that it need not have: of the trainer's not its evaluation, which is
 *  loaded when it is called. */
const budgets = { planned: 15, trainer: 50, matmul: 41 };

test.each(Object.entries(budgets))("%s.ts weighs at most %i kB", async (page, most) => {
  const folder = join(app, "size", page);
  await viteBuild(join(pages, `${page}.ts`), folder);
  const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const checks = [{ files: files.map((name) => join(folder, name)), gzip: true }];
  const [{ size }] = (await sizeLimit(fileSize, { checks })) as [{ size: number }];
  console.log(`${page}.ts: ${(size / 1000).toFixed(3)} kB of ${most}`);
  expect(size).toBeGreaterThan(1000);
  expect(size).toBeLessThanOrEqual(1000 * most);
});

/** As an app is built: what is loaded at once in main.js, the rest in lazy/. */
async function viteBuild(input: string, outDir: string): Promise<void> {
  const names = { entryFileNames: "main.js", chunkFileNames: "lazy/[name].js" };
  const codeSplitting = { groups: [{ name: "main", tags: ["$initial"] as ["$initial"] }] };
  await vite.build({
    ...{ configFile: false, root: app, logLevel: "error" },
    build: { outDir, copyPublicDir: false, rolldownOptions: { input, output: { ...names, codeSplitting } } },
  });
}
