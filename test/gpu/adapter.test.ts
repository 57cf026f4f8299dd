// The ground the other tests stand on: Node has a WebGPU adapter, and a dispatch on it computes.

import { expect, test } from "vitest";
import { createGpu } from "../../src/cli/dawn.ts";
import { squares } from "../chrome/squares.page.ts";

test("Node has an adapter, and a dispatch gives the right numbers", async () => {
  const gpu = await createGpu();
  expect(await squares(gpu, 1000)).toEqual(Array.from({ length: 1000 }, (_, i) => i * i));
});

test("asking again gives the same GPU", async () => {
  expect(await createGpu()).toBe(await createGpu());
});
