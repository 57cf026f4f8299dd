// Runs a TypeScript module in headless Chrome as one calls a function: arguments in, messages on the way, a result out.
//
// The module default-exports `(args, send) => result`, all JSON. Vite serves it to a page that is cross-origin isolated,
// which gives performance.now() its finest resolution. The MNIST files are at /data/mnist/ (mnistFiles.ts).

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import type { Browser, Page } from "puppeteer";
import { createServer, type ViteDevServer } from "vite";
import { root } from "./browsers.mjs";
import { launchChrome } from "./chrome.ts";
import { mnistFiles } from "./mnistFiles.ts";

/** What a page module default-exports. */
export type PageModule<Args, Message, Result> = (
  args: Args,
  send: (message: Message) => void,
) => Result | Promise<Result>;

export interface PageJob<Args, Message> {
  /** The module, as a path relative to the project. */
  entry: string;
  args?: Args;
  /** Gets each message that the page sends, in order. */
  onMessage?: (message: Message) => void;
  /** Gets what the page logs below the level of an error; by default that is printed. */
  onLog?: (text: string) => void;
  /** Further Chrome switches. */
  flags?: readonly string[];
}

/** Runs the module and gives its result. Rejects with the page's first error, be it thrown, logged or left unhandled. */
export async function runInChrome<Result = unknown, Message = unknown, Args = unknown>(
  job: PageJob<Args, Message>,
): Promise<Result> {
  const cache = makeCacheFolder();
  let server: ViteDevServer | undefined;
  let browser: Browser | undefined;
  try {
    server = await serve(job.entry, cache);
    browser = await launchChrome(job.flags);
    const page = await browser.newPage();
    const failure = firstError(browser, page);
    page.on("console", (message) => message.type() !== "error" && (job.onLog ?? console.log)(message.text()));
    await page.exposeFunction("wgradSend", (message: string) => job.onMessage?.(JSON.parse(message)));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    return (await Promise.race([page.evaluate(callOf(job)), failure])) as Result;
  } finally {
    await browser?.close();
    await server?.close();
    rmSync(cache, { recursive: true, force: true });
  }
}

/** The call of the module, as text: TypeScript runners rewrite the import() of a function that is sent to the page. */
function callOf({ entry, args }: PageJob<unknown, never>): string {
  const url = `/${relative(root, resolve(root, entry)).split(sep).join("/")}`;
  return `(async () => {
    let sent;
    const { default: main } = await import(${JSON.stringify(url)});
    const result = await main(${JSON.stringify(args)}, (message) => { sent = window.wgradSend(JSON.stringify(message)); });
    await sent;
    return result;
  })()`;
}

/** Rejects once the page logs an error, throws, crashes or loses its browser. */
function firstError(browser: Browser, page: Page): Promise<never> {
  const failure = new Promise<never>((_, reject) => {
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const { url, lineNumber } = message.location();
      reject(new Error(`page logged an error: ${message.text()}${url ? ` (${url}:${lineNumber})` : ""}`));
    });
    page.on("pageerror", (error) => reject(error));
    page.on("error", (error) => reject(new Error(`page crashed: ${error.message}`)));
    browser.on("disconnected", () => reject(new Error("browser ended before the page was done")));
  });
  failure.catch(() => {}); // it may come after the result, when the browser is closed
  return failure;
}

/** A vite server with an empty page. It neither watches files nor reloads: the job sees one state of the project. */
async function serve(entry: string, cacheDir: string): Promise<ViteDevServer> {
  const server = await createServer({
    configFile: false,
    root,
    cacheDir,
    appType: "custom",
    logLevel: "error",
    optimizeDeps: { entries: [entry] },
    resolve: { tsconfigPaths: true },
    server: {
      host: "localhost",
      port: 0,
      hmr: false,
      ws: false,
      watch: null,
    },
    plugins: [mnistFiles(), { name: "empty-page", configureServer: (server) => void servePage(server) }],
  });
  return server.listen();
}

function servePage({ middlewares }: ViteDevServer): void {
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>wgrad</title><link rel="icon" href="data:,"></head></html>`;
  // of vite's client, which would ask for a socket, modules that import a computed URL need this
  const client = "export const injectQuery = (url) => url;";
  middlewares.use((request, response, next) => {
    if (request.url === "/@vite/client") return response.setHeader("content-type", "text/javascript").end(client);
    if (request.url !== "/") return next();
    response.setHeader("cross-origin-opener-policy", "same-origin");
    response.setHeader("cross-origin-embedder-policy", "require-corp");
    response.setHeader("content-type", "text/html").end(page);
  });
}

/** Each job has its own cache of prepared dependencies, since several may run at once. */
function makeCacheFolder(): string {
  const parent = join(root, "node_modules/.cache/wgrad");
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, "vite-"));
}
