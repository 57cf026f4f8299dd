// `bench profile <task>`: GPU time of each dispatch of a training step: the nets of the benchmarks, where `npm run train -- --profile` has the tasks.
import type { PageModule } from "../../src/cli/page.ts";
import { printPlan } from "../../src/plan/print.ts";
import { requestDevice, sessionStore } from "../host.ts";
import type { TaskName } from "../tasks.ts";
import { createTrainer, examples, inputsOf, programOf, submit } from "../training.ts";

export interface ProfileArgs {
  readonly task: TaskName;
  readonly plan?: boolean;
  readonly timestamps?: boolean;
  readonly tune?: boolean;
}

export interface ProfileResult {
  readonly device: string;
  readonly text: string;
  readonly trace: object;
}

const main: PageModule<ProfileArgs, string, ProfileResult> = async (args, send) => {
  const { task, plan = false, timestamps = true, tune = false } = args;
  const device = await requestDevice();
  const trainer = await createTrainer(device, task, await examples(60_000), { tune: tune && { store: sessionStore } });
  const program = programOf(trainer);
  if (plan) send(`${printPlan(program.plan)}\n`);
  submit(trainer, 4);
  await device.synchronize();
  const result = await program.profile(inputsOf(trainer), { timestamps });
  device.dispose();
  return { device: device.name, text: String(result), trace: result.trace() };
};
export default main;
