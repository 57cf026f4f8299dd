// The cases in a page: the module that `npm run conformance -- --runtime chrome` runs in headless Chrome.
import { GpuDevice } from "../../gpu/device.ts";
import type { PageModule } from "../page.ts";
import { readCases } from "./file.ts";
import { choose, type Result, runCases } from "./run.ts";

export interface PageArguments {
  /** The bytes of the file, in base64. */
  readonly file: string;
  readonly only?: string;
}

const run: PageModule<PageArguments, Result, string> = async ({ file, only }, send) => {
  const cases = choose(await readCases(Uint8Array.from(atob(file), (c) => c.charCodeAt(0))), only);
  const device = await GpuDevice.request();
  const readMnist = async (name: string) => new Uint8Array(await (await fetch(`/data/mnist/${name}`)).arrayBuffer());
  await runCases(cases, { device, readMnist }, send);
  return device.name;
};
export default run;
