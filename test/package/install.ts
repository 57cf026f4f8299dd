// The package as a user gets it: packed, and installed from the tarball in an empty folder. Once for all tests of the package.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { root } from "../../src/cli/browsers.mjs";

/** What the tests get: the folder in which wgrad is installed, the tarball, and what npm says of it. */
export interface Installed {
  readonly app: string;
  readonly tarball: string;
  readonly files: readonly string[];
  readonly unpackedSize: number;
}

declare module "vitest" {
  interface ProvidedContext {
    installed: Installed;
  }
}

/** What npm says of a tarball. */
interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
  readonly unpackedSize: number;
}

/** Not of the package: what an app brings along. */
const brought = ["@types/node", "@webgpu/types", "comlink", "onnxruntime-web", "webgpu"];

const run = promisify(execFile);

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "wgrad-package-"));
  const pack = async (what: string): Promise<Packed> => {
    const { stdout } = await run("npm", ["pack", what, "--json", "--pack-destination", folder], { cwd: root });
    return JSON.parse(stdout.slice(stdout.indexOf("[\n")))[0]; // behind what the build prints
  };
  const [own, dependency] = await Promise.all([pack("."), pack("./node_modules/wgsl-preprocessor")]);
  const tarball = join(folder, own.filename);
  const app = join(folder, "app");
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }));
  const tarballs = [tarball, join(folder, dependency.filename)]; // of npm's registry nothing is asked
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], { cwd: app });
  for (const scope of ["@types", "@webgpu"]) mkdirSync(join(app, "node_modules", scope));
  for (const name of brought) symlinkSync(join(root, "node_modules", name), join(app, "node_modules", name));
  const files = own.files.map(({ path }) => path);
  project.provide("installed", { app, tarball, files, unpackedSize: own.unpackedSize });
  return () => rmSync(folder, { recursive: true, force: true });
}
