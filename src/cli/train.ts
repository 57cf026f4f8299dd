// `npm run train -- TASK`: trains a net on MNIST, or on sequences (sequences.ts), in Chrome, in Node or on the CPU reference, and tests it.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { CpuDevice } from "../cpu/device.ts";
import { mnist } from "../data/mnist.ts";
import type { Device } from "../device.ts";
import { GpuDevice } from "../gpu/device.ts";
import { type SequenceTaskName, sequenceTasks } from "../train/sequences/index.ts";
import type { CellName } from "../train/sequences/task.ts";
import { optimizerOf, optimizers, type Task, type TaskName, tasks } from "../train/tasks.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { preciseTimestamps } from "./chrome.ts";
import { createGpu } from "./dawn.ts";
import { runInChrome } from "./page.ts";
import { runSequence } from "./sequences.ts";
import type { PageArgs } from "./train.page.ts";
import { type DataSource, dataSource, withServer } from "./trainData.ts";
import { type Remember, type Summary, type TrainArgs, type TrainMessage, trainJob } from "./trainJob.ts";
import { barPrinter, jsonPrinter } from "./trainPrint.ts";
import { defaultTuningFile, readTunings, writeTuning } from "./tuningFile.ts";

type Send = (message: TrainMessage) => void;

const runtimes: Record<string, (source: DataSource, args: TrainArgs, send: Send) => Promise<Summary>> = {
  chrome: (source, args, onMessage) =>
    withServer(source.read, (dataUrl) =>
      runInChrome<Summary, TrainMessage, PageArgs>({
        entry: "src/cli/train.page.ts",
        args: { ...args, dataUrl },
        onMessage,
        onLog: (text) => console.error(text),
        flags: args.profile ? [preciseTimestamps] : [],
      }),
    ),
  node: async (source, args, send) => here(await GpuDevice.request({ gpu: await createGpu() }), source, args, send),
  cpu: (source, args, send) => here(new CpuDevice(), source, args, send),
};

async function here(device: Device, source: DataSource, args: TrainArgs, send: Send): Promise<Summary> {
  try {
    return await trainJob(device, await mnist(source), args, send);
  } finally {
    device.dispose();
  }
}

function integer(least: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (text.trim() === "" || !Number.isSafeInteger(n) || n < least)
      throw new InvalidArgumentError(`It must be an integer of at least ${least}.`);
    return n;
  };
}

function positive(text: string): number {
  const x = Number(text);
  if (!(x > 0 && Number.isFinite(x))) throw new InvalidArgumentError("It must be a positive number.");
  return x;
}

interface Options extends Partial<Omit<TrainArgs, "task" | "tunings" | "profile" | "save" | "weights" | "checkpoint">> {
  runtime: string;
  data: string;
  seed: number;
  json?: true;
  tuning: string;
  profile?: true | string;
  save?: string;
  resume?: string;
  weights?: string;
  steps?: number;
  cell?: CellName;
  length?: number;
  text?: string;
  temperature?: number;
}

async function main(name: TaskName | SequenceTaskName, options: Options): Promise<void> {
  refuseOthers(name);
  if (!(name in sequenceTasks)) return images(name as TaskName, options);
  const { runtime, json = false, seed, steps, batch, lr, cell, length, text, temperature } = options;
  const args = Object.entries({ steps, batch, lr, cell, length, temperature }).filter(([, v]) => v !== undefined);
  const task = name as SequenceTaskName;
  await runSequence({ task, runtime, json, seed, textFile: text, ...Object.fromEntries(args) });
}

const ofAll = ["runtime", "seed", "json"];
const ofImages = [
  "epochs",
  "examples",
  "batch",
  "optimizer",
  "lr",
  "data",
  "tune",
  "tuning",
  "profile",
  "save",
  "resume",
  "weights",
];

/** Throws on an option that the task would not look at. */
function refuseOthers(name: TaskName | SequenceTaskName): void {
  const takes = name in sequenceTasks ? sequenceTasks[name as SequenceTaskName].takes : ofImages;
  const known: readonly string[] = [...ofAll, ...takes];
  const other = Object.keys(command.opts()).find(
    (o) => command.getOptionValueSource(o) === "cli" && !known.includes(o),
  );
  if (other) throw new Error(`${name} takes no --${other}; it takes ${known.map((o) => `--${o}`).join(", ")}`);
}

