// Vite serves the demo and the pages that src/cli/page.ts opens; vitest runs three projects, foldered by what they need:
// node (nothing but Node), gpu (WebGPU in Node through Dawn; a fork per file) and chrome (a real browser through puppeteer).

import { defineConfig } from "vitest/config";

const minute = 60_000;

export default defineConfig({
  test: {
    projects: [
      { test: { name: "node", include: ["test/node/**/*.test.ts"], environment: "node" } },
      {
        test: {
          name: "gpu",
          include: ["test/gpu/**/*.test.ts", "test/train/**/*.test.ts"],
          environment: "node",
          pool: "forks",
          testTimeout: 2 * minute,
          hookTimeout: minute,
        },
      },
      {
        test: {
          name: "chrome",
          include: ["test/chrome/**/*.test.ts"],
          environment: "node",
          pool: "forks",
          fileParallelism: false,
          testTimeout: 5 * minute,
          hookTimeout: minute,
        },
      },
    ],
  },
});
