// `npm run bench -- <suite>`.
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import { kernelNames } from "./kernels.ts";
import { type PeerName, peerNames } from "./peers/contestant.ts";
import { save } from "./results.ts";
import { type Runtime, runSuite } from "./run.ts";
import type { CompareArgs, CompareResult } from "./suites/compare.ts";
import { compareTable } from "./suites/compareTable.ts";
import type { ProfileArgs, ProfileResult } from "./suites/profile.ts";
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
    const unknown = subjects.filter((s) => !all.includes(s));
    if (unknown.length)
      program.error(`bench compare: no subject ${unknown.join(", ")}; use some of: ${all.join(", ")}`);
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

await program.parseAsync();
process.exit();
