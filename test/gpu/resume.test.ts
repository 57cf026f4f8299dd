// Training goes on from a checkpoint bit for bit: in a fresh trainer at random steps, and in another process.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { keyOf, uniformValues } from "../../src/nn/key.ts";
import { create, netNames, train } from "./nets.ts";

const longest = 25;
/** Twenty different numbers of steps, from 2 on. */
const draws = Array.from(uniformValues(keyOf(1), [longest - 1]), (u, i) => ({ k: i + 2, u }));
const ks = draws
  .sort((a, b) => a.u - b.u)
  .slice(0, 20)
  .map(({ k }) => k);

let device: GpuDevice;
let folder: string;
beforeAll(async () => {
  device = await GpuDevice.request({ gpu: await createGpu() });
  folder = mkdtempSync(join(tmpdir(), "wgrad-resume-"));
});
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true });
});

describe.each(netNames)("%s", (net) => {
  /** Of one unbroken run, the checkpoint after each step but the first. */
  const checkpoints = new Map<number, Uint8Array>();
  beforeAll(async () => {
    await using trainer = await create(device, net);
    // a report comes when the next step is submitted already
    for await (const _ of trainer.fit({ steps: 2 * longest, reportEvery: 1 }))
      checkpoints.set(trainer.step, await trainer.checkpoint());
  });

  test("saved at step k and gone on to 2k, it is where it is without a break, for 20 random k", async () => {
    for (const k of ks) {
      await using trainer = await create(device, net, { checkpoint: checkpoints.get(k)! });
      expect(trainer.step).toBe(k);
      await train(trainer, k);
      expect(Buffer.compare(await trainer.checkpoint(), checkpoints.get(2 * k)!), `k = ${k}`).toBe(0);
    }
    await using unbroken = await train(await create(device, net), 2 * longest);
    expect(Buffer.compare(await unbroken.checkpoint(), checkpoints.get(2 * longest)!)).toBe(0);
    expect(Buffer.compare(checkpoints.get(2)!, checkpoints.get(3)!)).not.toBe(0);
  });

  test("saved in one process and gone on in another, too", async () => {
    const [k] = ks as [number];
    const [half, whole] = [join(folder, `${net}-half`), join(folder, `${net}-whole`)];
    await run(net, k, half);
    await run(net, k, whole, half);
    expect(Buffer.compare(readFileSync(half), checkpoints.get(k)!)).toBe(0);
    expect(Buffer.compare(readFileSync(whole), checkpoints.get(2 * k)!)).toBe(0);
  });
});

async function run(net: string, steps: number, to: string, ...from: string[]): Promise<void> {
  const child = join(import.meta.dirname, "resume.child.ts");
  await promisify(execFile)(process.execPath, ["--import", "tsx", child, net, String(steps), to, ...from]);
}
