// WebGPU in Node, through Dawn (the npm package webgpu): for tests and command line tools.
//
// On a Linux machine with a GPU, Dawn finds it through the system's Vulkan loader. Elsewhere on Linux it gets SwiftShader,
// a Vulkan driver that runs on the CPU, and a Vulkan loader, both from the Chromium that setup.mjs unpacked. Dawn opens the
// loader by its bare name, libvulkan.so.1; the dynamic linker gives it the one already loaded under that name, so loading
// ours by its full path first is enough, and LD_LIBRARY_PATH need not be set before the process starts.

import { existsSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { create, globals } from "webgpu";
import { bundle, bundleRuns, hasGpu } from "./browsers.mjs";

let gpu: Promise<GPU> | undefined;

/**
 * The GPU object of this process (`navigator.gpu` in a page), with at least one adapter, or an error that says what to
 * install. Defines the WebGPU globals (GPUBufferUsage …) too. The object is kept, since Dawn ends when it is collected; a process
 * exits by itself once nothing else is pending.
 */
export function createGpu(): Promise<GPU> {
  gpu ??= findGpu();
  return gpu;
}

async function findGpu(): Promise<GPU> {
  Object.assign(globalThis, globals);
  if (process.platform !== "linux" || hasGpu()) {
    const real = create([]);
    if (await real.requestAdapter()) return real;
  }
  const driver = bundleRuns ? join(bundle(), "vk_swiftshader_icd.json") : "";
  if (existsSync(driver)) {
    loadVulkanLoader(join(bundle(), "libvulkan.so.1"));
    process.env.VK_ICD_FILENAMES = driver;
    const software = create([]);
    if (await software.requestAdapter()) return software;
  }
  throw new Error(
    `createGpu: Dawn finds no WebGPU adapter on ${process.platform} ${process.arch}; ` +
      (bundleRuns
        ? "run `node src/cli/setup.mjs`, which unpacks SwiftShader"
        : "install a Vulkan, Metal or Direct3D 12 driver"),
  );
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
