// The run as the page leads it: sets the worker's trainer up, starts, pauses and steps it, and goes on when its device is lost.
import { DeviceLostError, type NdArray, type Tree } from "wgrad";
import type { Progress } from "wgrad/train";
import { type Connected, connectTrainer } from "wgrad/worker";
import { type Setup, tasks } from "./tasks.ts";
import type { About, DemoHost } from "./worker/worker.ts";

export type State = "preparing" | "ready" | "running" | "pausing" | "paused" | "finished" | "failed";

export interface Listeners {
  state(state: State): void;
  ready(about: About): void;
  progress(progress: Progress): void;
  /** The device was lost at this step; training resumes from parameters of a step before. */
  lost(step: number, error: DeviceLostError): void;
  failed(error: unknown): void;
}

/** Of the gzipped files. */
export const mnistFolder = new URL("../data/mnist", document.baseURI).href;

/** Between two copies of the parameters that a lost device would take along, in milliseconds. */
const keepEvery = 2000;

export class Run {
  readonly host: Connected<DemoHost>;
  readonly #listeners: Listeners;
  #state: State = "preparing";
  #setup: Setup | undefined;
  #preparing: Promise<void> = Promise.resolve();
  #kept: { readonly step: number; readonly params: Tree<NdArray> } | undefined;
  #keptAt = 0;
  /** Steps done before the trainer that there is now was made. */
  #before = 0;
  #step = 0;
  #lastStep = 0;

  constructor(listeners: Listeners) {
    this.#listeners = listeners;
    const worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module", name: "trainer" });
    this.host = connectTrainer<DemoHost>(worker);
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
        await this.#create(setup);
        this.#before = this.#step = this.#lastStep = 0;
        this.#kept = undefined;
        if (this.#setup === setup) this.#to("ready");
      } catch (error) {
        this.#fail(error);
      }
    });
    return this.#preparing;
  }

  /** Trains for the length of the setup, or goes on where it was paused. */
  async start(): Promise<void> {
    if (this.#state === "paused") {
      this.#to("running");
      await this.host.resume();
    } else if (this.#state === "ready" || this.#state === "finished") {
      const { task, length } = this.#setup as Setup;
      await this.#train(tasks[task].kind === "images" ? { epochs: length } : { steps: length });
    }
  }

  async pause(): Promise<void> {
    if (this.#state !== "running") return;
    this.#to("pausing");
    await this.host.pause();
    if (this.#state === ("pausing" as State)) this.#to("paused");
  }

  /** One step. */
  async step(): Promise<void> {
    const before = this.#state;
    if (before !== "ready" && before !== "paused" && before !== "finished") return;
    try {
      this.#progress(await this.host.step());
    } catch (error) {
      await this.#recover(error);
    }
  }

  async #create(setup: Setup, params?: Tree<NdArray>): Promise<void> {
    await this.host.create({ setup, mnistFolder, ...(params ? { params } : {}) });
    this.#listeners.ready(await this.host.about());
  }

  async #train(length: { epochs: number } | { steps: number }): Promise<void> {
    const setup = this.#setup;
    this.#to("running");
    try {
      const { ended } = await this.host.start(length, (progress) => this.#progress(progress));
      if (this.#setup === setup && ended === "finished") this.#to("finished");
    } catch (error) {
      if (this.#setup !== setup || !(await this.#recover(error))) return;
      const left = this.#lastStep - this.#step;
      if (left > 0) await this.#train({ steps: left });
      else this.#to("finished");
    }
  }

  #progress(progress: Progress): void {
    this.#step = this.#before + progress.step;
    this.#lastStep = this.#before + progress.lastStep;
    this.#listeners.progress({ ...progress, step: this.#step, lastStep: this.#lastStep });
    if (performance.now() - this.#keptAt > keepEvery) void this.#keep();
  }

  async #keep(): Promise<void> {
    this.#keptAt = performance.now();
    const step = this.#step;
    const params = await this.host.params().catch(() => undefined);
    if (params) this.#kept = { step, params };
  }

  /** Makes another trainer if the device was lost, and says whether it did. */
  async #recover(error: unknown): Promise<boolean> {
    if (!(error instanceof DeviceLostError)) {
      this.#fail(error);
      return false;
    }
    const { step = 0, params } = this.#kept ?? {};
    this.#listeners.lost(this.#step, error);
    try {
      await this.#create(this.#setup as Setup, params);
    } catch (again) {
      this.#fail(again);
      return false;
    }
    this.#before = this.#step = step;
    return true;
  }

  #fail(error: unknown): void {
    this.#to("failed");
    this.#listeners.failed(error);
  }

  #to(state: State): void {
    this.#state = state;
    this.#listeners.state(state);
  }
}
