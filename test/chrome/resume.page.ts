// Trains in a page: on from a checkpoint that IndexedDB kept, and on when the device is destroyed.
import type { PageModule } from "../../src/cli/page.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { checkpointStore } from "../../src/io/checkpointStore.ts";
import { create, train } from "../gpu/nets.ts";

export interface Resumed {
  readonly kept: boolean;
  readonly resumed: boolean;
  readonly survived: boolean;
  readonly devices: number;
  readonly removed: boolean;
}

const main: PageModule<undefined, never, Resumed> = async () => {
  const store = checkpointStore();
  const device = await GpuDevice.request();
  const unbroken = await (await train(await create(device, "cnn"), 40)).checkpoint();
  const same = (a: Uint8Array | undefined, b: Uint8Array) =>
    a !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);

  const half = await (await train(await create(device, "cnn"), 20)).checkpoint();
  await store.save("half", half);
  const loaded = (await store.load("half")) as Uint8Array;
  const second = await create(device, "cnn", { checkpoint: loaded });
  const resumed = same(await (await train(second, 20)).checkpoint(), unbroken);
  await store.remove("half");

  const devices = new Set();
  const trainer = await create(device, "cnn", { onLost: "resume", keepEvery: 0 });
  for await (const _ of trainer.fit({ steps: 40, reportEvery: 10 })) {
    devices.add(trainer.device);
    (trainer.device as GpuDevice).gpu.destroy();
  }
  const survived = same(await trainer.checkpoint(), unbroken);
  trainer.dispose();
  const removed = (await store.load("half")) === undefined;
  return { kept: same(loaded, half), resumed, survived, devices: devices.size, removed };
};
export default main;
