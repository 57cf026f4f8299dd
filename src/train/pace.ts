// How many steps go into a submit, and how many lie between reports.
//
// A submit should last long enough to cost nothing (a tenth of a second or more) and be short enough to keep the machine answering; reports of
// fast steps come with every submit, those of slow ones after a few. The first window is small, so that a first report comes early.
import type { Device } from "../device.ts";
import { historyLength } from "./step.ts";

const target = 0.2; // seconds in a submit
const least = 32; // steps in a submit, unless they take longer than `longest`
const longest = 1.6; // seconds

export class Pace {
  /** Steps in the next submit. */
  submit: number;
  /** Steps between reports. */
  report: number;
  readonly #fixed: number | undefined;
  readonly #cpu: boolean;

  constructor(kind: Device["kind"], reportEvery?: number) {
    this.#cpu = kind === "cpu";
    this.#fixed = reportEvery;
    this.submit = this.#cpu ? 1 : 16;
    this.report = reportEvery ?? this.submit;
  }

  /** Adapts to steps per second. */
  measure(rate: number): void {
    const fewest = this.#cpu ? 1 : Math.min(least, Math.ceil(longest * rate));
    this.submit = Math.min(Math.max(Math.round(target * rate), fewest), historyLength);
    // a report costs two submits more, so that it comes after at least 64 quick steps
    const quick = !this.#cpu && fewest === least;
    this.report = this.#fixed ?? (quick ? this.submit * Math.ceil(64 / this.submit) : this.submit);
  }
}
