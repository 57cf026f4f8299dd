// Where the command line keeps an autotuner's choices: one JSON file in the user's cache folder, by adapter.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Tuning } from "../gpu/tuning.ts";

export type Tunings = Record<string, Tuning>;

const caches: Partial<Record<NodeJS.Platform, string | undefined>> = {
  darwin: join(homedir(), "Library/Caches"),
  win32: process.env.LOCALAPPDATA,
};

export const defaultTuningFile = join(
  caches[process.platform] ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
  "wgrad/tuning.json",
);

/** All that the file holds; nothing if there is none. Throws an Error if it is no such file. */
export function readTunings(path: string): Tunings {
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Tunings;
  } catch (error) {
    throw new Error(`--tuning: ${path} is no JSON: ${(error as Error).message}; delete it, or name another file`);
  }
}

/** Adds the choices of a device. Other processes that read meanwhile see the old file or the new one. */
export function writeTuning(path: string, key: string, tuning: Tuning): void {
  mkdirSync(dirname(path), { recursive: true });
  const all = readTunings(path);
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify({ ...all, [key]: { ...all[key], ...tuning } }, null, 1)}\n`);
  renameSync(next, path);
}
