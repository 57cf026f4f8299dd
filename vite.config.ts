// Vitest runs four projects, foldered by what they need, one after the other: node (nothing but Node), gpu (WebGPU in Node,
// through Dawn; a process per file), chrome (a real browser, through puppeteer) and package (the packed library, installed).
// Files of the first two run beside each other, one a core.

import { defineConfig } from "vitest/config";

const minute = 60_000;
/** "wgrad" is src, not the built package. */
const resolve = { tsconfigPaths: true };

export default defineConfig({
  test: {
    projects: [
      {
        resolve,
        test: {
          name: "node",
          include: ["test/node/**/*.test.ts"],
          maxWorkers: "100%",
          testTimeout: minute / 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        test: {
          name: "gpu",
          include: ["test/gpu/**/*.test.ts", "test/train/**/*.test.ts"],
          pool: "forks",
          maxWorkers: "100%",
          testTimeout: 5 * minute,
          hookTimeout: minute,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
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
      {
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          globalSetup: ["test/package/install.ts"],
          pool: "forks",
          fileParallelism: false,
          testTimeout: 2 * minute,
          hookTimeout: minute,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
