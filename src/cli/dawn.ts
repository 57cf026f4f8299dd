// WebGPU in Node, through Dawn (the npm package webgpu): for tests and command line tools.
//
// On Linux, Dawn gets the Vulkan loader of the Chromium that setup.mjs unpacked: it finds the driver of a GPU where there is
// one, and elsewhere is pointed to SwiftShader, a driver that runs on the CPU, from the same Chromium. Dawn opens the loader
// by its bare name, libvulkan.so.1; the dynamic linker gives it the one already loaded under that name, so loading ours by
// its full path first is enough, and LD_LIBRARY_PATH need not be set before the process starts.

import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { create, globals } from "webgpu";
import { bundle, bundleRuns, hasGpu } from "./browsers.mjs";

/** Timestamps in nanoseconds, not rounded to 100 µs as a browser has to. */
const options = ["disable-dawn-features=timestamp_quantization"];

let gpu: Promise<GPU> | undefined;

/**
 * The GPU object of this process (`navigator.gpu` in a page), with at least one adapter, or an error that says what to
 * install. Defines the WebGPU globals (GPUBufferUsage …) too. The object is kept, since Dawn ends when it is collected; the
 * process still exits by itself once nothing is pending.
 */
export function createGpu(): Promise<GPU> {
  gpu ??= findGpu();
  return gpu;
}

async function findGpu(): Promise<GPU> {
  Object.assign(globalThis, globals);
  const software = bundleRuns && existsSync(bundle()) ? join(bundle(), "vk_swiftshader_icd.json") : undefined;
  if (software) loadVulkanLoader(join(bundle(), "libvulkan.so.1"));
  if (process.platform !== "linux" || hasGpu() || !software) {
    const gpu = create(options);
    if (await gpu.requestAdapter()) return gpu;
  }
  if (software) {
    process.env.VK_ICD_FILENAMES = software;
    askLess();
    const gpu = create(options);
    if (await gpu.requestAdapter()) return gpu;
  }
  const remedy = bundleRuns
    ? "run `node src/cli/setup.mjs`, which unpacks SwiftShader"
    : "install a driver for Vulkan, Metal or Direct3D 12";
  throw new Error(`createGpu: Dawn finds no WebGPU adapter on ${process.platform} ${process.arch}; ${remedy}`);
}

/** While Dawn waits for anything it asks for events over and over, by setImmediate: a core that SwiftShader could compute on. After a millisecond of
 *  waiting it asks once a millisecond. Its callbacks are told from others by being native. */
function askLess(): void {
  const immediate = globalThis.setImmediate;
  let [began, last] = [0, 0];
  const less = (callback: () => void, ...args: []) => {
    if (!String(callback).includes("[native code]")) return immediate(callback, ...args);
    const now = performance.now();
    if (now - last > 5) began = now;
    last = now;
    return now - began < 1 ? immediate(callback) : setTimeout(callback, 1);
  };
  globalThis.setImmediate = Object.assign(less, immediate) as unknown as typeof setImmediate;
}

/** Loads a library that is no Node module: Node says so and closes it again, but RTLD_NODELETE keeps it in the process. */
function loadVulkanLoader(path: string): void {
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch (error) {
    if (!String(error).includes("self-register")) throw error;
  }
}
