// Starts a headless Chrome that has WebGPU: with the machine's GPU where there is one, with SwiftShader (on the CPU) elsewhere.
// Candidates are tried in turn, browsers best first and each with GPU flags before SwiftShader's, until one gives an adapter.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import puppeteer, { type Browser } from "puppeteer";
import { browsers, type Executable, hasGpu } from "./browsers.mjs";

const quiet = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--disable-quic",
  "--no-first-run",
  "--no-default-browser-check",
  "--no-pings",
  "--accept-lang=en-US", // else, where LANG=C, a headless shell calls its language en-US@posix, which Intl refuses
];
const software = ["--enable-unsafe-webgpu"];
const gpu = process.platform === "linux" ? [...software, "--enable-features=Vulkan", "--use-angle=vulkan"] : software;
const system = process.platform === "linux" ? ["--disable-dev-shm-usage"] : [];

/** A flag: timestamps in nanoseconds, not rounded. */
export const preciseTimestamps = "--disable-dawn-features=timestamp_quantization";

/** Switches with which pages also show what WebGPU draws into a canvas. Without a GPU everything they show is then drawn by SwiftShader. */
export const presenting: readonly string[] =
  process.platform === "linux" && !hasGpu()
    ? ["--enable-features=Vulkan", "--use-vulkan=swiftshader", "--use-angle=swiftshader"]
    : [];

/** A running Chrome whose pages have a WebGPU adapter. `flags` are further command line switches. Close it when done. */
export async function launchChrome(flags: readonly string[] = []): Promise<Browser> {
  const failures: string[] = [];
  for (const browser of browsers()) {
    for (const graphics of process.platform === "linux" && hasGpu() ? [gpu, software] : [software]) {
      try {
        return await launch(browser, [...graphics, ...flags]);
      } catch (error) {
        failures.push(`${browser.path} ${graphics.join(" ")}: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
  const remedy = "run `node src/cli/setup.mjs`, or install Chrome or Chromium, or name one in CHROME_PATH";
  throw new Error([`launchChrome: no browser with WebGPU found; ${remedy}; tried:`, ...failures].join("\n"));
}

async function launch({ path, env, flags }: Executable, more: readonly string[]): Promise<Browser> {
  const browser = await puppeteer.launch({
    executablePath: path,
    args: [...quiet, ...system, ...flags, ...more],
    env: { ...process.env, ...env },
    headless: true,
    protocolTimeout: 0, // a page may compute for minutes
  });
  try {
    if (!(await hasAdapter(browser))) throw new Error("no adapter");
    return browser;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** Asks a page for an adapter. navigator.gpu exists in secure contexts only; http://localhost is one, about:blank is not. */
async function hasAdapter(browser: Browser): Promise<boolean> {
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>"));
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    const found = await page.evaluate("navigator.gpu?.requestAdapter().then((adapter) => adapter !== null)");
    await page.close();
    return found === true;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
