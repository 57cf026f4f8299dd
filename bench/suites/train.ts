// `bench train`: the training tasks, wgrad alone.
import type { PageModule } from "../../src/cli/page.ts";
import type { DeviceArray } from "../../src/device.ts";
import type { GpuDevice } from "../../src/gpu/device.ts";
import { leastBytes } from "../../src/plan/work.ts";
import { historyLength } from "../../src/train/step.ts";
import type { Trainer } from "../../src/train/trainer.ts";
import { requestDevice, sessionStore } from "../host.ts";
import { calibrate, type Spread, sampled, type Timed, time } from "../measure.ts";
import { type WgradTraining, wgradTraining } from "../peers/wgrad.ts";
import type { About, Message, Result, Row } from "../results.ts";
import { batchSize, type TaskName } from "../tasks.ts";
import { examples, programOf } from "../training.ts";

export interface TrainArgs {
  readonly tasks: readonly TaskName[];
  readonly samples: number;
  readonly sampleMilliseconds: number;
  /** Takes the schedules that the autotuner finds, not the fixed ones. */
  readonly tune: boolean;
}

export interface TrainRow extends Row {
  readonly stepMilliseconds: Spread;
  readonly jsMicroseconds: Spread;
  readonly imagesPerSecond: number;
  /** Of a step. */
  readonly dispatches: number;
  readonly submits: number;
  readonly multiplyAdds: number;
  readonly bytes: number;
  /** Each value read once and written once. */
  readonly leastBytes: number;
  readonly pipelines: number;
  /** From the trainer's options to its plan, and from there to the last pipeline. With tuning, all of it is planning. */
  readonly planMilliseconds: number;
  readonly compileMilliseconds: number;
  /** The mean loss of the first and of the last steps of this run. */
  readonly firstLoss: number;
  readonly lastLoss: number;
}

export type TrainResult = Result<About, TrainRow>;

const main: PageModule<TrainArgs, Message<About, TrainRow>, void> = async (args, send) => {
  const data = await examples(60_000);
  for (const task of args.tasks) {
    send(`${task}: ${args.tune ? "tunes" : "plans and compiles"}`);
    const device = await requestDevice();
    send({ about: { device: device.name } });
    const marks = watchPipelines(device);
    const start = performance.now();
    const onProgress = (done: number, total: number) => send(`${task}: ${done + 1} of ${total}`);
    const tune = args.tune && { store: sessionStore, onProgress };
    const training = await wgradTraining(device, task, data, tune);
    send(`${task}: checks and warms up`);
    const { firstLoss, lastLoss } = await check(training);
    const count = await calibrate(training.work, args.sampleMilliseconds, 3 * training.stepsPerSubmit());
    const times: Timed[] = [];
    for (let i = 0; i < args.samples; i++) {
      times.push(await time(training.work, count));
      send(`${task}: ${Math.round((1000 * batchSize) / (times.at(-1) as Timed).milliseconds)} images/s`);
    }
    const { milliseconds, jsMicroseconds } = sampled(times);
    const { plan, stats } = programOf(training.trainer);
    const total = (f: (d: (typeof plan.dispatches)[number]) => number) => plan.dispatches.reduce((n, d) => n + f(d), 0);
    const row: TrainRow = {
      ...{ name: args.tune ? `${task}, tuned` : task, firstLoss, lastLoss },
      ...{ jsMicroseconds, stepMilliseconds: milliseconds },
      imagesPerSecond: (1000 * batchSize) / milliseconds.median,
      dispatches: plan.dispatches.length,
      submits: stats.submits / stats.steps,
      multiplyAdds: total((d) => d.multiplyAdds),
      bytes: total((d) => d.bytes),
      leastBytes: leastBytes(plan.dispatches).all,
      pipelines: device.pipelines.size,
      planMilliseconds: marks.first - start,
      compileMilliseconds: marks.last - marks.first,
    };
    send({ row });
    training.dispose();
    device.dispose();
  }
};
export default main;

/** When the first pipeline was asked for, and when the last one was there. */
function watchPipelines(device: GpuDevice): { first: number; last: number } {
  const marks = { first: Number.POSITIVE_INFINITY, last: 0 };
  const { pipelines } = device;
  const get = pipelines.get.bind(pipelines);
  pipelines.get = async (...args) => {
    marks.first = Math.min(marks.first, performance.now());
    const pipeline = await get(...args);
    marks.last = performance.now();
    return pipeline;
  };
  return marks;
}

const checkedSteps = 128;

/** Throws unless the loss falls. */
async function check({ trainer, work }: WgradTraining): Promise<{ firstLoss: number; lastLoss: number }> {
  await work(checkedSteps);
  const losses = await history(trainer, checkedSteps);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [firstLoss, lastLoss] = [mean(losses.slice(0, 8)), mean(losses.slice(-8))];
  if (!(lastLoss < 0.8 * firstLoss)) throw new Error(`train: the loss went from ${firstLoss} to ${lastLoss}`);
  return { firstLoss, lastLoss };
}

async function history(trainer: Trainer, steps: number): Promise<number[]> {
  const { data } = await (trainer.state.history as DeviceArray).read();
  return Array.from({ length: Math.min(steps, historyLength) }, (_, i) => data[2 * i] as number);
}
