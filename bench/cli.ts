// `npm run bench -- <suite>`.
import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { type Runtime, runSuite } from "./run.ts";
import type { ProfileArgs, ProfileResult } from "./suites/profile.ts";
import { type TaskName, taskNames } from "./tasks.ts";

const program = new Command("bench")
  .description("Benchmarks of wgrad, alone and beside its peers")
  .showHelpAfterError();

const runtime = () =>
  new Option("--runtime <where>", "headless Chrome, or Node with Dawn").choices(["chrome", "node"]).default("chrome");

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
