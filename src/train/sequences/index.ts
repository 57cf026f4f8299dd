// The tasks over sequences, and two that are no data set at all.
import { adding } from "./adding.ts";
import { charRnn } from "./charRnn.ts";
import { linear } from "./linear.ts";
import { netbp } from "./netbp.ts";
import { reverse } from "./reverse.ts";
import { sine } from "./sine.ts";
import type { SequenceTask } from "./task.ts";

export const sequenceTasks = { "char-rnn": charRnn, adding, sine, reverse, netbp, linear } satisfies Record<
  string,
  SequenceTask
>;

export type SequenceTaskName = keyof typeof sequenceTasks;
