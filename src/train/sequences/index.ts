// The tasks over sequences, and three that are no data set at all.
import { adding } from "./adding.ts";
import { charRnn } from "./charRnn.ts";
import { hessian } from "./hessian.ts";
import { linear } from "./linear.ts";
import { netbp } from "./netbp.ts";
import { reverse } from "./reverse.ts";
import { sine } from "./sine.ts";
import type { SequenceTask } from "./task.ts";

export const sequenceTasks = { "char-rnn": charRnn, adding, sine, reverse, netbp, linear, hessian } satisfies Record<
  string,
  SequenceTask
>;

export type SequenceTaskName = keyof typeof sequenceTasks;
