// `npm test`: types, lint, then every vitest project. Ends with `N passed, N failed, N skipped`, counted over all projects.
// Arguments go to vitest: `npm test -- --project gpu`.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./browsers.mjs";

/** The part of vitest's JSON report that is counted here. */
interface Report {
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[];
}

const folder = mkdtempSync(join(tmpdir(), "wgrad-test-"));
const report = join(folder, "report.json");
const checks = [await run("tsc"), await run("biome", "check")];
const tests = await run(
  ...["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile=${report}`],
  ...process.argv.slice(2),
);
const counts = count(report);
rmSync(folder, { recursive: true });
if (!checks.every(Boolean)) console.error("types or lint: see above");
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = checks.every(Boolean) && tests && counts.failed === 0 ? 0 : 1;

/** Runs a command of node_modules/.bin; true when it succeeds. glibc is to take large pages: compilers of kernels take and free much memory, and on
 *  some virtual machines each small page costs ten microseconds. */
function run(command: string, ...args: string[]): Promise<boolean> {
  const path = join(root, "node_modules/.bin", command);
  const env = { GLIBC_TUNABLES: "glibc.malloc.hugetlb=1", ...process.env };
  const child = spawn(path, args, { cwd: root, env, stdio: "inherit", shell: process.platform === "win32" });
  return new Promise((resolve, reject) => child.on("error", reject).on("exit", (code) => resolve(code === 0)));
}

/** A file that fails before its first test counts as one failure. A run that left no report too. */
function count(path: string): { passed: number; failed: number; skipped: number } {
  let files: Report["testResults"];
  try {
    files = (JSON.parse(readFileSync(path, "utf8")) as Report).testResults;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const results = files.flatMap(({ status, assertionResults }) => {
    const statuses = assertionResults.map((result) => result.status);
    return status === "failed" && !statuses.includes("failed") ? [...statuses, "failed"] : statuses;
  });
  const passed = results.filter((status) => status === "passed").length;
  const failed = results.filter((status) => status === "failed").length;
  return { passed, failed, skipped: results.length - passed - failed };
}
