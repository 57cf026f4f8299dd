// The Train page as its visitor uses it: train and watch, draw, pause, reset, lose the device, have no WebGPU.
import { loadavg } from "node:os";
import type { Page } from "puppeteer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spread } from "../../bench/measure.ts";
import { presenting } from "../../src/cli/chrome.ts";
import { seriousOf } from "./axe.ts";
import { openSite, type Site, textOf, withoutWebGpu } from "./site.ts";

let site: Site;
beforeAll(async () => {
  site = await openSite(presenting);
}, 120_000);
afterAll(() => site.close());

const open = (query: string, before?: string) => site.open(`train/index.html?${query}`, before);

const statOf = (page: Page, name: string) =>
  page.$eval(`[data-stat="${name}"]`, (e) => Number.parseFloat((e.textContent ?? "").replaceAll(",", "")));

const stepOf = (status: string) => Number(status.replace(/\D/g, ""));

/** Seconds until the first losses are shown. */
async function firstLosses(page: Page): Promise<number> {
  const start = performance.now();
  const shown = () => /\d/.test(document.querySelector('[data-stat="Loss"]')?.textContent ?? "");
  await page.waitForFunction(shown, { polling: 20, timeout: 60_000 });
  return (performance.now() - start) / 1000;
}

/** How many want each core now: at least 1. What is timed here is promised of a machine that does nothing else. */
const crowd = (): number => Math.max(1, (loadavg()[0] as number) / 2);

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Does something to the page and requires that it stays free meanwhile: that frames keep coming, most of them 60 a second, and that no task
 *  of its main thread takes 50 ms. Of a task that is the CPU time of the thread: WebGPU in software trains on all cores, and how long a task
 *  waits for one of them is not what it does. */
async function staysFree(page: Page, work: () => Promise<void>): Promise<void> {
  const watch = "(function frame(now) { frameTimes.push(now); requestAnimationFrame(frame); })(performance.now())";
  await page.evaluate(
    `{ const watched = "frameTimes" in globalThis; globalThis.frameTimes = []; if (!watched) ${watch}; }`,
  );
  await page.tracing.start({ categories: ["toplevel"] });
  const started = performance.now();
  let trace: Uint8Array | undefined;
  try {
    await work();
  } finally {
    trace = await page.tracing.stop(); // or no other test could start it
  }
  const seconds = (performance.now() - started) / 1000;
  const frames = (await page.evaluate("frameTimes")) as number[];
  const gaps = frames.slice(1).map((now, i) => now - (frames[i] as number));
  expect(frames.length / seconds, "frames a second").toBeGreaterThan(30 / crowd());
  expect(spread(gaps).median, "the median between two frames, milliseconds").toBeLessThan(17.5 * crowd());
  const { traceEvents } = JSON.parse(new TextDecoder().decode(trace));
  const threads = new Map<string, string>();
  const tasks: number[] = [];
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  for (const event of traceEvents as TraceEvent[])
    if (event.name === "thread_name") threads.set(threadOf(event), event.args.name ?? "");
  for (const event of traceEvents as TraceEvent[])
    if (event.ph === "X" && event.name.endsWith("RunTask") && threads.get(threadOf(event)) === "CrRendererMain")
      tasks.push((event.tdur ?? event.dur ?? 0) / 1000);
  expect(tasks.length, "tasks seen").toBeGreaterThan(100);
  expect(Math.max(...tasks), "the longest task, milliseconds").toBeLessThan(50);
}

/** Draws on the pad; places are shares of it. */
async function draw(
  page: Page,
  places: readonly (readonly [number, number])[],
  by: "mouse" | "finger" = "mouse",
): Promise<void> {
  const pad = (await page.$("#pad"))!;
  await pad.scrollIntoView();
  const box = (await pad.boundingBox())!;
  const [first, ...rest] = places.map(([x, y]) => [box.x + x * box.width, box.y + y * box.height] as const);
  if (by === "finger") {
    await page.touchscreen.touchStart(...first!);
    for (const place of rest) await page.touchscreen.touchMove(...place);
    await page.touchscreen.touchEnd();
    return;
  }
  await page.mouse.move(...first!);
  await page.mouse.down();
  for (const place of rest) await page.mouse.move(...place, { steps: 5 });
  await page.mouse.up();
}

