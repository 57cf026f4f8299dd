// Where a browser with WebGPU may be found on this machine. Plain JavaScript without dependencies, because setup.mjs uses
// it before anything is installed.
//
// The npm package @sparticuz/chromium brings a Linux x64 Chromium with SwiftShader, a Vulkan driver that runs on the CPU.
// setup.mjs unpacks it into `bundle`; Dawn in Node (dawn.ts) uses the same driver.

import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** A browser, with the variables and switches that it needs. @typedef {{ path: string, env: Record<string, string>, flags: string[] }} Executable */

/** True where @sparticuz/chromium runs. */
export const bundleRuns = process.platform === "linux" && process.arch === "x64";

/** The folder of the unpacked @sparticuz/chromium; its version is in the name, so that an update unpacks anew. */
export function bundle() {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/@sparticuz/chromium/package.json"), "utf8"));
  return join(root, "node_modules/.cache/wgrad", `chromium-${version}`);
}

/** @param {string} folder where @sparticuz/chromium was unpacked @returns {Executable} */
export function bundledBrowser(folder) {
  const libraries = [join(folder, "al2023/lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  const fonts = { FONTCONFIG_FILE: join(root, "src/cli/fonts.conf"), XDG_DATA_HOME: join(folder, "fonts") };
  const env = { LD_LIBRARY_PATH: libraries, ...fonts };
  return { path: join(folder, "chromium"), env, flags: ["--no-sandbox"] }; // the package has no sandbox helper
}

/** Installed browsers, or the one that CHROME_PATH names. @returns {Executable[]} */
export function installedBrowsers() {
  const { CHROME_PATH, PATH = "", LOCALAPPDATA = "", PROGRAMFILES = "" } = process.env;
  const flags = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // the sandbox refuses to run as root
  if (CHROME_PATH) return [{ path: CHROME_PATH, env: {}, flags }];
  const names = ["google-chrome", "google-chrome-stable", "chromium", "chromium-browser"];
  const places = {
    darwin: [
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
    win32: [PROGRAMFILES, LOCALAPPDATA].map((folder) => join(folder, "Google/Chrome/Application/chrome.exe")),
    linux: PATH.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
  };
  const paths = process.platform in places ? places[/** @type {keyof typeof places} */ (process.platform)] : [];
  return paths.filter(executable).map((path) => ({ path, env: {}, flags }));
}

/** Every browser to try, best first. @returns {Executable[]} */
export function browsers() {
  const unpacked = bundleRuns && !process.env.CHROME_PATH && existsSync(join(bundle(), "chromium"));
  return [...installedBrowsers(), ...(unpacked ? [bundledBrowser(bundle())] : [])];
}

/** True where a Linux machine shows a GPU. */
export function hasGpu() {
  return existsSync("/dev/nvidia0") || existsSync("/dev/dri");
}

/** @param {string} path */
function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
