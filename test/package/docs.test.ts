// The reference renders without a warning: no public name is undocumented, no link leads nowhere, every block of code is highlighted.
// typedoc.json makes warnings errors.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { root } from "../../src/cli/browsers.mjs";

const out = mkdtempSync(join(tmpdir(), "wgrad-docs-"));
afterAll(() => rmSync(out, { recursive: true }));

test("npm run docs", async () => {
  const typedoc = join(root, "node_modules/.bin/typedoc");
  const { stdout, stderr } = await promisify(execFile)(typedoc, ["--out", out, "--logLevel", "Warn"], {
    ...{ cwd: root, env: { ...process.env, NO_COLOR: "1" } },
  }).catch((error: { stdout: string; stderr: string }) => error);
  expect(`${stdout}${stderr}`).toBe("");
  expect(existsSync(join(out, "index.html"))).toBe(true);
});