const one = [[0.52, 0.2], [0.5, 0.5], [0.48, 0.8]] as const; // biome-ignore format: a stroke

/** The first layer's filters, then the maps of each layer, as pictures. */
const pictures = (page: Page) =>
  page.$$eval(".pictures canvas", (list) => list.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()));

test("a CNN learns while the page stays free, and recognises a digit that is drawn", async () => {
  const { page, logged } = await open("task=mnist-cnn&images=4000&length=3");
  await textOf(page, "#status", "Ready");
  await staysFree(page, async () => {
    await page.click("#start");
    expect(await firstLosses(page), "seconds from the click to the first steps").toBeLessThan(3 * crowd());
    await textOf(page, "#status", "Done");
    await textOf(page, '[data-stat="Test accuracy"]', "9"); // though what tests it is out of view
  });
  await page.$eval("#see", (heading) => heading.scrollIntoView());
  const tested = await textOf(page, "#tested", "9");
  expect(await statOf(page, "Test accuracy")).toBeGreaterThan(90);
  const cells = await page.$$eval(".confusion td", (list) => list.map((e) => Number(e.textContent)));
  expect(cells.reduce((a, b) => a + b)).toBe(Number(/of ([\d,]+) test/.exec(tested)?.[1]?.replace(",", "")));
  await page.waitForSelector(".mistakes li");

  await page.waitForFunction(() => document.querySelectorAll(".pictures canvas").length === 5);
  const ofTest = await pictures(page);
  await draw(page, one);
  await textOf(page, "#verdict", "It looks like a 1.");
  const filtersAlone = [true, false, false, false, false]; // stay: the maps are of the drawing now
  await expect.poll(async () => (await pictures(page)).map((url, i) => url === ofTest[i])).toEqual(filtersAlone);
  await page.focus("#clear");
  await page.keyboard.press("Enter");
  await textOf(page, "#verdict", "Draw a digit");
  expect(await seriousOf(page)).toEqual([]);
  expect(logged).toEqual([]);
  await page.close();
});

test("while it trains: speed, time left, the loss raw and smoothed; filters and maps change; a finger draws", async () => {
  const { page, logged } = await open("task=mnist-cnn&images=4000&length=20000");
  await textOf(page, "#status", "Ready");
  await page.click("#start");
  await firstLosses(page);
  const stat = (name: string) => page.$eval(`[data-stat="${name}"]`, (e) => e.textContent ?? "");
  expect(await stat("Speed")).toMatch(/^[\d,.]+( k| M)? images\/s$/);
  expect(await stat("Time left")).toMatch(/^\d+ min \d+ s$/);
  const legend = () =>
    page.$eval("#charts .chart", (chart) =>
      [...chart.querySelectorAll(".u-series")].map((row) => row.textContent?.trim() ?? ""),
    );
  const shown = [/^step[\d,]+$/, /^raw[\d.e-]+$/, /^smoothed[\d.e-]+$/].map((text) => expect.stringMatching(text));
  await expect.poll(legend, { timeout: 20_000 }).toEqual(shown);
  const different = async () => new Set((await legend()).map((text) => text.replace(/^[a-z]+/, ""))).size;
  await expect.poll(different, { timeout: 20_000, message: "the smoothed loss is another curve" }).toBe(3);

  await page.$eval(".pictures", (place) => place.scrollIntoView({ block: "end" })); // what lies below is not looked at
  await page.waitForFunction(() => document.querySelectorAll(".pictures canvas").length === 5);
  const first = await pictures(page);
  const changed = async () => (await pictures(page)).map((url, i) => url !== first[i]);
  await expect.poll(changed, { timeout: 60_000 }).toEqual([true, true, true, true, true]);
  expect(await textOf(page, "#status", "Training")).toBe("Training");

  await draw(page, one, "finger");
  await textOf(page, "#verdict", "It looks like a 1.");
  const clear = (await page.$("#clear"))!;
  await clear.tap();
  await textOf(page, "#verdict", "Draw a digit");
  expect(await textOf(page, "#status", "Training")).toBe("Training");
  expect(logged).toEqual([]);
  await page.close();
});

