// A process that trains the nets. `resume.child.ts save FOLDER K…` trains each once, and writes the checkpoint of each step K; `resume.child.ts
// resume FOLDER K…` goes on from each of them to 2·K, in a trainer of its own, and writes that one.
import { readFileSync, writeFileSync } from "node:fs";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { create, fileOf, netNames, train } from "./nets.ts";

const [mode, folder, ...steps] = process.argv.slice(2) as ["save" | "resume", string, ...string[]];
const device = await GpuDevice.request({ gpu: await createGpu() });
const ks = steps.map(Number).sort((a, b) => a - b);
for (const net of netNames)
  if (mode === "save") {
    await using trainer = await create(device, net);
    for (const k of ks) {
      await train(trainer, k - trainer.step);
      writeFileSync(fileOf(folder, net, k), await trainer.checkpoint());
    }
  } else
    for (const k of ks) {
      await using trainer = await create(device, net, { checkpoint: readFileSync(fileOf(folder, net, k)) });
      await train(trainer, k);
      writeFileSync(fileOf(folder, net, k, "doubled"), await trainer.checkpoint());
    }
device.dispose();
