// What runs on the other machine: node main.js RESULTS [DAWN OPTION…]. The suites that need no browser, on Dawn, what matters most first; one
// that fails is told, and the others go on. QUICK=1 runs a small part.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, globals } from "webgpu";
import { setHost } from "../host.ts";
import { type About, type Message, Recorder, type Result, type Row } from "../results.ts";
import kernels from "../suites/kernels.ts";
import { kernelsTable } from "../suites/kernelsTable.ts";
import profile from "../suites/profile.ts";
import train from "../suites/train.ts";
import { trainTable } from "../suites/trainTable.ts";
import { type TaskName, taskNames } from "../tasks.ts";

const [results = "results", ...dawnOptions] = process.argv.slice(2);
const quick = process.env.QUICK === "1";
const tasks: readonly TaskName[] = quick ? ["mnist-mlp"] : taskNames;

Object.assign(globalThis, globals);
const gpu = create(["disable-dawn-features=timestamp_quantization", ...dawnOptions]);
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) throw new Error("Dawn finds no adapter: is the NVIDIA driver's Vulkan there?");
setHost({ gpu, read: async (name) => readFileSync(join(import.meta.dirname, "mnist", name)) });
mkdirSync(results, { recursive: true });

const keep = (name: string, text: string) => {
  writeFileSync(join(results, `${name}.txt`), `Dawn: ${dawnOptions.join(" ") || "default"}\n${text}\n`);
  console.log(text);
};

async function attempt(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    keep(`${name}-failed`, String((error as Error).stack));
    process.exitCode = 1;
  }
}

const suite = <A extends About, R extends Row>(
  name: string,
  file: string,
  print: (result: Result<A, R>) => string,
  run: (take: (message: Message<A, R>) => void) => Promise<void> | void,
) =>
  attempt(file, async () => {
    const recorder = new Recorder<A, R>(results, name);
    try {
      await run((message) => recorder.take(message));
    } finally {
      if (recorder.rows.length) keep(file, print(recorder.result));
    }
  });

const training = { tasks, samples: quick ? 2 : 9, sampleMilliseconds: quick ? 100 : 1000 };
for (const tune of [false, true])
  await suite("train", tune ? "train-tuned" : "train", trainTable, (take) => train({ ...training, tune }, take));
const products = { filter: "matmul", samples: quick ? 3 : 11, skip: [] };
await suite("kernels", "matmul-tuned", kernelsTable, (take) =>
  kernels({ ...products, filter: quick ? "matmul NN 256" : "matmul", tune: true }, take),
);
for (const task of tasks)
  await attempt(`profile-${task}`, async () => {
    const { device, text } = await profile({ task, tune: true }, (line) => process.stderr.write(`${line}\n`));
    keep(`profile-${task}`, `${task}, tuned, on ${device}\n${text}`);
  });
await suite("kernels", "kernels", kernelsTable, (take) =>
  kernels({ ...products, filter: quick ? "reduction" : "", tune: false }, take),
);
process.exit();
