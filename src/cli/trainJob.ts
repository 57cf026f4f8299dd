// The job of `npm run train`, wherever it runs: in a page, in Node, on the CPU reference.

import { countOf, takeExamples } from "../data/dataset.ts";
import type { Split } from "../data/mnist.ts";
import type { Device } from "../device.ts";
import type { Profile } from "../gpu/profile.ts";
import type { TuneOptions } from "../gpu/tune.ts";
import type { Tuning } from "../gpu/tuning.ts";
import { saveWeights } from "../io/weights.ts";
import { ValueError } from "../shape/errors.ts";
import { type OptimizerName, optimizerOf, type TaskName, tasks } from "../train/tasks.ts";
import { Trainer } from "../train/trainer.ts";
import { fromBase64, toBase64 } from "./base64.ts";

export interface TrainArgs {
  task: TaskName;
  epochs: number;
  /** The first so many; by default all, or fewer on a slow device. */
  examples?: number;
  batch: number;
  optimizer: OptimizerName;
  lr?: number;
  /** Default: that of the checkpoint. */
  seed?: number;
  /** Where to go on, in base 64; epochs count from the beginning. */
  checkpoint?: string;
  /** Whether to send a checkpoint every so often and at the end, and the weights at the end. */
  save?: boolean;
  weights?: boolean;
  /** Whether kernels are chosen by timing them. Default: on a GPU, not on a software adapter. */
  tune?: boolean;
  /** What earlier runs chose, by device. */
  tunings?: Record<string, Tuning>;
  /** Whether to time each dispatch of a step afterwards. */
  profile?: boolean;
}

/** Before a kernel is tuned. */
export interface Tunes {
  kind: "tunes";
  done: number;
  total: number;
  group: string;
}

/** The kernels' choices, how many of them were timed now, and how long all that took. */
export interface Tuned {
  kind: "tuned";
  choices: Tuning;
  timed: number;
  seconds: number;
}

/** Keep these choices for the next run. */
export interface Remember {
  kind: "remember";
  key: string;
  tuning: Tuning;
}

/** Write this to its file. */
export interface Save {
  kind: "save";
  what: "checkpoint" | "weights";
  base64: string;
}

export interface Start {
  kind: "start";
  adapter: string;
  software: boolean;
  /** Images to train on, and whether they are fewer than there are because the device is slow. */
  examples: number;
  limited: boolean;
  steps: number;
}

export interface Report {
  kind: "report";
  step: number;
  steps: number;
  epoch: number;
  loss: number;
  accuracy: number;
  imagesPerSecond: number;
  secondsLeft: number;
}

export type TrainMessage = Tunes | Tuned | Remember | Save | Start | Report;

export interface StepProfile extends Pick<Profile, "method" | "microseconds" | "dispatches"> {
  /** The table, and the trace for ui.perfetto.dev. */
  text: string;
  trace: object;
}

export interface Summary {
  task: TaskName;
  adapter: string;
  testExamples: number;
  testAccuracy: number;
  testCorrect: number;
  testLoss: number;
  /** confusion[i][j]: how often label i was predicted as j. */
  confusion: number[][];
  /** Over all of training: from the first submit to the last result. */
  imagesPerSecond: number;
  dispatchesPerStep: number;
  submitsPerStep: number;
  /** JS time that recording and submitting a step took. */
  jsMicrosecondsPerStep: number;
  /** Of every step. */
  losses: number[];
  profile?: StepProfile;
}

/** What a software adapter, and the reference, take unless told otherwise. */
const softwareExamples = 12_000;
const referenceExamples = { train: 1_000, test: 500 };
/** Seconds between checkpoints. */
const saveEvery = 30;

