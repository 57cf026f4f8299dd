// The pages of the demo that compute: what they show is right, and stays accessible when they are alive.
import type { Page } from "puppeteer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seriousOf } from "./axe.ts";
import { losable, lose, openSite, type Site, textOf, withoutWebGpu } from "./site.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite();
}, 120_000);
afterAll(() => site.close());

const texts = (page: Page, selector: string) =>
  page.$$eval(selector, (list) => list.map((e) => e.textContent?.trim() ?? ""));

/** Chooses what the benchmark measures. */
const tick = (page: Page, names: readonly string[]) =>
  page.$$eval(
    "input[type=checkbox]",
    (boxes, names) => {
      for (const box of boxes) box.checked = names.includes(box.value);
    },
    names,
  );

/** Accessible as it stands, light and dark, and on a narrow screen no wider than that. */
async function expectAccessible(page: Page): Promise<void> {
  for (const value of ["light", "dark"]) {
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value },
      { name: "prefers-reduced-motion", value: "reduce" }, // colours change at once
    ]);
    expect(await seriousOf(page)).toEqual([]);
  }
  await page.setViewport({ width: 360, height: 740 });
  await page.waitForFunction(() => document.documentElement.scrollWidth <= 360, { timeout: 5000 });
}

describe("Look inside", () => {
  const enabled = (page: Page) =>
    page.waitForFunction(() => !document.querySelector<HTMLButtonElement>("#verify")?.disabled, { timeout: 120_000 });

  test("a training step: every dispatch is drawn, timed, and within tolerance of the CPU", async () => {
    const { page, logged } = await site.open("inspect/index.html");
    await enabled(page);
    const dispatches = (await texts(page, ".plan tbody tr")).length;
    expect(dispatches).toBeGreaterThan(3);
    expect(await page.$$(`svg[aria-label^="${dispatches} dispatches"] .box`)).toHaveLength(dispatches);
    expect((await texts(page, ".wgsl"))[0]).toContain("@compute @workgroup_size");

    await page.click("#time");
    await page.waitForSelector(".timeline", { timeout: 120_000 });
    expect(await page.$$(".timeline li")).toHaveLength(dispatches);
    await enabled(page);

    await page.click("#verify");
    expect(await textOf(page, "#status", `${dispatches} dispatches on`)).toMatch(/all within .* of the reference$/);
    const verdicts = await texts(page, ".plan tbody td:last-child");
    expect(verdicts).toHaveLength(dispatches);
    for (const verdict of verdicts) expect(verdict).toMatch(/^✓ /);
    expect(await page.$$('section[aria-label="Memory"] .life')).not.toHaveLength(0);
    await expectAccessible(page);
    expect(logged).toEqual([]);
    await page.close();
  });

  test("an expression of one's own; its mistakes are said", async () => {
    const { page, logged } = await site.open("inspect/index.html?example=dense");
    const compile = async (text: string) => {
      await page.$eval("#editor", (e, text) => void ((e as HTMLTextAreaElement).value = text), text);
      await page.focus("#editor");
      await page.keyboard.down("Control");
      await page.keyboard.press("Enter");
      await page.keyboard.up("Control");
    };
    await enabled(page);
    await compile("compile(({ a, b }) => ({ y: a.matmul(b) }), { a: f32(2, 3), b: f32(4, 5) })");
    expect(await textOf(page, ".banner.error", "Something")).toContain("matmul: inner sizes differ");
    await compile("compile(({ a }) => ({ y: a.tanh().sum() }), { a: f32(9) })");
    await enabled(page);
    await page.click("#verify");
    expect(await textOf(page, "#status", "1 dispatch on")).toMatch(/all within/);
    expect(logged).toEqual([]);
    await page.close();
  });

  test("without WebGPU, the graph as it prints", async () => {
    const { page } = await site.open("inspect/index.html?cpu");
    expect(await textOf(page, "#result pre", "%0")).toContain("= matmul(");
    await page.close();
  });
});

describe("Benchmark", () => {
  test("on small sizes: a table of crossovers, a plot, and JSON", async () => {
    const { page, logged } = await site.open("benchmark/index.html");
    await page.select("#extent", "small");
    await tick(page, ["tanh", "matmul", "lstm layer", "MLP"]);
    await page.click("#start");
    await textOf(page, "#status", "Done: 4 series");
    const rows = await texts(page, "#crossovers tbody tr");
    expect(rows).toHaveLength(4);
    for (const row of rows)
      expect(row).toMatch(/(from [\d,]+|not yet).*(from [\d,]+|not yet).*× (faster|slower) at [\d,]+/);
    const results = JSON.parse(await page.$eval("#json", (e) => (e as HTMLTextAreaElement).value));
    const names = results.series.map((s: { name: string }) => s.name);
    expect(names).toEqual(["tanh", "matmul", "lstm layer", "MLP, a training step"]);
    for (const { points, crossover } of results.series) {
      expect(points).toHaveLength(2);
      for (const p of points) expect(Math.min(p.gpu, p.gpuInChain, p.reference)).toBeGreaterThan(0);
      expect(Object.keys(crossover)).toEqual(["call", "chain"]);
    }
    await page.focus("#crossovers button"); // the first, tanh
    await page.keyboard.press("Enter");
    await textOf(page, "#results figcaption", "tanh: time over");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("tanh");
    await page.waitForSelector(".uplot canvas");
    expect(await page.$$(".uplot canvas")).toHaveLength(1);
    await expectAccessible(page);
    expect(logged).toEqual([]);
    await page.close();
  });

  test("is cancelled at once", async () => {
    const { page, logged } = await site.open("benchmark/index.html");
    await page.select("#extent", "large");
    await page.click("#start");
    await textOf(page, "#status", "add: ");
    await page.click("#cancel");
    expect(await textOf(page, "#status", "Cancelled")).toMatch(/^Cancelled/);
    expect(await page.$eval("#start", (e) => (e as HTMLButtonElement).disabled)).toBe(false);
    expect(logged).toEqual([]);
    await page.close();
  });

  test("when the worker loses its device, it says so, and one begins again", async () => {
    const { page, logged } = await site.open("benchmark/index.html", losable);
    await page.select("#extent", "large");
    await page.click("#start");
    await textOf(page, "#status", "add: ");
    await lose(page);
    await textOf(page, ".banner.error h2", "The GPU was lost");
    expect(await page.$eval("#start", (e) => (e as HTMLButtonElement).disabled)).toBe(false);
    await Promise.all([page.waitForNavigation(), page.click(".banner.error button")]);
    await page.waitForSelector("#start");
    expect(await page.$$(".banner")).toEqual([]);
    expect(logged).toEqual([]);
    await page.close();
  });
});

