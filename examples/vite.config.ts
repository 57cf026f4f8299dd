// Serves the examples: `npm run examples`. Each is a page of its own, in a folder of its own.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { mnistFiles } from "../src/cli/mnistFiles.ts";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: at("."),
  plugins: [mnistFiles()],
  resolve: {
    alias: [
      { find: /^wgrad$/, replacement: at("../src/index.ts") },
      { find: /^wgrad\/(.+)$/, replacement: at("../src/$1/index.ts") },
    ],
  },
  server: { fs: { allow: [at("..")] } },
  worker: { format: "es" },
});
