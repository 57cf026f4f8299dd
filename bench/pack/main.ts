// What runs on the other machine: node main.js RESULTS [DAWN OPTION…]. The suites that need no browser, on Dawn.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, globals } from "webgpu";
import { setHost } from "../host.ts";
import kernels from "../suites/kernels.ts";
import { kernelsTable } from "../suites/kernelsTable.ts";
import profile from "../suites/profile.ts";
import train from "../suites/train.ts";
import { trainTable } from "../suites/trainTable.ts";
import { taskNames } from "../tasks.ts";

const [results = "results", ...dawnOptions] = process.argv.slice(2);
const quick = process.env.QUICK === "1";
const send = (text: string) => process.stderr.write(`${text}\n`);

Object.assign(globalThis, globals);
const gpu = create(["disable-dawn-features=timestamp_quantization", ...dawnOptions]);
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) throw new Error("Dawn finds no adapter: is the NVIDIA driver's Vulkan there?");
setHost({ gpu, read: async (name) => readFileSync(join(import.meta.dirname, "mnist", name)) });
mkdirSync(results, { recursive: true });

const keep = (name: string, result: object, text: string) => {
  writeFileSync(join(results, `${name}.json`), `${JSON.stringify({ dawnOptions, ...result }, null, 1)}\n`);
  writeFileSync(join(results, `${name}.txt`), `${text}\n`);
  console.log(text);
};

const trained = await train(
  { tasks: quick ? ["mnist-mlp"] : taskNames, samples: quick ? 2 : 9, sampleMilliseconds: quick ? 100 : 1000 },
  send,
);
keep("train", trained, trainTable(trained));
for (const task of quick ? (["mnist-mlp"] as const) : taskNames) {
  const profiled = await profile({ task }, send);
  keep(`profile-${task}`, profiled, `${task} on ${profiled.device}\n${profiled.text}`);
}
const measured = await kernels({ filter: quick ? "reduction" : "", samples: quick ? 3 : 11 }, send);
keep("kernels", measured, kernelsTable(measured));
process.exit();
