// The run as the page leads it: sets the worker's trainer up, starts, pauses and steps it. When the device is lost, the trainer resumes by
// itself; the page is told.
import type { Progress } from "wgrad/train";
import { type Connected, connectTrainer } from "wgrad/worker";
import { type Setup, tasks } from "./tasks.ts";
import type { About, DemoHost } from "./worker/worker.ts";

export type State = "preparing" | "ready" | "running" | "pausing" | "paused" | "finished" | "failed";

export interface Listeners {
  state(state: State): void;
  ready(about: About): void;
  progress(progress: Progress): void;
  /** So many steps are done, of so many, though the last of them were not reported. */
  reached(step: number, lastStep: number): void;
  /** The device was lost; training resumes on another. */
  lost(message: string): void;
  failed(error: unknown): void;
}

/** Of the gzipped files. */
export const mnistFolder = new URL("../data/mnist", document.baseURI).href;

export class Run {
  readonly host: Connected<DemoHost>;
  readonly #listeners: Listeners;
  #state: State = "preparing";
  #setup: Setup | undefined;
  #preparing: Promise<void> = Promise.resolve();
  /** The step at which the run under way ends, or would. */
  #end = 0;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
    const worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module", name: "trainer" });
    worker.onerror = (event) => this.fail(new Error(event.message));
    this.host = connectTrainer<DemoHost>(worker);
    void this.host.whenLost((message) => listeners.lost(message));
  }

  get state(): State {
    return this.#state;
  }

  /** A trainer for this setup, in place of the one that there is. Of several calls the last counts. */
  prepare(setup: Setup): Promise<void> {
    this.#setup = setup;
    this.#to("preparing");
    this.#preparing = this.#preparing.then(async () => {
      if (this.#setup !== setup) return;
      try {
        await this.host.create({ setup, mnistFolder });
        const about = await this.host.about();
        if (this.#setup !== setup) return;
        this.#end = setup.length * (tasks[setup.task].kind === "images" ? about.stepsPerEpoch : 1);
        this.#listeners.ready(about);
        this.#to("ready");
      } catch (error) {
        this.fail(error);
      }
    });
    return this.#preparing;
  }

  /** Trains for the length of the setup, or goes on where it was paused. */
  async start(): Promise<void> {
    if (this.#state === "paused") {
      this.#to("running");
      await this.host.resume();
      return;
    }
    if (this.#state !== "ready" && this.#state !== "finished") return;
    const setup = this.#setup as Setup;
    const length = tasks[setup.task].kind === "images" ? { epochs: setup.length } : { steps: setup.length };
    this.#to("running");
    try {
      const { ended } = await this.host.start(length, (progress) => {
        this.#end = progress.lastStep;
        if (this.#setup === setup) this.#listeners.progress(progress);
      });
      if (this.#setup === setup && ended === "finished") this.#to("finished");
    } catch (error) {
      if (this.#setup === setup) this.fail(error);
    }
  }

  async pause(): Promise<void> {
    if (this.#state !== "running") return;
    const setup = this.#setup;
    this.#to("pausing");
    const still = () => this.#setup === setup && this.#state === "pausing";
    await this.host.pause();
    if (!still()) return;
    const step = await this.host.stepsDone();
    if (!still()) return;
    this.#listeners.reached(step, this.#end);
    this.#to("paused");
  }

  /** One step. */
  async step(): Promise<void> {
    const setup = this.#setup;
    try {
      const progress = await this.host.step();
      if (this.#setup !== setup) return;
      const lastStep = Math.max(progress.step, this.#end); // it is a step of the whole run
      this.#listeners.progress({ ...progress, lastStep, secondsLeft: Number.NaN });
      this.#to(this.#state);
    } catch (error) {
      if (this.#setup === setup) this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.#to("failed");
    this.#listeners.failed(error);
  }

  #to(state: State): void {
    this.#state = state;
    this.#listeners.state(state);
  }
}
