// A worker beside the trainer's that follows gradients back through time, on the CPU reference: step by step, sixty steps are a long program,
// which is quicker run once than compiled for a GPU.
import { expose } from "comlink";
import { Device, type NdArray, type Tree, takeExamples } from "wgrad";
import { type GradientFlow, gradientFlow } from "wgrad/train";
import type { Setup } from "../tasks.ts";
import { makeTask } from "./models.ts";

const examples = 4;

const api = {
  /** The norms of the gradients of a few sequences, with these parameters. */
  async flow(setup: Setup, mnistFolder: string, params: Tree<NdArray>): Promise<GradientFlow> {
    const { settings, test } = await makeTask(setup, mnistFolder);
    return gradientFlow({
      ...{ device: Device.cpu(), model: settings.model, loss: settings.loss },
      variables: { params, state: {} },
      batch: takeExamples(test ?? settings.data, 0, examples),
    });
  },
};
export type FlowApi = typeof api;
expose(api);
