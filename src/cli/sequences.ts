// `npm run train -- TASK` for tasks over sequences: what they print is their own; the result is one line.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CpuDevice } from "../cpu/device.ts";
import type { Device } from "../device.ts";
import { GpuDevice } from "../gpu/device.ts";
import { type SequenceTaskName, sequenceTasks } from "../train/sequences/index.ts";
import type { SequenceArgs } from "../train/sequences/task.ts";
import { createGpu } from "./dawn.ts";
import { runInChrome } from "./page.ts";
import type { SequenceMessage, SequencePageArgs } from "./sequence.page.ts";

export interface SequenceCommand extends SequenceArgs {
  readonly task: SequenceTaskName;
  readonly runtime: string;
  readonly json: boolean;
  /** A file; default: Genesis in the King James Version. */
  readonly textFile?: string | undefined;
}

const defaultText = fileURLToPath(new URL("../train/sequences/genesis.txt", import.meta.url));

export async function runSequence({ task, runtime, json, textFile, ...given }: SequenceCommand): Promise<void> {
  const print = ({ line, values }: SequenceMessage): void => {
    if (!json) console.log(line);
    else if (Object.keys(values).length) console.log(JSON.stringify({ kind: "report", ...values }));
  };
  const args: SequenceArgs = {
    ...given,
    ...(task === "char-rnn" ? { text: readFileSync(textFile ?? defaultText, "utf8") } : {}),
  };
  if (!json) print({ line: `${task}: ${sequenceTasks[task].description}`, values: {} });
  const result =
    runtime === "chrome" ? await inChrome({ ...args, task }, print) : await here(runtime, task, args, print);
  console.log(json ? JSON.stringify({ kind: "summary", task, ...result }) : summary(result));
}

/** "lstm test loss 0.001" of lstmTestLoss. */
const summary = (result: Record<string, number>): string =>
  Object.entries(result)
    .map(([name, value]) => `${name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)} ${Number(value.toPrecision(4))}`)
    .join(", ");

const inChrome = (args: SequencePageArgs, onMessage: (m: SequenceMessage) => void) =>
  runInChrome<Record<string, number>, SequenceMessage, SequencePageArgs>({
    ...{ entry: "src/cli/sequence.page.ts", args, onMessage },
    onLog: (text) => console.error(text),
  });

async function here(
  runtime: string,
  task: SequenceTaskName,
  args: SequenceArgs,
  print: (m: SequenceMessage) => void,
): Promise<Record<string, number>> {
  const device: Device = runtime === "cpu" ? new CpuDevice() : await GpuDevice.request({ gpu: await createGpu() });
  try {
    print({ line: device.name, values: { adapter: device.name } });
    return await sequenceTasks[task].run(device, args, (line, values = {}) => print({ line, values }));
  } finally {
    device.dispose();
  }
}
