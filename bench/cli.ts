// `npm run bench -- <suite>`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { caseGroups } from "./cases.ts";
import { kernelNames } from "./kernels.ts";
import { type PeerName, peerNames } from "./peers/contestant.ts";
import { writeReport } from "./reportPage.ts";
import { resultsFolder, save } from "./results.ts";
import { type Runtime, runSuite } from "./run.ts";
import type { CompareArgs, CompareResult } from "./suites/compare.ts";
import { compareTable } from "./suites/compareTable.ts";
import type { GpuVsCpuArgs, GpuVsCpuResult } from "./suites/gpuVsCpu.ts";
import { gpuVsCpuTable } from "./suites/gpuVsCpuTable.ts";
import type { KernelsArgs, KernelsResult } from "./suites/kernels.ts";
import { kernelsTable } from "./suites/kernelsTable.ts";
import { pack } from "./suites/pack.ts";
import type { ProfileArgs, ProfileResult } from "./suites/profile.ts";
import { type StartupPage, startup, startupPages, startupTable } from "./suites/startup.ts";
import type { TrainArgs, TrainResult } from "./suites/train.ts";
import { trainTable } from "./suites/trainTable.ts";
import { type TaskName, taskNames } from "./tasks.ts";

const program = new Command("bench")
  .description("Benchmarks of wgrad, alone and beside its peers")
  .showHelpAfterError();

const runtime = () =>
  new Option("--runtime <where>", "headless Chrome, or Node with Dawn").choices(["chrome", "node"]).default("chrome");
const json = () => new Option("--json <file>", "write the result there too");
const positive = (text: string): number => {
  if (!(Number(text) > 0)) throw new InvalidArgumentError("not a positive number");
  return Number(text);
};
/** Ends with a message if a name is none of these. */
const check = (names: readonly string[], all: readonly string[]): void => {
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length) program.error(`bench: no ${unknown.join(", ")}; use some of: ${all.join(", ")}`);
};

program
  .command("compare")
  .description("tfjs and jax-js against wgrad, in turn, in one page")
  .argument("[subjects...]", `tasks and kernels: ${[...taskNames, ...kernelNames].join(", ")}`)
  .addOption(new Option("--peers <names...>", "peers").choices(peerNames).default(peerNames))
  .option("--rounds <n>", "pairs", positive, 7)
  .option("--sample <ms>", "time of a sample", positive, 500)
  .addOption(json())
  .action(async (subjects: string[], o: { peers: PeerName[]; rounds: number; sample: number; json?: string }) => {
    const all = [...taskNames, ...kernelNames];
    check(subjects, all);
    const args = { subjects: subjects.length ? subjects : all, peers: o.peers, rounds: o.rounds };
    const result = await runSuite<CompareArgs, CompareResult>(
      "compare",
      { ...args, sampleMilliseconds: o.sample },
      "chrome",
    );
    console.log(compareTable(result));
    save("compare", result, o.json);
  });

program
  .command("train")
  .description("the training tasks: images/s, dispatches, JavaScript, bytes")
  .argument("[tasks...]", taskNames.join(", "))
  .addOption(runtime())
  .option("--samples <n>", "samples", positive, 7)
  .option("--sample <ms>", "time of a sample", positive, 500)
  .addOption(json())
  .action(async (names: TaskName[], o: { runtime: Runtime; samples: number; sample: number; json?: string }) => {
    check(names, taskNames);
    const args = { tasks: names.length ? names : taskNames, samples: o.samples, sampleMilliseconds: o.sample };
    const result = await runSuite<TrainArgs, TrainResult>("train", args, o.runtime);
    console.log(trainTable(result));
    save("train", result, o.json);
  });

program
  .command("kernels")
  .description("each kernel by itself: GFLOP/s, GB/s, share of what the device can do")
  .argument("[filter]", `part of a kernel's name or group (${caseGroups.join(", ")})`, "")
  .addOption(runtime())
  .option("--samples <n>", "samples of at least 5 ms", positive, 7)
  .addOption(json())
  .action(async (filter: string, o: { runtime: Runtime; samples: number; json?: string }) => {
    const args = { filter, samples: o.samples };
    const result = await runSuite<KernelsArgs, KernelsResult>("kernels", args, o.runtime);
    console.log(kernelsTable(result));
    save("kernels", result, o.json);
  });

program
  .command("startup")
  .description("from page load to the first step and the steady state; the page's size")
  .addOption(new Option("--pages <names...>", "pages").choices(startupPages).default(startupPages))
  .option("--rounds <n>", "loads of each page, in turn", positive, 5)
  .addOption(json())
  .action(async (o: { pages: StartupPage[]; rounds: number; json?: string }) => {
    const result = await startup(o.pages, o.rounds, (text) => process.stderr.write(`${text}\n`));
    console.log(startupTable(result));
    save("startup", result, o.json);
  });

program
  .command("gpu-vs-cpu")
  .description("ops and training steps over sizes: from where on the GPU is faster")
  .argument("[filter]", "part of a name", "")
  .option("--samples <n>", "samples", positive, 5)
  .addOption(json())
  .action(async (filter: string, o: { samples: number; json?: string }) => {
    const args = { filter, samples: o.samples };
    const result = await runSuite<GpuVsCpuArgs, GpuVsCpuResult>("gpuVsCpu", args, "chrome");
    console.log(gpuVsCpuTable(result));
    save("gpu-vs-cpu", result, o.json);
  });

program
  .command("profile")
  .description("GPU time of each dispatch of a training step")
  .argument("<task>", taskNames.join(", "))
  .addOption(runtime())
  .option("--plan", "print the plan too")
  .option("--no-timestamps", "time by repetition, without timestamp queries")
  .option("--trace <file>", "write a trace for ui.perfetto.dev")
  .action(async (task: TaskName, o: { runtime: Runtime; plan?: boolean; timestamps: boolean; trace?: string }) => {
    const { trace, runtime, ...rest } = o;
    const result = await runSuite<ProfileArgs, ProfileResult>("profile", { task, ...rest }, runtime);
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
  .argument("[file]", "where to write it", join(resultsFolder, "index.html"))
  .action(async (file: string) => {
    await writeReport(file);
    console.log(file);
  });

await program.parseAsync();
process.exit();
