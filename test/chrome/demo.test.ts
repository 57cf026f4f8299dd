// The demo site, built and served: its pages load without a word in the console, are accessible, and are small.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pages } from "../../demo/shell.ts";
import { seriousOf } from "./axe.ts";
import { openSite, type Site, textOf } from "./site.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
}, 120_000);
afterAll(() => site.close());

test.each(pages.map(({ folder }) => folder))(
  "/%s loads, is silent and accessible, light and dark, wide and narrow",
  async (folder) => {
    const { page, logged } = await site.open(`${folder}index.html`);
    await page.waitForNetworkIdle({ idleTime: 300 });
    expect(await seriousOf(page)).toEqual([]);
    await page.setViewport({ width: 360, height: 740 });
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: "dark" },
      { name: "prefers-reduced-motion", value: "reduce" }, // colours change at once
    ]);
    expect(await seriousOf(page)).toEqual([]);
    const width = await page.evaluate("document.documentElement.scrollWidth");
    expect(width, "nothing is wider than the screen").toBeLessThanOrEqual(360);
    expect(logged).toEqual([]);
    await page.close();
  },
);

test("the Train page comes with at most 250 kB, gzipped, besides its data", async () => {
  const context = await site.browser.createBrowserContext(); // with nothing in its cache
  const before = site.served.length;
  const page = await context.newPage();
  await page.goto(`${site.url}train/index.html`);
  await textOf(page, "#status", "Ready");
  await context.close();
  const files = [...new Set(site.served.slice(before))].filter((path) => !path.startsWith("data/"));
  const bytes = files.reduce((sum, path) => sum + gzipSync(readFileSync(join(site.folder, path))).length, 0);
  expect(files.filter((path) => /worker.*js$/.test(path))).toHaveLength(1);
  expect(bytes).toBeLessThan(250_000);
});

test("MNIST comes with the site, in at most 12 MB; the peers of the benchmarks do not", () => {
  const sizeOf = (path: string) => statSync(join(site.folder, path)).size;
  const data = readdirSync(join(site.folder, "data/mnist")).map((name) => sizeOf(`data/mnist/${name}`));
  expect(data).toHaveLength(4);
  expect(data.reduce((a, b) => a + b)).toBeLessThanOrEqual(12_000_000);
  const assets = readdirSync(join(site.folder, "assets"));
  for (const name of assets.filter((name) => name.endsWith(".js")))
    expect(readFileSync(join(site.folder, "assets", name), "utf8")).not.toMatch(/tfjs|tensorflow|jax-js/i);
});
