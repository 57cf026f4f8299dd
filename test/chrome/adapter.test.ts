// The ground the other tests stand on: Chrome has a WebGPU adapter, a page computes on it, and its errors reach us.

import { expect, test } from "vitest";
import { runInChrome } from "../../src/cli/page.ts";
import type { Facts } from "./squares.page.ts";

test("a page has an adapter, a dispatch gives the right numbers, and MNIST is there", async () => {
  const messages: string[] = [];
  const { numbers, facts } = await runInChrome<{ numbers: number[]; facts: Facts }, string>({
    entry: "test/chrome/squares.page.ts",
    args: { n: 1000 },
    onMessage: (message) => messages.push(message),
  });
  expect(numbers).toEqual(Array.from({ length: 1000 }, (_, i) => i * i));
  expect(messages).toEqual([`adapter: ${facts.vendor}`, "computed 1000"]);
  expect(facts.isolated).toBe(true);
  expect(facts.mnistBytes).toBe(16 + 60_000 * 28 * 28);
});

test.each(["throw", "log", "reject"])("a page's errors reject: %s", async (kind) => {
  await expect(runInChrome({ entry: "test/chrome/failing.page.ts", args: kind })).rejects.toThrow(`failed by ${kind}`);
});