export async function trainJob(
  device: Device,
  { train, test }: Split,
  args: TrainArgs,
  send: (message: TrainMessage) => void,
): Promise<Summary> {
  const { model, loss } = tasks[args.task];
  const all = countOf(train);
  const reference = device.kind === "cpu";
  const most = reference ? referenceExamples.train : device.software ? softwareExamples : all;
  const examples = args.examples ?? Math.min(all, most);
  if (examples > all)
    throw new ValueError(`train: ${examples} examples are more than the ${all} there are; take fewer`);
  const testData = reference && args.examples === undefined ? takeExamples(test, 0, referenceExamples.test) : test;
  await using trainer = await Trainer.create({
    ...{ device, model, loss, batchSize: args.batch },
    ...(args.seed === undefined ? {} : { seed: args.seed }),
    ...(args.checkpoint ? { checkpoint: fromBase64(args.checkpoint) } : {}),
    data: takeExamples(train, 0, examples),
    optimizer: optimizerOf(args.optimizer, args.lr),
    tune: (args.tune ?? !device.software) && tuneOptions(args.tunings ?? {}, send),
  });
  const adapter = device.name;
  const limited = args.examples === undefined && examples < all;
  const steps = args.epochs * trainer.stepsPerEpoch;
  const left = steps - trainer.step;
  if (left < 1)
    throw new ValueError(
      `train: the checkpoint is of step ${trainer.step}, and ${args.epochs} epochs end at step ${steps}; train for more`,
    );
  send({ kind: "start", adapter, software: device.software, examples, limited, steps });

  const save = async (what: Save["what"], bytes: Promise<Uint8Array>) =>
    send({ kind: "save", what, base64: toBase64(await bytes) });
  const losses: number[] = [];
  let seconds = 0;
  let saved = 0;
  for await (const p of trainer.fit({ steps: left })) {
    if (args.save && p.seconds > saved + saveEvery) {
      saved = p.seconds;
      await save("checkpoint", trainer.checkpoint());
    }
    losses.push(...p.losses);
    seconds = p.seconds;
    const { step, epoch, loss, accuracy = 0, examplesPerSecond: imagesPerSecond, secondsLeft } = p;
    send({ kind: "report", step, steps, epoch, loss, accuracy, imagesPerSecond, secondsLeft });
  }
  if (args.save) await save("checkpoint", trainer.checkpoint());
  if (args.weights) await save("weights", saveWeights(trainer));
  const { correct = 0, accuracy = 0, confusion = [], ...result } = await trainer.evaluate(testData);
  const { program, state } = trainer;
  const profile = args.profile && (await program.profile?.({ state, data: trainer.data }));
  const perStep = (n: number | undefined) => (n ?? 0) / left;
  return {
    ...{ task: args.task, adapter, losses },
    ...{ testExamples: result.examples, testAccuracy: accuracy, testCorrect: correct, testLoss: result.loss },
    confusion: confusion.map((row) => [...row]),
    imagesPerSecond: (left * args.batch) / seconds,
    dispatchesPerStep: "dispatches" in program.plan ? program.plan.dispatches.length : 0,
    submitsPerStep: perStep(program.stats?.submits),
    jsMicrosecondsPerStep: perStep(program.stats?.recordMicroseconds),
    ...(profile ? { profile: plain(profile) } : {}),
  };
}

const plain = (p: Profile): StepProfile => ({
  ...{ method: p.method, microseconds: p.microseconds, dispatches: p.dispatches },
  ...{ text: String(p), trace: p.trace() },
});

/** Choices come with the arguments and go by messages: a page has no files. */
function tuneOptions(known: Record<string, Tuning>, send: (message: TrainMessage) => void): TuneOptions {
  const start = performance.now();
  return {
    store: {
      load: async (key) => known[key],
      save: async (key, tuning) => send({ kind: "remember", key, tuning }),
    },
    onProgress: (done, total, group) => send({ kind: "tunes", done, total, group }),
    onChosen: (choices, timed) => send({ kind: "tuned", choices, timed, seconds: (performance.now() - start) / 1000 }),
  };
}
