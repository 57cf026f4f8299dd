// `npm run conformance -- FILE…`: runs outside cases on the CPU reference and on WebGPU, and prints for each op how many passed, failed
// or are unsupported. Exit code 1: something failed; 2: the command line is wrong.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Command, Option } from "commander";
import { CpuDevice } from "../cpu/device.ts";
import type { Device } from "../device.ts";
import { readCases } from "./conformance/file.ts";
import type { PageArguments } from "./conformance/page.ts";
import { asJson, printOps, printTotal } from "./conformance/report.ts";
import { choose, type Result, reasonOf, runCases } from "./conformance/run.ts";
import { mnistFolder } from "./mnistFiles.ts";

type Backend = Result["backend"];

interface Options {
  readonly backend: Backend | "both";
  readonly runtime: "node" | "chrome";
  readonly json?: string;
  readonly only?: string;
}

const command = new Command("conformance")
  .description("Runs outside cases (torch-grad, onnx-node, mnist-golden; gzipped or not).")
  .argument("<files...>", "files of cases")
  .addOption(new Option("--backend <which>", "where").choices(["cpu", "gpu", "both"]).default("both"))
  .addOption(new Option("--runtime <which>", "whose WebGPU").choices(["node", "chrome"]).default("node"))
  .option("--json <out>", "also write the results to this file")
  .option("--only <text>", "only cases whose op or name contains the text")
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse();

const files = command.args;
const { backend, runtime, json, only } = command.opts<Options>();
for (const file of files)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) command.error(`error: ${file} is no file`);
if (json) mkdirSync(dirname(json), { recursive: true });

const results: Result[] = [];
for (const kind of backend === "both" ? (["cpu", "gpu"] as const) : [backend]) {
  const run = kind === "gpu" && runtime === "chrome" ? inChrome : await inNode(kind);
  for (const file of files) results.push(...(await runFile(file, kind, run)));
}
console.log(printTotal("total", results));
if (json) writeFileSync(json, asJson(results));
process.exitCode = results.some((r) => r.status === "failed") ? 1 : 0;

/** Runs the cases of a file and gives the device's name. */
type Run = (bytes: Uint8Array, report: (result: Result) => void) => Promise<string>;

async function inNode(kind: Backend): Promise<Run> {
  const device = kind === "cpu" ? new CpuDevice() : await openGpu();
  const readMnist = async (name: string) => new Uint8Array(readFileSync(join(mnistFolder, name)));
  return async (bytes, report) => {
    await runCases(choose(await readCases(bytes), only), { device, readMnist }, report);
    return device.name;
  };
}

async function openGpu(): Promise<Device> {
  const [{ GpuDevice }, { createGpu }] = await Promise.all([import("../gpu/device.ts"), import("./dawn.ts")]);
  return GpuDevice.request({ gpu: await createGpu() });
}

async function inChrome(bytes: Uint8Array, report: (result: Result) => void): Promise<string> {
  const { runInChrome } = await import("./page.ts");
  const args: PageArguments = { file: Buffer.from(bytes).toString("base64"), ...(only ? { only } : {}) };
  return runInChrome<string, Result, PageArguments>({
    entry: "src/cli/conformance/page.ts",
    args,
    onMessage: report,
    onLog: () => {},
  });
}

/** A file that cannot be read counts as one failure. */
async function runFile(file: string, backend: Backend, run: Run): Promise<Result[]> {
  const found: Result[] = [];
  let where: string = backend;
  try {
    where = await run(readFileSync(file), (result) => {
      found.push(result);
      progress(`${backend} ${found.length}: ${result.op}`);
    });
  } catch (error) {
    found.push({ name: basename(file), op: "file", backend, status: "failed", worst: null, reason: reasonOf(error) });
  }
  progress("");
  console.log(`${basename(file)} on ${where}`);
  if (found.length > 0) console.log(printOps(found));
  console.log(`${printTotal(`  total of ${basename(file)}, ${backend}`, found)}\n`);
  return found;
}

/** One line that is written over, where a person looks on. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
