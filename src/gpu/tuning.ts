// What the autotuner (tune.ts) chose, as plain data, and a table of it.
import type { Schedule } from "../plan/lanes.ts";
import { printSchedule, printTable } from "../plan/print.ts";

/** Chosen schedules by what they are for (sizes included), and what the choice gained. Plain data: keep it as JSON. */
export type Tuning = Record<string, TunedGroup>;

/** What was chosen for a group of steps, and out of what. */
export interface TunedGroup extends Trial {
  /** The schedule that the planner's model takes. */
  readonly fixed: Trial;
  /** Candidates timed. */
  readonly candidates: number;
}

/** A schedule and what it was measured to cost. */
export interface Trial {
  /** How the kernel is cut up. */
  readonly schedule: Schedule;
  /** Of one dispatch. */
  readonly dispatchMicroseconds: number;
  /** Of its pipeline. */
  readonly compileMilliseconds: number;
}

/** A table: what was chosen for each group, and what it gained over the fixed choice. */
export function printTuning(tuning: Tuning): string {
  const ms = (t: Trial) => (t.dispatchMicroseconds / 1000).toPrecision(3);
  const rows = Object.entries(tuning).map(([key, t]) => [
    ...[key, ms(t.fixed), ms(t), `${(t.fixed.dispatchMicroseconds / t.dispatchMicroseconds).toFixed(2)}×`],
    ...[t.fixed, t].map((x) => x.compileMilliseconds.toFixed(0)),
    `${printSchedule(t.fixed.schedule)} → ${printSchedule(t.schedule)}`,
  ]);
  const header = [
    "op [shape] over [terms]",
    "fixed ms",
    "chosen ms",
    "ratio",
    "fixed compile ms",
    "chosen compile ms",
    "choice",
  ];
  return printTable(header, rows, [0, header.length - 1]);
}
