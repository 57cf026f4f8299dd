// `bench startup`: from page load to the first training step and to the steady state, and the size of the page. Pages are built by vite as an
// app would be; each load has a browser of its own, so that nothing is cached.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, preview } from "vite";
import { root } from "../../src/cli/browsers.mjs";
import { launchChrome } from "../../src/cli/chrome.ts";
import { mnistFiles } from "../../src/cli/mnistFiles.ts";
import { type Spread, spread } from "../measure.ts";
import type { StartUp } from "../startup/measure.ts";
import { short, spreadText, table } from "../table.ts";

export const startupPages = ["wgrad", "jax", "tfjs"] as const;
export type StartupPage = (typeof startupPages)[number];

export interface StartupRow {
  readonly page: StartupPage;
  /** Of all scripts that the page loads. */
  readonly gzippedBytes: number;
  readonly script: Spread;
  readonly ready: Spread;
  readonly firstStep: Spread;
  readonly steady: Spread;
  readonly stepMilliseconds: Spread;
  readonly pipelines: number;
}

export interface StartupResult {
  readonly device: string;
  readonly rows: readonly StartupRow[];
}

export async function startup(
  pages: readonly StartupPage[],
  rounds: number,
  send: (text: string) => void,
): Promise<StartupResult> {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-startup-"));
  try {
    for (const page of pages) await buildPage(page, join(folder, page));
    const runs = new Map(pages.map((page) => [page, [] as StartUp[]]));
    let device = "";
    for (let round = 0; round < rounds; round++)
      for (const page of pages) {
        const run = await load(join(folder, page));
        device = run.device;
        runs.get(page)!.push(run.marks);
        send(`${page}: first step ${Math.round(run.marks.firstStep)} ms, steady ${Math.round(run.marks.steady)} ms`);
      }
    const rows = pages.map((page): StartupRow => {
      const all = runs.get(page)!;
      const { scripts, counts } = all[0] as StartUp;
      const of = (key: "script" | "ready" | "firstStep" | "steady" | "stepMilliseconds") =>
        spread(all.map((r) => r[key]));
      const gzipped = (path: string) => gzipSync(readFileSync(join(folder, page, path)), { level: 9 }).length;
      return {
        ...{ page, pipelines: counts.pipelines, gzippedBytes: scripts.reduce((n, path) => n + gzipped(path), 0) },
        ...{ script: of("script"), ready: of("ready"), firstStep: of("firstStep"), steady: of("steady") },
        stepMilliseconds: of("stepMilliseconds"),
      };
    });
    return { device, rows };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function buildPage(page: StartupPage, outDir: string): Promise<void> {
  await build({
    configFile: false,
    root,
    logLevel: "error",
    build: {
      outDir,
      copyPublicDir: false,
      chunkSizeWarningLimit: 1e6,
      rollupOptions: {
        input: join(root, `bench/startup/${page}.ts`),
        output: { entryFileNames: "main.js" },
      },
    },
  });
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${page}</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script></head></html>`;
  writeFileSync(join(outDir, "index.html"), html);
}

async function load(outDir: string): Promise<{ device: string; marks: StartUp }> {
  const server = await preview({
    configFile: false,
    root,
    logLevel: "error",
    build: { outDir },
    preview: { host: "localhost", port: 0 },
    plugins: [mnistFiles()],
  });
  const browser = await launchChrome();
  try {
    const page = await browser.newPage();
    await page.goto(server.resolvedUrls?.local[0] as string);
    const marks = (await page.evaluate("startUp")) as StartUp;
    const info =
      "navigator.gpu.requestAdapter().then(({ info }) => [info.vendor, info.architecture, info.description])";
    const device = ((await page.evaluate(info)) as string[]).filter(Boolean).join(" ");
    return { device, marks };
  } finally {
    await browser.close();
    await server.close();
  }
}

export function startupTable({ device, rows }: StartupResult): string {
  const cells = rows.map((r) => [
    ...[r.page, short(r.gzippedBytes / 1000)],
    ...[r.script, r.ready, r.firstStep, r.steady].map(spreadText),
    ...[spreadText(r.stepMilliseconds), String(r.pipelines)],
  ]);
  const header = [
    "page",
    "kB gzipped",
    "script ms",
    "ready ms",
    "first step ms",
    "steady ms",
    "ms a step",
    "pipelines",
  ];
  return `${device}\n${table(header, cells)}`;
}
