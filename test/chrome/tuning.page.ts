// Tunes a function in a page, then compiles it again on a new device of the same page, which finds the choices in IndexedDB.
import type { PageModule } from "../../src/cli/page.ts";
import type { DeviceArray } from "../../src/device.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { tuningKey } from "../../src/gpu/tune.ts";
import { indexedDbStore } from "../../src/gpu/tuningStore.ts";
import { ndarray } from "../../src/shape/ndarray.ts";
import { f32 } from "../../src/shape/types.ts";

export interface Tuned {
  /** Groups that were timed, and what was chosen. */
  readonly timed: number;
  readonly tuning: object;
  readonly result: number[];
}

const main: PageModule<undefined, never, { tuned: Tuned[]; stored: object | undefined }> = async () => {
  const types = { a: f32(48, 120), b: f32(120, 36) };
  const values = { a: ndarray(types.a, (i) => Math.sin(i)), b: ndarray(types.b, (i) => Math.cos(i)) };
  const tuned: Tuned[] = [];
  let key = "";
  for (let i = 0; i < 2; i++) {
    const device = await GpuDevice.request();
    key = tuningKey(device);
    let timed = 0;
    const tune = { sampleMilliseconds: 1, rounds: 2, onProgress: () => void timed++ };
    const program = await device.compile(({ a, b }) => ({ y: a.matmul(b) }), types, { tune });
    const { y } = program.run(device.put(values)) as { y: DeviceArray };
    tuned.push({ timed, tuning: device.tuning, result: [...(await y.read()).data] });
    device.dispose();
  }
  return { tuned, stored: await indexedDbStore()?.load(key) };
};
export default main;
