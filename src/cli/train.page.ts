// The page of `npm run train`.

import { fromUrl, mnist } from "../data/mnist.ts";
import { GpuDevice } from "../gpu/device.ts";
import type { PageModule } from "./page.ts";
import { type Summary, type TrainArgs, type TrainMessage, trainJob } from "./trainJob.ts";

export interface PageArgs extends TrainArgs {
  /** The folder of the four IDX files. */
  dataUrl: string;
}

const main: PageModule<PageArgs, TrainMessage, Summary> = async ({ dataUrl, ...args }, send) => {
  const [device, split] = await Promise.all([GpuDevice.request(), mnist({ read: fromUrl(dataUrl) })]);
  try {
    return await trainJob(device, split, args, send);
  } finally {
    device.dispose();
  }
};
export default main;
