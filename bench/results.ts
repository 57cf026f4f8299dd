// Result files: bench/results/<adapter>.json holds the last result of each suite on that adapter.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";
import { root } from "../src/cli/browsers.mjs";

export interface SuiteResult {
  readonly device: string;
}

export interface ResultFile {
  readonly device: string;
  readonly suites: Record<string, object>;
}

export const resultsFolder = join(root, "bench/results");

const slug = (device: string): string =>
  device
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

/** Keeps the result beside those of other suites, and writes it alone to `json` if that is given. */
export function save(suite: string, result: SuiteResult, json?: string): void {
  const processors = cpus();
  const machine = `${platform()} ${arch()}, ${processors.length} × ${processors[0]?.model ?? "unknown"}`;
  const entry = { date: new Date().toISOString(), machine, node: process.version, ...result };
  if (json) writeFileSync(json, `${JSON.stringify(entry, null, 1)}\n`);
  mkdirSync(resultsFolder, { recursive: true });
  const path = join(resultsFolder, `${slug(result.device)}.json`);
  const file: ResultFile = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as ResultFile)
    : { device: result.device, suites: {} };
  file.suites[suite] = entry;
  writeFileSync(path, `${JSON.stringify(file, null, 1)}\n`);
}
