// The page of `npm run train` for tasks over sequences.

import { GpuDevice } from "../gpu/device.ts";
import { type SequenceTaskName, sequenceTasks } from "../train/sequences/index.ts";
import type { SequenceArgs } from "../train/sequences/task.ts";
import type { PageModule } from "./page.ts";

export interface SequencePageArgs extends SequenceArgs {
  readonly task: SequenceTaskName;
}

export interface SequenceMessage {
  readonly line: string;
  readonly values: Readonly<Record<string, number | string>>;
}

const main: PageModule<SequencePageArgs, SequenceMessage, Record<string, number>> = async ({ task, ...args }, send) => {
  const device = await GpuDevice.request();
  try {
    send({ line: device.name, values: { adapter: device.name } });
    return await sequenceTasks[task].run(device, args, (line, values = {}) => send({ line, values }));
  } finally {
    device.dispose();
  }
};
export default main;
