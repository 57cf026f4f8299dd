// The demo site: five pages, built into demo/dist. Paths are relative, so that the site runs from any folder of any host.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { mnistGz } from "./mnistGz.ts";
import { pages, shell } from "./shell.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root: here,
  base: "./",
  plugins: [shell(), mnistGz()],
  resolve: { tsconfigPaths: true },
  server: { fs: { allow: [fileURLToPath(new URL("..", import.meta.url))] } },
  worker: { format: "es" },
  build: {
    target: "es2023",
    outDir: "dist",
    emptyOutDir: true,
    rolldownOptions: { input: pages.map(({ folder }) => `${here}${folder}index.html`) },
  },
});
