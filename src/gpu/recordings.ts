// The dispatches of a program one by one, for what times or checks each.
import type { Recording } from "./passTimer.ts";
import type { GpuProgram } from "./program.ts";

/** Of each dispatch, on these inputs. Throws what the program's `run` would. */
export function recordingsOf(program: Pick<GpuProgram, "plan" | "pipelines" | "groups">, inputs: unknown): Recording[] {
  const { plan, pipelines } = program;
  const bindGroups = program.groups(inputs);
  return plan.dispatches.map(({ workgroups }, i) => (pass) => {
    pass.setPipeline(pipelines[i]!.pipeline);
    pass.setBindGroup(0, bindGroups[i]!);
    pass.dispatchWorkgroups(...workgroups);
  });
}
