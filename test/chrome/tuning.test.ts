// The autotuner in a page: IndexedDB keeps its choices.
import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import type { Tuned } from "./tuning.page.ts";

test("a page remembers what it chose: a second device times nothing and computes the same bits", async () => {
  const { tuned, stored } = await runInChrome<{ tuned: Tuned[]; stored: object | undefined }>({
    entry: "test/chrome/tuning.page.ts",
  });
  const [first, second] = tuned as [Tuned, Tuned];
  expect([first.timed, second.timed]).toEqual([1, 0]);
  expect(stored).toEqual(first.tuning);
  expect(second.tuning).toEqual(first.tuning);
  expect(second.result).toEqual(first.result);
});
