// Opens an example in Chrome and watches what it does with the GPU: every byte that passes between CPU and GPU, and every error.
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { createServer } from "vite";
import { hasGpu, root } from "../../src/cli/browsers.mjs";
import { launchChrome } from "../../src/cli/chrome.ts";

/** A canvas of WebGPU needs a compositor that shares its memory: without a GPU, one on SwiftShader's Vulkan too. */
const canvasFlags = hasGpu() ? [] : ["--enable-features=Vulkan", "--use-vulkan=swiftshader", "--use-angle=swiftshader"];

/** What was seen of the page's GPU since `reset`. */
export interface Seen {
  /** Calls that move bytes between CPU and GPU. */
  readonly copies: readonly string[];
  /** Of the host's validation: what no scope caught, and what a scope did. */
  readonly errors: readonly string[];
  /** Error scopes that are open. */
  readonly scopes: number;
}

export interface ExamplePage {
  readonly page: Page;
  /** Waits until the example runs, and for so many frames more. */
  frames(n: number): Promise<void>;
  seen(): Promise<Seen>;
  reset(): Promise<void>;
}

/** Calls `look` with the example's page; fails with the page's first error. */
export async function withExample<T>(name: string, look: (example: ExamplePage) => Promise<T>): Promise<T> {
  const cacheDir = mkdtempSync(join(root, "node_modules/.cache/wgrad/vite-"));
  const server = await createServer({
    configFile: join(root, "examples/vite.config.ts"),
    ...{ cacheDir, logLevel: "error" },
    server: { host: "localhost", port: 0, hmr: false, watch: null },
  });
  const browser = await launchChrome(canvasFlags);
  try {
    await server.listen();
    const page = await browser.newPage();
    await page.setViewport({ width: 800, height: 500 });
    const failure = new Promise<never>((_, reject) => {
      page.on("pageerror", reject);
      page.on("console", (m) => m.type() === "error" && reject(new Error(`the page logged: ${m.text()}`)));
    });
    failure.catch(() => {});
    await page.evaluateOnNewDocument(watchGpu);
    await page.goto(new URL(`${name}/`, server.resolvedUrls?.local[0]).href);
    const wait = (f: string) => page.waitForFunction(f, { timeout: 0 });
    const example: ExamplePage = {
      page,
      frames: async (n) => {
        const done = Number(await page.evaluate("document.body?.dataset.frames ?? 0"));
        await wait(`document.body?.dataset.frames >= ${done + n}`);
      },
      seen: () => page.evaluate("seen") as Promise<Seen>,
      reset: () => page.evaluate("Object.assign(seen, { copies: [], errors: [] })") as Promise<never>,
    };
    return await Promise.race([look(example), failure]);
  } finally {
    await browser.close();
    await server.close();
    rmSync(cacheDir, { recursive: true, force: true });
  }
}

/** Runs in the page, before its own scripts: wraps what moves bytes, and listens for errors. */
function watchGpu(): void {
  const seen = { copies: [] as string[], errors: [] as string[], scopes: 0 };
  Object.assign(window, { seen });
  const before = <T extends object>(type: { prototype: T }, name: keyof T & string, note: () => void) => {
    const method = type.prototype[name] as (...args: unknown[]) => unknown;
    type.prototype[name] = function (this: T, ...args: unknown[]) {
      note();
      return method.apply(this, args);
    } as never;
  };
  const copies = (name: string) => () => void seen.copies.push(name);
  before(GPUQueue, "writeBuffer", copies("writeBuffer"));
  before(GPUQueue, "writeTexture", copies("writeTexture"));
  before(GPUQueue, "copyExternalImageToTexture", copies("copyExternalImageToTexture"));
  before(GPUBuffer, "mapAsync", copies("mapAsync"));
  before(GPUBuffer, "getMappedRange", copies("getMappedRange"));
  before(GPUDevice, "pushErrorScope", () => seen.scopes++);
  const { popErrorScope } = GPUDevice.prototype;
  GPUDevice.prototype.popErrorScope = async function () {
    seen.scopes--;
    const error = await popErrorScope.call(this);
    if (error) seen.errors.push(`in a scope: ${error.message}`);
    return error;
  };
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (descriptor) {
    const device = await requestDevice.call(this, descriptor);
    device.addEventListener("uncapturederror", ({ error }) => seen.errors.push(error.message));
    device.lost.then(({ message }) => seen.errors.push(`lost: ${message}`));
    return device;
  };
}
