// A vite plugin that serves the four files of MNIST, gzipped, under data/mnist/ of the site, and builds them into it: 11 MB in place of 55.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { root } from "../src/cli/browsers.mjs";
import { mnistFolder, mnistNames } from "../src/cli/mnistFiles.ts";

const cache = join(root, "node_modules/.cache/wgrad/mnist");

/** A file of the data set, compressed once and kept. */
function gzipped(name: string): Uint8Array {
  const path = join(cache, `${name}.gz`);
  if (!existsSync(path)) {
    mkdirSync(cache, { recursive: true });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, gzipSync(readFileSync(join(mnistFolder, name))));
    renameSync(part, path); // in one step, so that nobody reads half of it
  }
  return readFileSync(path);
}

export function mnistGz(): Plugin {
  return {
    name: "mnist-gz",
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const name = mnistNames.find((name) => request.url === `/data/mnist/${name}.gz`);
        if (name) response.setHeader("content-type", "application/octet-stream").end(gzipped(name));
        else next();
      });
    },
    generateBundle() {
      for (const name of mnistNames)
        this.emitFile({ type: "asset", fileName: `data/mnist/${name}.gz`, source: gzipped(name) });
    },
  };
}
