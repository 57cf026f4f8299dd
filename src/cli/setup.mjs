// Makes a clean clone ready; npm runs it before every script that needs more than Node (the pre* scripts of package.json).
// It installs the packages when they are not those of the lock file, and sees to it that a Chromium with WebGPU is there.
// Plain JavaScript without dependencies; when nothing is to do it takes a few milliseconds.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundle, bundledBrowser, bundleRuns, installedBrowsers, root } from "./browsers.mjs";

if (!packagesAreInstalled()) installPackages();
if (bundleRuns && !existsSync(bundle())) await unpackBundle();
if (!bundleRuns && installedBrowsers().length === 0) installBrowser();

/** Compares the lock file with the copy of it that npm keeps beside the packages. */
function packagesAreInstalled() {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const have = JSON.parse(readFileSync(installed, "utf8")).packages;
  const want = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(want).every(
    ([path, { version, optional }]) => path === "" || optional || have[path]?.version === version,
  );
}

function installPackages() {
  console.log("Installing the packages of package-lock.json …");
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm ? [process.execPath, npm] : ["npm"];
  execFileSync(command, [...first, "ci", "--no-audit", "--no-fund"], { cwd: root, stdio: "inherit" });
}

/** Unpacks @sparticuz/chromium. The package writes to the temporary folder, so that folder is set to one of our own. */
async function unpackBundle() {
  console.log("Unpacking Chromium …");
  const staging = `${bundle()}.${process.pid}`;
  mkdirSync(staging, { recursive: true });
  process.env.TMPDIR = staging;
  process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x"; // makes it unpack the libraries (NSS) that a bare machine lacks
  const { default: chromium } = await import("@sparticuz/chromium");
  await chromium.executablePath();
  const { path, env } = bundledBrowser(staging);
  const { status, stderr } = spawnSync(path, ["--version"], { env: { ...process.env, ...env }, encoding: "utf8" });
  if (status !== 0) {
    console.error(`The Chromium of @sparticuz/chromium does not run here: ${stderr}`);
    if (installedBrowsers().length === 0) installBrowser();
  }
  try {
    renameSync(staging, bundle()); // in one step, so that nobody sees half of it
  } catch (error) {
    rmSync(staging, { recursive: true });
    if (!existsSync(bundle())) throw error; // else another process was faster
  }
}

function installBrowser() {
  if (process.getuid?.() !== 0 || spawnSync("apt-get", ["--version"]).status !== 0) {
    console.error("No browser found: install Chrome or Chromium, or name one in CHROME_PATH.");
    process.exit(1);
  }
  console.log("Installing Chromium …");
  execFileSync("apt-get", ["update"], { stdio: "inherit" });
  execFileSync("apt-get", ["install", "-y", "chromium"], { stdio: "inherit" });
}
