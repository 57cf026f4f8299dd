// Runs a suite's module in headless Chrome or in Node.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { preciseTimestamps } from "../src/cli/chrome.ts";
import { createGpu } from "../src/cli/dawn.ts";
import { mnistFolder } from "../src/cli/mnistFiles.ts";
import { type PageModule, runInChrome } from "../src/cli/page.ts";
import { setHost } from "./host.ts";

export type Runtime = "chrome" | "node";

/** Calls `bench/suites/<name>.ts`; what the page logs is a message too. */
export async function runSuite<Args, Message, Result = void>(
  name: string,
  args: Args,
  runtime: Runtime,
  onMessage: (message: Message | string) => void,
): Promise<Result> {
  if (runtime === "chrome")
    return runInChrome<Result, Message, Args>({
      entry: `bench/suites/${name}.ts`,
      args,
      onMessage,
      onLog: onMessage,
      flags: [preciseTimestamps],
    });
  setHost({ gpu: await createGpu(), read: (file) => readFile(join(mnistFolder, file)) });
  const { default: main } = (await import(`./suites/${name}.ts`)) as { default: PageModule<Args, Message, Result> };
  return main(args, onMessage);
}
