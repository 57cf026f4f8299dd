// `npm run build`: the library as ES modules with their types, in dist/, a module a file: bundlers keep what is used, browsers load it as it is.
// idb-keyval goes into the module that uses it: so the package depends on no more than wgsl-preprocessor.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { root } from "./browsers.mjs";

const dist = join(root, "dist");
rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
// tsc names the imports of a .js after .js, those of a .d.ts still after .ts, which only newer tools resolve
for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" }))
  if (name.endsWith(".d.ts")) {
    const path = join(dist, name);
    writeFileSync(path, readFileSync(path, "utf8").replace(/((?:from|import\()\s*"\.[^"]*)\.ts"/g, '$1.js"'));
  }
const keyval = readFileSync(join(root, "node_modules/idb-keyval/LICENCE"), "utf8").trim();
const storage = join(dist, "src/indexedDb.js");
buildSync({
  ...{ entryPoints: [storage], outfile: storage, allowOverwrite: true, bundle: true, format: "esm", target: "es2023" },
  ...{
    absWorkingDir: root,
    logLevel: "warning",
    legalComments: "inline",
    banner: { js: `/*! idb-keyval: ${keyval} */` },
  },
});
