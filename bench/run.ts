// Runs a suite's module in headless Chrome or in Node.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { preciseTimestamps } from "../src/cli/chrome.ts";
import { createGpu } from "../src/cli/dawn.ts";
import { mnistFolder } from "../src/cli/mnistFiles.ts";
import { type PageModule, runInChrome } from "../src/cli/page.ts";
import { setHost } from "./host.ts";

export type Runtime = "chrome" | "node";

/** Calls `bench/suites/<name>.ts`. Messages are lines of progress. */
export async function runSuite<Args, Result>(name: string, args: Args, runtime: Runtime): Promise<Result> {
  const onMessage = (text: string) => process.stderr.write(`${text}\n`);
  if (runtime === "chrome")
    return runInChrome<Result, string, Args>({
      entry: `bench/suites/${name}.ts`,
      args,
      onMessage,
      onLog: onMessage,
      flags: [preciseTimestamps],
    });
  setHost({ gpu: await createGpu(), read: (file) => readFile(join(mnistFolder, file)) });
  const { default: main } = (await import(`./suites/${name}.ts`)) as { default: PageModule<Args, string, Result> };
  return main(args, onMessage);
}
