// A process that trains a net: `resume.child.ts NET STEPS TO [FROM]`, on from the checkpoint FROM; the checkpoint at the end goes to TO.
import { readFileSync, writeFileSync } from "node:fs";
import { createGpu } from "../../src/cli/dawn.ts";
import { GpuDevice } from "../../src/gpu/device.ts";
import { create, type NetName, train } from "./nets.ts";

const [net, steps, to, from] = process.argv.slice(2) as [NetName, string, string, string?];
const device = await GpuDevice.request({ gpu: await createGpu() });
const trainer = await create(device, net, from ? { checkpoint: readFileSync(from) } : {});
await train(trainer, Number(steps));
writeFileSync(to, await trainer.checkpoint());
trainer.dispose();
device.dispose();
