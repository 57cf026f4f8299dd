// The training loop. It submits windows of steps, at most three at a time in flight, and looks at the device only for a report: one array with
// the losses of the window and the size of each parameter. What was good at a report is kept in a copy on the device.
import type { Dataset } from "../data/dataset.ts";
import type { DeviceArray } from "../device.ts";
import { leaves, type Tree } from "../graph/tree.ts";
import { requireCount } from "../shape/count.ts";
import { ValueError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { EarlyStop, EarlyStopping } from "./earlyStop.ts";
import type { Evaluation } from "./evaluate.ts";
import type { Keeper } from "./keeper.ts";
import { Pace } from "./pace.ts";
import { isDeviceArray, type Trees } from "./program.ts";
import { readState } from "./session.ts";
import { Snapshots } from "./snapshots.ts";
import { historyLength } from "./step.ts";
import type { Trainer } from "./trainer.ts";

/** Options of fit. */
export interface FitOptions {
  /** Epochs, or steps, to train from where the trainer stands. Default: one epoch. */
  readonly epochs?: number;
  /** In place of epochs. */
  readonly steps?: number;
  /** Aborting it ends the loop with its reason; the weights stay as they are. */
  readonly signal?: AbortSignal;
  /** Steps between reports, at most 1024. Default: those of a fifth of a second or so, and at least 96 where steps are quick. */
  readonly reportEvery?: number;
  /** Evaluated after each epoch; the report then has `validation`. */
  readonly validation?: Dataset;
  /** Ends training when validation no longer improves. */
  readonly earlyStopping?: EarlyStopping;
}

/** A report. */
export interface Progress {
  /** Steps done since the trainer was made, and at the end of this fit. */
  readonly step: number;
  /** At the end of this fit. */
  readonly lastStep: number;
  /** Epochs done since the trainer was made, with a fraction. */
  readonly epoch: number;
  /** The mean over the steps since the last report. */
  readonly loss: number;
  /** Of labels: the share that was predicted in the steps since the last report, each by the weights of its step. */
  readonly accuracy?: number;
  /** The loss of each step since the last report. */
  readonly losses: readonly number[];
  /** In the time since the last report. */
  readonly examplesPerSecond: number;
  /** Since the start of this fit. */
  readonly seconds: number;
  /** Until then, at the rate since the last report. */
  readonly secondsLeft: number;
  /** At the end of an epoch, if there is validation data. */
  readonly validation?: Evaluation;
  /** Training ends here because validation did not improve. */
  readonly stopped?: boolean;
}

interface Report {
  /** Steps done when it was asked for. */
  readonly step: number;
  readonly count: number;
  readonly summary: Promise<NdArray>;
  /** The state at that step, if it is time to keep it. */
  readonly state: Promise<Trees<NdArray>> | undefined;
}

/** Where a fit stands: it begins anew from here when a device was lost. */
interface Stand {
  readonly lastStep: number;
  readonly early: EarlyStop | undefined;
  readonly pace: Pace;
  readonly started: number;
  reportedAt: number;
  /** The step of the last report. */
  reported: number;
  stopped: boolean;
  done: boolean;
}

const seconds = (): number => performance.now() / 1000;

export async function* train(
  trainer: Trainer,
  keeper: Keeper | null,
  options: FitOptions,
): AsyncGenerator<Progress, void, void> {
  const { signal, earlyStopping, validation, reportEvery } = options;
  const lastStep = trainer.step + stepsOf(trainer, options);
  const early = earlyStopping && new (await import("./earlyStop.ts")).EarlyStop(trainer, earlyStopping, validation);
  signal?.throwIfAborted();
  const now = seconds();
  const stand: Stand = {
    ...{ lastStep, early, pace: new Pace(trainer.device.kind, reportEvery) },
    ...{ started: now, reportedAt: now, reported: trainer.step, stopped: false, done: false },
  };
  keeper?.reported(stand.reported);
  try {
    while (!stand.done) {
      const { device } = trainer;
      try {
        yield* advance(trainer, keeper, options, stand);
      } catch (error) {
        if (!keeper) throw error;
        await keeper.recover(error, device, signal);
      }
    }
  } finally {
    keeper?.reported(null);
  }
}

/** Trains to the end, or until the trainer is on another device. */
async function* advance(
  trainer: Trainer,
  keeper: Keeper | null,
  { signal, validation }: FitOptions,
  stand: Stand,
): AsyncGenerator<Progress, void, void> {
  const { lastStep, early, pace } = stand;
  const { device } = trainer;
  const snapshots = await Snapshots.create(trainer);
  let asked = stand.reported; // at the last report asked for
  let pending: Report | undefined;
  const inFlight: Promise<number>[] = []; // of each submit the step that it reaches, when it has

  const ask = (): Report => {
    const state = keeper?.due ? readState(trainer) : undefined;
    state?.catch(() => {}); // it is thrown where it is waited for
    return { step: trainer.step, count: trainer.step - asked, summary: snapshots.take(), state };
  };
  const finish = async ({ step, count, summary, state }: Report): Promise<Progress> => {
    const { losses, correct } = await check(trainer, keeper, snapshots, step, count, await summary);
    if (state) keeper?.keep(await state);
    const now = seconds();
    const rate = count / Math.max(now - stand.reportedAt, 1e-9);
    stand.reportedAt = now;
    pace.measure(rate);
    return {
      ...{ step, lastStep, losses, seconds: now - stand.started },
      epoch: step / trainer.stepsPerEpoch,
      loss: losses.reduce((a, b) => a + b, 0) / count,
      ...(trainer.spec.labels ? { accuracy: correct / (count * trainer.spec.batchSize) } : {}),
      examplesPerSecond: rate * trainer.spec.batchSize,
      secondsLeft: (lastStep - step) / rate,
    };
  };
  const told = (progress: Progress): Progress => {
    stand.reported = progress.step;
    keeper?.reported(progress.step);
    return progress;
  };

  try {
    while (asked < lastStep && !stand.stopped) {
      if (inFlight.length > 2) {
        const done = (await inFlight.shift()) as number;
        if (done > stand.reported) pace.measure((done - stand.reported) / (seconds() - stand.reportedAt));
      }
      if (trainer.device !== device) return;
      signal?.throwIfAborted();
      const epochEnd = (Math.floor(asked / trainer.stepsPerEpoch) + 1) * trainer.stepsPerEpoch;
      const end = validation ? Math.min(epochEnd, lastStep) : lastStep;
      // where a device was lost, there may be steps enough for a report; the reference computes at the call, and a report would wait for it
      const full = trainer.step >= Math.min(asked + pace.report, end);
      if (!full && !(pending && device.kind === "cpu")) {
        const steps = Math.min(pace.next(trainer.step - asked), end - trainer.step);
        trainer.program.run({ state: trainer.state, data: trainer.data }, { repeat: steps });
        trainer.step += steps;
        const { step } = trainer;
        const reached = () => step;
        inFlight.push(device.synchronize().then(reached, reached)); // a lost device is told of by the next run
      }
      if (pending) {
        const report = pending;
        pending = undefined;
        yield told(await finish(report));
      }
      if (trainer.step < asked + pace.report && trainer.step < end) continue;
      pending = ask();
      asked = trainer.step;
      if (trainer.step < end) continue;

      const progress = await finish(pending);
      pending = undefined;
      if (!validation) yield told(progress);
      else {
        const evaluation = await trainer.evaluate(validation);
        if (trainer.device !== device) return;
        stand.stopped = (await early?.after(evaluation)) ?? false;
        yield told({ ...progress, validation: evaluation, ...(stand.stopped ? { stopped: true } : {}) });
        stand.reportedAt = seconds();
      }
    }
    if (early) {
      await early.restore();
      keeper?.keep(await readState(trainer));
    }
    stand.done = true;
  } finally {
    await pending?.summary.catch(() => {});
    snapshots.dispose();
  }
}

/** How many steps the options ask for. */
function stepsOf(trainer: Trainer, { epochs, steps, reportEvery }: FitOptions): number {
  for (const [what, n] of Object.entries({ epochs, steps, reportEvery }))
    if (n !== undefined) requireCount("fit", what, n);
  if (epochs !== undefined && steps !== undefined)
    throw new ValueError(`fit: epochs ${epochs} and steps ${steps} are both given; give one`);
  if (reportEvery !== undefined && reportEvery > historyLength)
    throw new ValueError(`fit: reportEvery must be at most ${historyLength}, got ${reportEvery}; report more often`);
  return steps ?? (epochs ?? 1) * trainer.stepsPerEpoch;
}

/** The losses and the correct count of the last `count` steps. If one of them or a parameter is not finite, puts back the last good state and
 *  throws an error that says where it began. */
async function check(
  trainer: Trainer,
  keeper: Keeper | null,
  snapshots: Snapshots,
  step: number,
  count: number,
  summary: NdArray,
): Promise<{ losses: number[]; correct: number }> {
  const rows = Array.from({ length: count }, (_, i) => 2 * ((step - count + i) % historyLength));
  const losses = rows.map((at) => summary.data[at] as number);
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  const sizes = summary.data.subarray(2 * historyLength);
  const params = leaves(trainer.state.params as Tree<DeviceArray>, isDeviceArray);
  const badParam = params.find((_, i) => !Number.isFinite(sizes[i]))?.path;
  if (bad < 0 && badParam === undefined) {
    snapshots.accept();
    return { losses, correct: rows.reduce((sum, at) => sum + (summary.data[at + 1] as number), 0) };
  }
  const badStep = bad < 0 ? step - 1 : step - count + bad;
  const { explain } = await import("./examine.ts");
  const seen = { step: badStep, tensor: bad < 0 ? `the updated ${badParam}` : "the loss" };
  const error = await explain(trainer, snapshots, seen);
  keeper?.keep(await readState(trainer));
  throw error;
}
