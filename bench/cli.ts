// `npm run bench -- <suite>`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { root } from "../src/cli/browsers.mjs";
import { caseGroups } from "./cases.ts";
import { kernelNames } from "./kernels.ts";
import { each } from "./measure.ts";
import { opCases } from "./ops.ts";
import { comparisonName, peerNames } from "./peers/contestant.ts";
import { writeReport } from "./reportPage.ts";
import { type About, lastRun, type Message, Recorder, type Result, type Row } from "./results.ts";
import { type Runtime, runSuite } from "./run.ts";
import type { CompareArgs } from "./suites/compare.ts";
import { compareTable } from "./suites/compareTable.ts";
import type { GpuVsCpuArgs } from "./suites/gpuVsCpu.ts";
import { gpuVsCpuTable } from "./suites/gpuVsCpuTable.ts";
import type { KernelsArgs } from "./suites/kernels.ts";
import { kernelsTable } from "./suites/kernelsTable.ts";
import { pack } from "./suites/pack.ts";
import type { ProfileArgs, ProfileResult } from "./suites/profile.ts";
import { type StartupPage, startup, startupPages, startupTable } from "./suites/startup.ts";
import type { TrainArgs } from "./suites/train.ts";
import { trainTable } from "./suites/trainTable.ts";
import { type TaskName, taskNames } from "./tasks.ts";

const resultsFolder = join(root, "bench/results");

const program = new Command("bench")
  .description("Benchmarks of wgrad, alone and beside its peers. Rows go to bench/results/<adapter>.json as they come.")
  .showHelpAfterError();

const runtime = () =>
  new Option("--runtime <where>", "headless Chrome, or Node with Dawn").choices(["chrome", "node"]).default("chrome");
const json = () => new Option("--json <file>", "write the rows of this run there too");
const results = () => new Option("--results <folder>", "where rows are kept").default(resultsFolder);
const resume = () => new Option("--resume", "go on with the last run: leave out the rows that it has");
const tune = () => new Option("--tune", "take what the autotuner finds; rows of their own").default(false);
const positive = (text: string): number => {
  if (!(Number(text) > 0)) throw new InvalidArgumentError("not a positive number");
  return Number(text);
};
/** Ends with a message if a name is none of these. */
const check = (names: readonly string[], all: readonly string[]): void => {
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length) program.error(`bench: no ${unknown.join(", ")}; use some of: ${all.join(", ")}`);
};

interface Keeping {
  readonly results: string;
  readonly json?: string;
  readonly resume?: true;
}