describe("Without WebGPU every page says what to switch on, and does on the CPU what it can", () => {
  const measureOne = async (page: Page) => {
    await page.select("#extent", "small");
    await tick(page, ["tanh"]);
    await page.click("#start");
  };
  test.each([
    ["inspect", "#result pre", "%0", undefined],
    ["benchmark", "#status", "Done: 1 series on CPU", measureOne],
    ["notes", "#forward[data-alive] .checks li", "", undefined],
  ] as const)("/%s", async (name, selector, text, ask) => {
    const { page, logged } = await site.open(`${name}/index.html`, withoutWebGpu);
    await textOf(page, ".banner.warning h2", "This browser gives no WebGPU");
    expect(await page.$eval(".banner", (e) => e.textContent)).toContain("chrome://flags/#enable-unsafe-webgpu");
    await ask?.(page);
    await page.waitForSelector(selector);
    await textOf(page, selector, text);
    expect(await page.$$(".banner")).toHaveLength(1);
    expect(logged).toEqual([]);
    await page.close();
  });
});

describe("The notes", () => {
  interface Row {
    readonly note: string;
    readonly kind: string;
    readonly right: boolean;
    readonly text: string;
  }

  /** The checks of all notes, when all are alive and have been checked. */
  async function checksOf(page: Page): Promise<Row[]> {
    await page.waitForFunction(
      () => {
        const notes = [...document.querySelectorAll(".note")];
        return notes.length > 0 && notes.every((n) => n.matches("[data-alive]") && n.querySelector(".checks li"));
      },
      { timeout: 120_000, polling: 100 },
    );
    return page.$$eval(".checks li", (list) =>
      list.map((e) => ({
        note: e.closest("section")?.id ?? "",
        kind: e.dataset.kind ?? "",
        right: e.dataset.right === "true",
        text: e.textContent ?? "",
      })),
    );
  }

  function expectRight(rows: readonly Row[]): void {
    expect(rows.filter((row) => !row.right)).toEqual([]);
    const notes = [...new Set(rows.map((row) => row.note))];
    expect(notes.join(" ")).toBe("forward delta outer softmax losses descent convolution pooling bptt lstm flow");
    for (const note of notes) expect(rows.some((row) => row.note === note && row.kind === "differences")).toBe(true);
    const refuted = rows.filter(({ kind }) => kind === "wrong").map(({ note }) => note);
    expect(refuted).toEqual(["delta", "losses", "convolution", "bptt", "bptt"]);
  }

  test("each is alive and its checks pass, also when it has been played with; after the loss of the device anew", async () => {
    const { page, logged } = await site.open("notes/index.html", losable);
    expectRight(await checksOf(page));
    await expectAccessible(page);

    const before = await page.$eval("#forward .cells", (e) => e.getAttribute("aria-label"));
    const cost = await page.$eval("#softmax .live b", (e) => e.textContent);
    await page.$$eval(".note input[type=range]", (sliders) => {
      for (const slider of sliders) {
        slider.value = String(slider.valueAsNumber + 0.3 * (Number(slider.max) - slider.valueAsNumber));
        slider.dispatchEvent(new Event("input"));
      }
    });
    await page.$$eval("#forward button, #pooling button", (buttons) => {
      for (const b of buttons) b.click();
    });
    await page.waitForFunction(
      (before, cost) =>
        document.querySelector("#forward .cells")?.getAttribute("aria-label") !== before &&
        document.querySelector("#softmax .live b")?.textContent !== cost,
      {},
      ...([before, cost] as const),
    );
    await new Promise((r) => setTimeout(r, 1500)); // checks follow when all is quiet
    expectRight(await checksOf(page));

    await lose(page);
    await page.$eval("#forward button", (button) => button.click());
    await textOf(page, ".banner.error h2", "The GPU was lost");
    await Promise.all([page.waitForNavigation(), page.$$eval(".banner button", ([again]) => again?.click())]);
    await page.waitForSelector("#forward[data-alive] .checks li");
    expect(logged).toEqual([]);
    await page.close();
  });

  test("on the CPU as well; a step of descent goes downhill", async () => {
    const { page, logged } = await site.open("notes/index.html?cpu");
    expectRight(await checksOf(page));
    const costOf = async () => Number(/cost ([\d.e-]+)/.exec((await texts(page, "#descent .live > p"))[0] ?? "")?.[1]);
    const first = await costOf();
    await page.$$eval("#descent button", ([step]) => step?.click());
    await textOf(page, "#descent .live > p", "Step 1:");
    expect(await costOf()).toBeLessThan(first);
    expect(logged).toEqual([]);
    await page.close();
  });
});