test("pause holds it, resume goes on, step makes one, reset begins anew with the same numbers", async () => {
  const { page, logged } = await open("task=mnist-mlp&images=12000&length=20&seed=7");
  const losses = async () => {
    await textOf(page, "#status", "Ready");
    await page.click("#step");
    await textOf(page, "#status", "Ready, at step 1");
    expect(await page.$eval("#progress", (bar) => (bar as HTMLProgressElement).value)).toBeCloseTo(1 / 3740);
    return statOf(page, "Loss");
  };
  const first = await losses();
  await page.click("#start");
  await textOf(page, "#start", "Pause");
  await page.waitForFunction(() => Number(document.querySelector<HTMLProgressElement>("#progress")?.value) > 0);
  await page.keyboard.press("Space"); // it has the focus, and keeps it
  const paused = await textOf(page, "#status", "Paused at step");
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await textOf(page, "#status", "Paused at step")).toBe(paused);
  expect(await page.$eval("#fields", (fields) => (fields as HTMLFieldSetElement).disabled)).toBe(true);
  await page.click("#step");
  await textOf(page, "#status", `Paused at step ${(stepOf(paused) + 1).toLocaleString("en")}`);
  const before = await statOf(page, "Epoch");
  await page.focus("#start");
  await page.keyboard.press("Space");
  await textOf(page, "#status", "Training");
  await page.waitForFunction(
    (before) => Number(document.querySelector('[data-stat="Epoch"]')?.textContent) > before,
    {},
    before,
  );
  await page.click("#reset");
  expect(await losses()).toBe(first);
  expect(logged).toEqual([]);
  await page.close();
});

test("what cannot be trained is not begun; what goes wrong is said, until there is another try", async () => {
  const { page, logged } = await open("task=netbp&batch=64&learningRate=abc&optimizer=toString");
  await textOf(page, "#status", "Ready");
  const chosen = () =>
    page.$$eval("#batch, #optimizer, #learningRate", (list) => list.map((e) => "value" in e && e.value));
  expect(await chosen(), "in place of what is none").toEqual(["10", "adam", "0.02"]);
  const choose = async (learningRate: string, task = "netbp") => {
    await page.select("#task", task);
    await page.$eval(
      "#learningRate",
      (input, rate) => {
        (input as HTMLInputElement).value = rate;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      },
      learningRate,
    );
  };
  await choose("");
  await page.click("#step");
  await page.click("#reset");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await textOf(page, "#status", "Ready")).toBe("Ready");

  await choose("1e30", "mnist-mlp");
  await textOf(page, "#status", "Ready");
  await page.click("#clear + button");
  await textOf(page, "#verdict", "Not trained yet, it guesses");
  await page.click("#start");
  expect(await textOf(page, ".banner.error p", "fit: ")).toContain("lower the learning rate");
  await choose("0.01");
  await textOf(page, "#status", "Ready");
  expect(await page.$$(".banner")).toEqual([]);
  expect(logged).toEqual([]);
  await page.close();
});

test("when the worker loses its device, it says so and training resumes", async () => {
  const { page, logged } = await open("task=mnist-mlp&images=2000&length=12");
  await textOf(page, "#status", "Ready");
  await page.click("#start");
  await firstLosses(page);
  await page.$eval("#lose", (button) => (button as HTMLButtonElement).click());
  await textOf(page, ".banner h2", "The GPU was lost");
  await textOf(page, "#status", "Done: 372 steps");
  expect(await statOf(page, "Accuracy")).toBeGreaterThan(95);
  expect(logged).toEqual([]);
  await page.close();
});