/** Runs a suite, keeps its rows and prints them. `measure` gets the names of rows that there are already. */
async function record<A extends About, R extends Row>(
  suite: string,
  { results, json, resume }: Keeping,
  print: (result: Result<A, R>) => string,
  measure: (take: (message: Message<A, R>) => void, has: readonly string[]) => Promise<void>,
): Promise<void> {
  const last = resume ? lastRun(results, suite) : null;
  const recorder = new Recorder<A, R>(results, suite, last?.run);
  try {
    await measure((message) => recorder.take(message), [...(last?.names ?? [])]);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
  if (recorder.rows.length === 0) return console.log(`bench ${suite}: there is no new row`);
  console.log(print(recorder.result));
  if (json) writeFileSync(json, `${JSON.stringify(recorder.result, null, 1)}\n`);
}

interface CompareOptions extends Keeping, Omit<CompareArgs, "subject" | "sampleMilliseconds"> {
  readonly sample: number;
}

program
  .command("compare")
  .description("tfjs and jax-js against wgrad, in turn, a page a subject")
  .argument("[subjects...]", `tasks and kernels: ${[...taskNames, ...kernelNames].join(", ")}`)
  .addOption(new Option("--peers <names...>", "peers").choices(peerNames).default(peerNames))
  .option("--rounds <n>", "pairs", positive, 7)
  .option("--sample <ms>", "time of a sample", positive, 500)
  .addOption(tune())
  .addOption(resume())
  .addOption(results())
  .addOption(json())
  .action(async (given: string[], { peers, rounds, sample, tune, ...keep }: CompareOptions) => {
    const all = [...taskNames, ...kernelNames];
    check(given, all);
    const subjects = given.length ? given : all;
    await record("compare", keep, compareTable, async (take, has) => {
      const missing = (subject: string) => peers.filter((peer) => !has.includes(comparisonName(subject, peer, tune)));
      const run = (subject: string) => {
        const args = { subject, peers: missing(subject), rounds, sampleMilliseconds: sample, tune };
        return runSuite<CompareArgs, Parameters<typeof take>[0]>("compare", args, "chrome", take);
      };
      const left = subjects.filter((subject) => missing(subject).length > 0);
      await each(left, (subject) => subject, run, take);
    });
  });

interface TrainOptions extends Keeping {
  readonly runtime: Runtime;
  readonly samples: number;
  readonly sample: number;
  readonly tune: boolean;
}

program
  .command("train")
  .description("the training tasks: images/s, dispatches, JavaScript, bytes")
  .argument("[tasks...]", taskNames.join(", "))
  .addOption(runtime())
  .option("--samples <n>", "samples", positive, 7)
  .option("--sample <ms>", "time of a sample", positive, 500)
  .addOption(tune())
  .addOption(results())
  .addOption(json())
  .action(async (names: TaskName[], { runtime, samples, sample, tune, ...keep }: TrainOptions) => {
    check(names, taskNames);
    const args: TrainArgs = { tasks: names.length ? names : taskNames, samples, sampleMilliseconds: sample, tune };
    await record("train", keep, trainTable, (take) => runSuite("train", args, runtime, take));
  });

interface KernelsOptions extends Keeping, Omit<KernelsArgs, "filter" | "skip"> {
  readonly runtime: Runtime;
}

program
  .command("kernels")
  .description("every op, and the shapes of training: GFLOP/s, GB/s, share of what the device can do")
  .argument("[filter]", `part of a kernel's name or group (${caseGroups.join(", ")})`, "")
  .addOption(runtime())
  .option("--samples <n>", "samples of at least 5 ms", positive, 7)
  .addOption(tune())
  .addOption(resume())
  .addOption(results())
  .addOption(json())
  .action(async (filter: string, { runtime, samples, tune, ...keep }: KernelsOptions) => {
    await record("kernels", keep, kernelsTable, (take, skip) =>
      runSuite<KernelsArgs, Parameters<typeof take>[0]>("kernels", { filter, samples, tune, skip }, runtime, take),
    );
  });

program
  .command("startup")
  .description("from page load to the first step and the steady state, and where the time goes; the page's size")
  .addOption(new Option("--pages <names...>", "pages").choices(startupPages).default(startupPages))
  .option("--rounds <n>", "loads of each page, in turn", positive, 5)
  .addOption(results())
  .addOption(json())
  .action(async ({ pages, rounds, ...keep }: Keeping & { pages: StartupPage[]; rounds: number }) => {
    await record("startup", keep, startupTable, (take) => startup(pages, rounds, take));
  });

program
  .command("gpu-vs-cpu")
  .description("every op and training steps over sizes: from where on the GPU is faster")
  .argument(
    "[filter]",
    `part of a name: ${[...Object.keys(opCases), "mnist-mlp", "mnist-cnn", "mnist-lstm"].join(", ")}`,
    "",
  )
  .option("--samples <n>", "samples", positive, 5)
  .addOption(resume())
  .addOption(results())
  .addOption(json())
  .action(async (filter: string, { samples, ...keep }: Keeping & { samples: number }) => {
    await record("gpu-vs-cpu", keep, gpuVsCpuTable, (take, skip) =>
      runSuite<GpuVsCpuArgs, Parameters<typeof take>[0]>("gpuVsCpu", { filter, samples, skip }, "chrome", take),
    );
  });

program
  .command("profile")
  .description("GPU time of each dispatch of a training step")
  .argument("<task>", taskNames.join(", "))
  .addOption(runtime())
  .addOption(tune())
  .option("--plan", "print the plan too")
  .option("--no-timestamps", "time by repetition, without timestamp queries")
  .option("--trace <file>", "write a trace for ui.perfetto.dev")
  .action(async (task: TaskName, o: Omit<ProfileArgs, "task"> & { runtime: Runtime; trace?: string }) => {
    check([task], taskNames);
    const { trace, runtime, ...rest } = o;
    const print = (text: string) => process.stderr.write(`${text}\n`);
    const result = await runSuite<ProfileArgs, string, ProfileResult>("profile", { task, ...rest }, runtime, print);
    console.log(`${task} on ${result.device}\n${result.text}`);
    if (trace) writeFileSync(trace, JSON.stringify(result.trace));
  });

program
  .command("pack")
  .description("an archive that runs the benchmarks on a bare x86-64 Linux machine with an NVIDIA GPU")
  .argument("<folder>", "where to make it")
  .action(async (folder: string) => {
    const { archive, bytes } = await pack(folder, (text) => process.stderr.write(`${text}\n`));
    console.log(`${archive}: ${(bytes / 1e6).toFixed(1)} MB`);
  });

program
  .command("report")
  .description("a static page of all results, with plots")
  .argument("[file]", "where to write it (default: index.html beside the results)")
  .addOption(results())
  .action(async (given: string | undefined, { results }: Keeping) => {
    const file = given ?? join(results, "index.html");
    await writeReport(results, file);
    console.log(file);
  });

await program.parseAsync();
process.exit();
