// Vite serves the demo. Vitest runs three projects, foldered by what they need, one after the other: node (nothing but
// Node), gpu (WebGPU in Node, through Dawn; a process per file) and chrome (a real browser, through puppeteer).

import { defineConfig } from "vitest/config";
import { mnistFiles } from "./src/cli/mnistFiles.ts";

const minute = 60_000;

export default defineConfig({
  plugins: [mnistFiles()],
  test: {
    projects: [
      { test: { name: "node", include: ["test/node/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      {
        test: {
          name: "gpu",
          include: ["test/gpu/**/*.test.ts", "test/train/**/*.test.ts"],
          pool: "forks",
          testTimeout: 2 * minute,
          hookTimeout: minute,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "chrome",
          include: ["test/chrome/**/*.test.ts"],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 5 * minute,
          hookTimeout: minute,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
