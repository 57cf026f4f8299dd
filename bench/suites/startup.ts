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
import type { About, Message, Result, Row } from "../results.ts";
import type { Marks, StartUp } from "../startup/measure.ts";
import { short, spreadText, table } from "../table.ts";

export const startupPages = ["wgrad", "jax", "tfjs"] as const;
export type StartupPage = (typeof startupPages)[number];

export interface StartupRow extends Row {
  /** Of all scripts that the page loads: what it needs at once is one file, what comes later others. */
  readonly gzippedBytes: number;
  readonly marks: Readonly<Record<keyof Marks, Spread>>;
  readonly stepMilliseconds: Spread;
  readonly pipelines: number;
}

export type StartupResult = Result<About, StartupRow>;

export async function startup(
  pages: readonly StartupPage[],
  rounds: number,
  send: (message: Message<About, StartupRow>) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-startup-"));
  try {
    for (const page of pages) await buildPage(page, join(folder, page));
    const runs = new Map(pages.map((page) => [page, [] as StartUp[]]));
    for (let round = 0; round < rounds; round++)
      for (const page of pages) {
        const { device, marks } = await load(join(folder, page));
        if (round === 0 && page === pages[0]) send({ about: { device } });
        runs.get(page)!.push(marks);
        const ms = marksShown.map((mark) => `${mark} ${Math.round(marks[mark])}`).join(", ");
        send(`${page}, ${round + 1} of ${rounds}: ${ms} ms`);
      }
    for (const page of pages) send({ row: rowOf(page, runs.get(page)!, join(folder, page)) });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const marksShown: readonly (keyof Marks)[] = ["script", "device", "planned", "compiled", "firstStep", "steady"];

function rowOf(page: StartupPage, runs: readonly StartUp[], folder: string): StartupRow {
  const { scripts, counts } = runs[0] as StartUp;
  const gzipped = (path: string) => gzipSync(readFileSync(join(folder, path)), { level: 9 }).length;
  const marks = Object.fromEntries(marksShown.map((mark) => [mark, spread(runs.map((r) => r[mark]))]));
  return {
    ...{ name: page, pipelines: counts.pipelines },
    gzippedBytes: scripts.reduce((n, path) => n + gzipped(path), 0),
    marks: marks as Record<keyof Marks, Spread>,
    stepMilliseconds: spread(runs.map((r) => r.stepMilliseconds)),
  };
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
      modulePreload: false,
      rolldownOptions: {
        input: join(root, `bench/startup/${page}.ts`),
        output: { entryFileNames: "main.js", codeSplitting: { groups: [{ name: "main", tags: ["$initial"] }] } },
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

export function startupTable({ about: { device }, rows }: StartupResult): string {
  const cells = rows.map((r) => [
    ...[r.name, short(r.gzippedBytes / 1000)],
    ...marksShown.map((mark) => spreadText(r.marks[mark])),
    ...[spreadText(r.stepMilliseconds), String(r.pipelines)],
  ]);
  const header = ["page", "kB gzipped", ...marksShown, "ms a step", "pipelines"];
  return [
    device,
    table(header, cells),
    "Milliseconds since the navigation: the script runs; there is a device; the first pipeline is asked for (data read, step planned);",
    "the last one is there; the first step is done; steps are as fast as they get.",
  ].join("\n");
}