/** Blue less red of the decision boundary's picture beside a point of each class. */
const classColours = (page: Page) =>
  page.$eval("canvas.boundary", (element) => {
    const { width, height } = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
    copy.drawImage(element as HTMLCanvasElement, 0, 0);
    return [[0.1, 0.16], [0.9, 0.26]].map(([x, y]) => {
      const [red, , blue] = copy.getImageData(x! * width, (1 - y!) * height, 1, 1).data;
      return blue! - red!;
    });
  }); // biome-ignore format: a point a class

test("every other task begins soon after the click and shows what it learns, while the page stays free", async () => {
  const { page, logged } = await open("task=netbp&length=3000");
  const begin = async (task: string, length?: number) => {
    await page.evaluate(
      (task, length) => {
        document.querySelector<HTMLButtonElement>("#reset")!.click();
        for (const [id, value] of Object.entries({ task, length })) {
          if (!value) continue;
          const field = document.querySelector<HTMLInputElement | HTMLSelectElement>(`#${id}`)!;
          field.value = String(value);
          field.dispatchEvent(new Event("change", { bubbles: true }));
        }
      },
      ...([task, length] as const),
    );
    await start(task);
  };
  const start = async (task: string) => {
    await textOf(page, "#status", "Ready");
    await page.click("#start");
    expect(await firstLosses(page), `${task}: seconds from the click to the first steps`).toBeLessThan(3 * crowd());
    await page.$eval("#panels", (panels) => panels.scrollIntoView());
  };
  const appears = (selector: string) => page.waitForSelector(selector, { timeout: 60_000 });
  await textOf(page, "#status", "Ready");
  await staysFree(page, async () => {
    await start("netbp");
    await textOf(page, "#status", "Done");
    const parted = [expect.toSatisfy((v) => v > 40), expect.toSatisfy((v) => v < -40)];
    await expect.poll(() => classColours(page), { timeout: 20_000 }).toEqual(parted);
    await appears(".spread");

    for (const task of ["mnist-mlp", "mnist-lstm"]) {
      await begin(task);
      await appears(".mistakes li");
    }

    await begin("char-rnn", 8);
    await appears(".written .prompt");
    expect((await page.$eval(".written", (p) => p.textContent ?? "")).length).toBe(48 + 200);

    await begin("adding", 8);
    await textOf(page, "#status", "Done");
    expect(await textOf(page, "#flow", "RNN: the first step gets")).toMatch(/LSTM: the first step gets/);
  });
  expect(await seriousOf(page)).toEqual([]);
  expect(logged).toEqual([]);
  await page.close();
});

test("without WebGPU it says what to switch on, and trains the small tasks on the CPU", async () => {
  const start = await site.open("index.html", withoutWebGpu);
  await textOf(start.page, ".banner h2", "This browser gives no WebGPU");
  await textOf(start.page, "#live-status", "Step"); // its net trains all the same
  expect(start.logged).toEqual([]);
  await start.page.close();

  const { page, logged } = await open("length=4000", withoutWebGpu);
  expect(await textOf(page, ".banner h2", "This browser gives no WebGPU")).toBeTruthy();
  expect(await page.$eval(".banner", (banner) => banner.textContent)).toContain("chrome://flags/#enable-unsafe-webgpu");
  await textOf(page, "#status", "Ready");
  expect(await page.$eval("#adapter", (e) => e.textContent)).toBe("CPU reference (float64)");
  await page.$eval("#panels", (panels) => panels.scrollIntoView());
  await staysFree(page, async () => {
    await page.$eval("#start", (button) => (button as HTMLButtonElement).click());
    await textOf(page, "#status", "Done");
  });
  expect(await statOf(page, "Loss")).toBeLessThan(0.1);

  await page.select("#task", "mnist-mlp");
  await textOf(page, "#status", "Ready");
  await staysFree(page, async () => {
    await page.click("#start");
    expect(await firstLosses(page), "seconds from the click to the first steps").toBeLessThan(3 * crowd());
    await page.$eval("#panels", (panels) => panels.scrollIntoView());
    await page.waitForSelector(".mistakes li");
    await textOf(page, '[data-stat="Test accuracy"]', "8", "9");
  });
  expect(logged).toEqual([]);
  await page.close();
});