async function images(name: TaskName, options: Options): Promise<void> {
  const { runtime, data, json, tuning, profile, save, resume, weights, seed, ...given } = options;
  const task: Task = tasks[name];
  const { epochs = task.epochs, batch = task.batchSize, optimizer = task.optimizer } = given;
  const lr = given.lr ?? (optimizer === task.optimizer ? task.learningRate : undefined);
  if (profile && runtime === "cpu")
    throw new Error("--profile: the reference has no GPU; use --runtime node or chrome");
  const tunings = given.tune === false ? {} : readTunings(tuning);
  const args: TrainArgs = {
    ...{ ...given, task: name, epochs, batch, optimizer, lr, tunings, profile: profile !== undefined },
    ...{ save: save !== undefined, weights: weights !== undefined },
    ...(resume === undefined ? {} : { checkpoint: toBase64(readFileSync(resume)) }),
    ...(resume !== undefined && command.getOptionValueSource("seed") === "default" ? {} : { seed }),
  };
  optimizerOf(optimizer, args.lr); // refuses a bad learning rate before a browser starts
  for (const [option, path] of Object.entries({ save, weights }))
    if (path !== undefined && !existsSync(dirname(resolve(path))))
      throw new Error(`--${option}: there is no folder ${dirname(resolve(path))}; make it, or name another file`);
  const source = dataSource(data);
  const printer = json ? jsonPrinter : barPrinter(`${name} (${task.description}) on ${source.name}`);
  try {
    const summary = await (runtimes[runtime] as (typeof runtimes)[string])(source, args, (message) => {
      if (message.kind === "remember") remember(tuning, message);
      else if (message.kind === "save")
        writeWhole((message.what === "weights" ? weights : save) as string, fromBase64(message.base64));
      else printer.message(message);
    });
    printer.summary(summary);
    if (typeof profile === "string") writeFileSync(profile, JSON.stringify(summary.profile?.trace));
  } finally {
    printer.end();
  }
}

/** Whoever reads the file meanwhile, or after a crash, finds the old one or the new one. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, bytes);
  renameSync(next, path);
}

function remember(path: string, { key, tuning }: Remember): void {
  try {
    writeTuning(path, key, tuning);
  } catch (error) {
    console.error(`--tuning: choices are not remembered: ${(error as Error).message}`);
  }
}

const command = new Command("train")
  .description("Trains a net and tests it.")
  .addArgument(
    new Argument(
      "[task]",
      Object.entries({ ...tasks, ...sequenceTasks })
        .map(([name, { description }]) => `${name}: ${description}`)
        .join("\n"),
    )
      .choices(Object.keys({ ...tasks, ...sequenceTasks }))
      .default("mnist-cnn"),
  )
  .addOption(
    new Option("--runtime <name>", "headless Chrome, Dawn in Node, or the reference")
      .choices(Object.keys(runtimes))
      .default("chrome"),
  )
  .option("--epochs <n>", "passes over the images (default: 1)", integer(1))
  .option("--examples <n>", "train on the first n images (default: all, on a software adapter 12000)", integer(1))
  .option("--batch <n>", "examples in a step (default: 64, of char-rnn 32)", integer(1))
  .addOption(new Option("--optimizer <name>", "(default: adam)").choices(Object.keys(optimizers)))
  .option("--lr <rate>", "learning rate (default: by task)", positive)
  .option("--seed <n>", "of initial weights and shuffles", integer(0), 1)
  .option("--data <set>", "mnist, or fashion:DIR with the four IDX files, gzipped or not", "mnist")
  .option("--save <file>", "write a checkpoint there, every 30 seconds and at the end")
  .option("--resume <file>", "go on from a checkpoint; --epochs counts from the beginning")
  .option("--weights <file>", "write the trained weights there, with PyTorch's names and layouts (safetensors)")
  .option("--steps <n>", "of training, of a task that is not on images", integer(1))
  .addOption(
    new Option("--cell <name>", "of adding (default: rnn, then lstm) and sine (default: lstm)").choices([
      "lstm",
      "gru",
      "rnn",
    ]),
  )
  .option("--length <n>", "of a sequence (default: adding 100, char-rnn 32, sine 24, reverse 8)", integer(2))
  .option("--text <file>", "what char-rnn learns (default: Genesis in the King James Version)")
  .option("--temperature <x>", "of what char-rnn writes (default: 0.7)", positive)
  .option("--tune", "choose kernels by timing them on this device (default: on a GPU; not on a software adapter)")
  .option("--no-tune", "take the fixed choices, whatever is remembered")
  .option("--tuning <file>", "where choices are remembered", defaultTuningFile)
  .option("--profile [file]", "print where a step's time goes; write a trace for ui.perfetto.dev to the file")
  .option("--json", "one JSON line a report, then one with the result")
  .action(main);

try {
  await command.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
