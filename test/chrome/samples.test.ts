// The op table in a real browser: every sample, forward and backward, against the float64 reference.
import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import { allSamples } from "../checkSample.ts";
import type { Wrong } from "./samples.page.ts";

test("every sample is right in Chrome", async () => {
  const wrong: Wrong[] = [];
  const { adapter, checked } = await runInChrome<{ adapter: string; checked: number }, Wrong>({
    entry: "test/chrome/samples.page.ts",
    onMessage: (message) => wrong.push(message),
  });
  expect(wrong, adapter).toEqual([]);
  expect(checked).toBe(allSamples.length);
});
