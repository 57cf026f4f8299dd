// Training goes on in a page: from a checkpoint in IndexedDB, and on another device.
import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import type { Resumed } from "./resume.page.ts";

test("a page resumes from IndexedDB, and survives its device, to the bit", async () => {
  const found = await runInChrome<Resumed>({ entry: "test/chrome/resume.page.ts" });
  expect(found).toEqual({ kept: true, resumed: true, survived: true, devices: 4, removed: true });
});
