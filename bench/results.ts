// Result files: bench/results/<adapter>.json holds, for each suite, the last result of each row on that adapter. Rows are kept as they come, so
// that a run that ends early loses nothing, and one that is resumed leaves out what it has.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";

export interface About {
  readonly device: string;
}

export interface Row {
  readonly name: string;
}

/** What a suite says on its way: a line of progress, what holds for all rows, a row. */
export type Message<A extends About = About, R extends Row = Row> =
  | string
  | { readonly about: A }
  | { readonly row: R };

export interface Result<A extends About = About, R extends Row = Row> {
  readonly about: A;
  readonly rows: readonly R[];
}

/** A row in a file, with the start of the run that made it. */
type Kept = Row & { readonly run: string };

export interface ResultFile {
  readonly device: string;
  readonly suites: Record<string, Result<About, Kept> & { readonly machine: string; readonly node: string }>;
}

const slug = (device: string): string =>
  device
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");

const machine = (): string => {
  const processors = cpus();
  return `${platform()} ${arch()}, ${processors.length} × ${processors[0]?.model ?? "unknown"}`;
};

/** The files of a folder. */
export function readResults(folder: string): ResultFile[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as ResultFile);
}

/** The run of a suite that began last on this machine, and the rows that it has. */
export function lastRun(
  folder: string,
  suite: string,
): { readonly run: string; readonly names: ReadonlySet<string> } | null {
  const rows = readResults(folder).flatMap(({ suites }) => {
    const kept = suites[suite];
    return kept?.machine === machine() ? kept.rows : [];
  });
  const run = rows
    .map((r) => r.run)
    .sort()
    .at(-1);
  return run === undefined ? null : { run, names: new Set(rows.filter((r) => r.run === run).map((r) => r.name)) };
}

/** `before`, with `rows` in the place of those of the same names, or at the end. */
export function mergeRows<R extends Row>(before: readonly R[], rows: readonly R[]): R[] {
  const merged = new Map([...before, ...rows].map((row) => [row.name, row]));
  return [...merged.values()];
}

/** Takes a suite's messages and keeps its rows in the adapter's file, each as it comes. */
export class Recorder<A extends About, R extends Row> {
  readonly rows: R[] = [];
  #about: A | undefined;
  readonly #folder: string;
  readonly #suite: string;
  readonly #run: string;

  constructor(folder: string, suite: string, run = new Date().toISOString()) {
    this.#folder = folder;
    this.#suite = suite;
    this.#run = run;
  }

  take(message: Message<A, R>): void {
    if (typeof message === "string") process.stderr.write(`${message}\n`);
    else if ("about" in message) this.#about = message.about;
    else {
      this.rows.push(message.row);
      this.#save(message.row);
    }
  }

  get result(): Result<A, R> {
    return { about: this.#about as A, rows: this.rows };
  }

  #save(row: R): void {
    const { device } = this.#about as A;
    mkdirSync(this.#folder, { recursive: true });
    const path = join(this.#folder, `${slug(device)}.json`);
    const file: ResultFile = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : { device, suites: {} };
    const rows = mergeRows(file.suites[this.#suite]?.rows ?? [], [{ ...row, run: this.#run }]);
    file.suites[this.#suite] = { about: this.#about as A, machine: machine(), node: process.version, rows };
    writeFileSync(path, `${JSON.stringify(file, null, 1)}\n`);
  }
}
