// The built demo site, served as any static host would, and pages of it in Chrome that keep what they log.
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import type { Browser, Page } from "puppeteer";
import { build } from "vite";
import { root } from "../../src/cli/browsers.mjs";
import { launchChrome } from "../../src/cli/chrome.ts";

const types: Readonly<Record<string, string>> = {
  ...{ ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" },
};

export interface Site {
  readonly browser: Browser;
  readonly url: string;
  /** Where the site was built. */
  readonly folder: string;
  /** What was asked for, in order: paths in the folder. */
  readonly served: readonly string[];
  /** Opens a page, as `train/index.html?task=netbp`. `before` runs in it before its own code. */
  open(path: string, before?: string): Promise<{ readonly page: Page; readonly logged: string[] }>;
  close(): Promise<void>;
}

/** Builds the site, serves it below a folder of the host, and starts Chrome with these further switches. */
export async function openSite(flags: readonly string[] = []): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-demo-"));
  await build({ root: join(root, "demo"), build: { outDir: folder }, logLevel: "error" });
  const served: string[] = [];
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "", "http://localhost").pathname.replace(/^\/site\//, "");
    served.push(path);
    try {
      const bytes = await readFile(join(folder, path));
      response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream").end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const browser = await launchChrome(flags);
  const url = `http://localhost:${(server.address() as AddressInfo).port}/site/`;
  return {
    ...{ browser, url, folder, served },
    async open(path, before) {
      const page = await browser.newPage();
      const logged: string[] = [];
      page.on("console", (message) => logged.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => logged.push(`thrown: ${error instanceof Error ? error.message : error}`));
      page.on("requestfailed", (request) => logged.push(`failed: ${request.url()}`));
      page.on("response", (r) => r.status() >= 400 && logged.push(`${r.status()}: ${r.url()}`));
      await page.setViewport({ width: 1280, height: 900 });
      if (before) await page.evaluateOnNewDocument(before);
      await page.goto(url + path);
      return { page, logged };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until the text of an element begins with one of these. Gives the text. */
export async function textOf(page: Page, selector: string, ...beginnings: readonly string[]): Promise<string> {
  await page.waitForFunction(
    (selector, beginnings) => {
      const text = document.querySelector(selector)?.textContent ?? "";
      return beginnings.some((b) => text.startsWith(b));
    },
    { timeout: 240_000, polling: 100 },
    ...([selector, beginnings] as const),
  );
  return page.$eval(selector, (element) => element.textContent ?? "");
}

/** Code that runs before a page's own and, in modules, before that of each of its workers. */
const everywhere = (code: string): string => `
  { ${code} }
  const Own = Worker;
  globalThis.Worker = class extends Own {
    constructor(url, options) {
      const module = ${JSON.stringify(`import "data:text/javascript,${encodeURIComponent(code)}";`)} + 'import "' + url + '";';
      super(URL.createObjectURL(new Blob([module], { type: "text/javascript" })), options);
    }
  };
`;

/** For `open`: takes WebGPU away. */
export const withoutWebGpu: string = everywhere("delete Object.getPrototypeOf(navigator).gpu;");

/** For `open`: the device asked for last, of the page or of its worker, can be lost: see `lose`. */
export const losable: string = everywhere(`
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    new BroadcastChannel("lose").onmessage = () => {
      device.destroy();
      new BroadcastChannel("lost").postMessage(0);
    };
    return device;
  };
`);

/** Loses the device of such a page; resolves when it is gone. */
export const lose = (page: Page): Promise<unknown> =>
  page.evaluate(() =>
    new Promise((resolve) => {
      new BroadcastChannel("lost").onmessage = resolve;
      new BroadcastChannel("lose").postMessage(0);
    }).then(() => {}),
  );
