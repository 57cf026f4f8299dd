// How many steps go into a submit, and how many lie between reports.
//
// A submit should last long enough to cost nothing (a tenth of a second or more) and be short enough to keep the machine answering; reports of
// fast steps come with every submit, those of slow ones after a few. The first window is one step: it may take half a second, and nobody knows.
import type { Device } from "../device.ts";
import { historyLength } from "./step.ts";

const target = 0.2; // seconds in a submit
const least = 32; // steps in a submit, unless they take longer than `longest`
const longest = 1.6; // seconds
const most = historyLength / 2; // so that a report's steps and one submit more fit in the history
const quickReport = 96; // steps: a report costs two submits more, and there should be 16 steps to a submit

export class Pace {
  /** Steps in the next submit. */
  submit: number;
  /** Steps after which a report is due: with the submit that reaches them, or exactly then if the user chose. */
  report: number;
  readonly #fixed: number | undefined;
  readonly #cpu: boolean;

  constructor(kind: Device["kind"], reportEvery?: number) {
    this.#cpu = kind === "cpu";
    this.#fixed = reportEvery;
    this.submit = 1;
    this.report = reportEvery ?? this.submit;
  }

  /** The most steps that may come now, `since` the last report. */
  next(since: number): number {
    return this.#fixed === undefined ? this.submit : Math.min(this.submit, this.#fixed - since);
  }

  /** Adapts to steps per second. */
  measure(rate: number): void {
    const fewest = this.#cpu ? 1 : Math.min(least, Math.ceil(longest * rate));
    this.submit = Math.min(Math.max(Math.round(target * rate), fewest), most);
    const quick = !this.#cpu && fewest === least;
    this.report = this.#fixed ?? (quick ? Math.max(this.submit, quickReport) : this.submit);
  }
}
