// The reference builds without a warning: no public name is undocumented, no link leads nowhere. typedoc.json makes warnings errors.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { root } from "../../src/cli/browsers.mjs";

test("npm run docs", async () => {
  const typedoc = join(root, "node_modules/.bin/typedoc");
  const { stdout, stderr } = await promisify(execFile)(typedoc, ["--emit", "none", "--logLevel", "Warn"], {
    ...{ cwd: root, env: { ...process.env, NO_COLOR: "1" } },
  }).catch((error: { stdout: string; stderr: string }) => error);
  expect(`${stdout}${stderr}`).toBe("");
});
