// Checks a sample of every op in a page, on the page's own WebGPU; sends those that are wrong.
import type { PageModule } from "../../src/cli/page.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { allSamples, checkSample } from "../checkSample.ts";

export interface Wrong {
  readonly sample: string;
  readonly what: string;
}

/** Of each op the first: Node checks them all on the same software, `gpu/samples`. */
export const chosen = allSamples.filter(({ op }, i) => allSamples.findIndex((s) => s.op === op) === i);

/** Pipelines compile while other samples run. */
const atOnce = 8;

const main: PageModule<undefined, Wrong, { adapter: string; checked: number }> = async (_, send) => {
  const device = await GpuDevice.request();
  let checked = 0;
  const worker = async () => {
    for (let s = chosen[checked++]; s; s = chosen[checked++]) {
      const what = await checkSample(device, s.sample).catch(String);
      if (what !== "") send({ sample: `${s.op}: ${s.name}`, what });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { adapter: device.name, checked: checked - atOnce };
};
export default main;
