// Training goes on from a checkpoint bit for bit: saved at random steps in one process, gone on from in another.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { keyOf, uniformValues } from "../../src/nn/key.ts";
import { create, fileOf, netNames, train } from "./nets.ts";

const longest = 100;
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
  const child = join(import.meta.dirname, "resume.child.ts");
  for (const mode of ["save", "resume"])
    await promisify(execFile)(process.execPath, ["--import", "tsx", child, mode, folder, ...ks.map(String)]);
}, 240_000);
afterAll(() => {
  device.dispose();
  rmSync(folder, { recursive: true });
});

describe.each(netNames)("%s", (net) => {
  /** Of one unbroken run, the checkpoints at each k and 2k. */
  const unbroken = new Map<number, Uint8Array>();
  beforeAll(async () => {
    const wanted = new Set(ks.flatMap((k) => [k, 2 * k]));
    await using trainer = await create(device, net);
    // a report comes when the next step is submitted already
    for await (const _ of trainer.fit({ steps: 2 * longest, reportEvery: 1 }))
      if (wanted.has(trainer.step)) unbroken.set(trainer.step, await trainer.checkpoint());
  }, 120_000);

  test("saved at step k in one process and gone on to 2k in another, it is where it is without a break, for 20 random k", () => {
    for (const k of ks) {
      expect(same(readFileSync(fileOf(folder, net, k)), unbroken.get(k)!), `at ${k}`).toBe(true);
      expect(same(readFileSync(fileOf(folder, net, k, "doubled")), unbroken.get(2 * k)!), `at ${2 * k}`).toBe(true);
    }
    expect(new Set([...unbroken.values()].map((bytes) => Buffer.from(bytes).toString("base64"))).size).toBe(
      unbroken.size,
    );
  });

  test("and in a fresh trainer of this process, however the steps are cut into runs", async () => {
    const [k] = ks as [number];
    await using trainer = await create(device, net, { checkpoint: unbroken.get(k)! });
    expect(trainer.step).toBe(k);
    await train(await train(trainer, 1), k - 1);
    expect(same(await trainer.checkpoint(), unbroken.get(2 * k)!)).toBe(true);
  });
});

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
