// Takes the pictures of docs/screenshots: every page, light, dark and narrow. `npx tsx test/chrome/screenshots.ts [PAGE…]`
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { root } from "../../src/cli/browsers.mjs";
import { presenting } from "../../src/cli/chrome.ts";
import { openSite, textOf } from "./site.ts";

/** Each page as it is when there is something to see. */
const pages: Readonly<Record<string, { readonly path: string; readonly prepare: (page: Page) => Promise<unknown> }>> = {
  start: { path: "index.html", prepare: (page) => textOf(page, "#live-status", "Trained") },
  train: {
    path: "train/index.html?task=mnist-cnn&images=12000&length=1",
    async prepare(page) {
      await textOf(page, "#status", "Ready");
      await page.click("#start");
      await textOf(page, "#status", "Done");
      await page.$eval("#see", (heading) => heading.scrollIntoView());
      await textOf(page, "#tested", "9");
      await page.click("#clear + button");
      await textOf(page, "#verdict", "It looks like");
      await page.waitForSelector(".pictures canvas");
    },
  },
  sums: {
    path: "train/index.html?task=adding",
    async prepare(page) {
      await textOf(page, "#status", "Ready");
      await page.click("#start");
      await textOf(page, "#status", "Done");
      await page.$eval("#panels", (panels) => panels.scrollIntoView());
      await textOf(page, "#flow", "RNN:");
      await page.waitForSelector(".spread");
    },
  },
  points: {
    path: "train/index.html?task=netbp",
    async prepare(page) {
      await textOf(page, "#status", "Ready");
      await page.click("#start");
      await textOf(page, "#status", "Done");
      await page.$eval("#panels", (panels) => panels.scrollIntoView());
      await page.waitForSelector(".spread");
    },
  },
  inspect: {
    path: "inspect/index.html",
    async prepare(page) {
      for (const [id, shown] of [["time", ".timeline"], ["verify", ".plan tbody td:last-child"]] as const) {
        await page.waitForFunction((id) => !document.querySelector<HTMLButtonElement>(`#${id}`)?.disabled, {}, id);
        await page.click(`#${id}`);
        await page.waitForSelector(shown);
      }
      await textOf(page, ".plan tbody td:last-child", "✓");
    }, // biome-ignore format: a button a line
  },
  benchmark: {
    path: "benchmark/index.html",
    async prepare(page) {
      await page.$$eval("input[type=checkbox]", (boxes) => {
        const wanted = ["add", "matmul", "conv2d", "MLP"];
        for (const box of boxes)
          if (box.checked !== wanted.includes(box.parentElement?.textContent?.trim() ?? "")) box.click();
      });
      await page.select("#extent", "medium");
      await page.click("#start");
      await textOf(page, "#status", "Done");
      await page.$$eval("#crossovers button", ([, matmul]) => matmul?.click());
    },
  },
  notes: { path: "notes/index.html", prepare: (page) => page.waitForSelector(".katex") },
};

const sizes = {
  light: { width: 1280, height: 1400, deviceScaleFactor: 0.75 },
  dark: { width: 1280, height: 1400, deviceScaleFactor: 0.75 },
  narrow: { width: 360, height: 1400, deviceScaleFactor: 1 },
};
const most = 60_000;

const folder = join(root, "docs/screenshots");
mkdirSync(folder, { recursive: true });
const site = await openSite(presenting);
const wanted = process.argv.slice(2);
for (const [name, { path, prepare }] of Object.entries(pages)) {
  if (wanted.length && !wanted.includes(name)) continue;
  const { page } = await site.open(path);
  await prepare(page);
  for (const [look, size] of Object.entries(sizes)) {
    await page.setViewport(size);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: look === "dark" ? "dark" : "light" }]);
    await page.evaluate("scrollTo(0, 0)");
    await new Promise((resolve) => setTimeout(resolve, 1500)); // charts fit themselves, colours change
    const file = join(folder, `${name}-${look}.webp`) as `${string}.webp`;
    let quality = 80;
    do await page.screenshot({ path: file, quality });
    while (statSync(file).size > most && (quality -= 10) > 20);
    console.log(`${file}: ${statSync(file).size} bytes`);
  }
  await page.close();
}
await site.close();
