// The op table in a real browser: a sample of every op, forward and backward, against the float64 reference.
import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import { chosen, type Wrong } from "./samples.page.ts";

test("every op is right in Chrome", async () => {
  const wrong: Wrong[] = [];
  const { adapter, checked } = await runInChrome<{ adapter: string; checked: number }, Wrong>({
    entry: "test/chrome/samples.page.ts",
    onMessage: (message) => wrong.push(message),
  });
  expect(wrong, adapter).toEqual([]);
  expect(checked).toBe(chosen.length);
});
