// wgrad in other apps, in a real browser: each example does what it says, no byte of it goes through the CPU, and the host's validation is clean.
import { describe, expect, test } from "vitest";
import { thomas } from "../../examples/particles/flow.ts";
import { shapes } from "../../examples/three/shapes.ts";
import { type ExamplePage, withExample } from "./examplePage.ts";

/** Runs the example, counts over so many frames, and then looks into it: `read` is an expression in the page, of values that JSON can say. */
async function watched<T>(name: string, frames: number, read: string): Promise<{ before: T; after: T }> {
  return withExample(name, async (example) => {
    await example.frames(2);
    expect(await example.seen()).toMatchObject({ errors: [], scopes: 0 }); // of the set-up
    const before = (await example.page.evaluate(read)) as T;
    await example.reset();
    await example.frames(frames);
    const { copies, errors, scopes } = await example.seen();
    expect({ copies: copies.length, errors: errors.length, scopes }, `${copies} ${errors}`).toEqual({
      ...{ copies: 0, errors: 0, scopes: 0 },
    });
    const after = (await example.page.evaluate(read)) as T;
    // the watch does see: those reads, and a mistake
    await example.page.evaluate(mistake);
    const { copies: reads, errors: mistakes } = await example.seen();
    expect([reads.includes("mapAsync"), mistakes.length]).toEqual([true, 1]);
    return { before, after };
  });
}

const mistake = `(() => {
  const { gpu } = example.device;
  gpu.pushErrorScope("validation");
  gpu.createBuffer({ size: 4, usage: 0 });
  return gpu.popErrorScope().then(() => {});
})()`;

/** Reads of one moment: they are all submitted before the next frame. */
const together = (reads: Record<string, string>) => `(async () => {
  const { device, trainer, app, inputs, outputs } = example;
  const of = (shape, buffer, dtype = "f32") => device.wrap({ dtype, shape }, buffer).read();
  const step = trainer.step;
  const values = await Promise.all([${Object.values(reads).join()}]);
  const plain = (x) => x.data ? Array.from(x.data) : Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)]));
  return Object.fromEntries(${JSON.stringify(Object.keys(reads))}.map((k, i) => [k, plain(values[i])]).concat([["step", step]]));
})()`;

const losses = "trainer.state.history.read()";

type Layers = Record<string, { weight: readonly number[]; bias: readonly number[] }>;

/** A dense layer, by hand. */
function dense({ weight, bias }: Layers[string], x: readonly number[]): number[] {
  return bias.map((b, j) => x.reduce((sum, v, i) => sum + v * (weight[i * bias.length + j] as number), b));
}

const rows = (values: readonly number[], width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));

/** The mean loss of ten steps. */
const lossAt = (history: readonly number[], last: number): number =>
  rows(history, 2)
    .slice(last - 10, last)
    .reduce((sum, [loss]) => sum + (loss as number) / 10, 0);

const furthest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));

describe("no byte through the CPU, no error", () => {
  test("three.js draws the vertices where the net puts them", async () => {
    interface Moment {
      readonly positions: number[];
      readonly normals: number[];
      readonly time: [number];
      readonly rays: number[];
      readonly params: Layers;
      readonly history: number[];
      readonly step: number;
    }
    const { before, after } = await watched<Moment>(
      "three",
      12,
      together({
        ...{ positions: "outputs.positions.read()", normals: "outputs.normals.read()", time: "inputs.time.read()" },
        ...{ rays: "inputs.rays.read()", params: "trainer.params()", history: losses },
      }),
    );
    const { first, second, last } = after.params as Record<"first" | "second" | "last", Layers[string]>;
    const time = after.time[0] - 1 / 60; // it has gone on since
    const phase = (0.4 * time) % shapes.length;
    const near = shapes.map((_, k) => {
      const away = Math.abs(phase - k);
      return Math.max(0, Math.min(1, 1.25 - Math.min(away, shapes.length - away)));
    });
    const code = near.map((n) => n / near.reduce((a, b) => a + b));
    const directions = rows(after.rays, 3).slice(0, after.positions.length / 4);
    const expected = directions.flatMap((d) => {
      const hidden = dense(first, [...d, ...code]).map((v) => Math.sin(5 * v));
      const offset = dense(last, dense(second, hidden).map(Math.sin));
      const [x, y, z] = d.map((v, i) => v + offset[i]!) as [number, number, number];
      const [c, s] = [Math.cos(0.35 * time), Math.sin(0.35 * time)];
      return [x * c + z * s, y, z * c - x * s, 1];
    });
    expect(furthest(after.positions, expected)).toBeLessThan(2e-3);
    expect(furthest(after.positions, before.positions)).toBeGreaterThan(0.01);
    for (const [x, y, z] of rows(after.normals, 4)) expect(Math.hypot(x!, y!, z!)).toBeCloseTo(1, 3);
    expect(after.step).toBeGreaterThanOrEqual(before.step + 12 * 4);
    expect(lossAt(after.history, after.step)).toBeLessThan(0.7 * lossAt(after.history, 10));
  });

  test("particles move by what the net knows of the flow", async () => {
    interface Moment {
      readonly particles: number[];
      readonly velocities: number[];
      readonly params: Layers;
      readonly history: number[];
      readonly step: number;
    }
    const few = 512;
    const { before, after } = await watched<Moment>(
      "particles",
      30,
      together({
        ...{ particles: `of([${few}, 4], app.particles)`, velocities: `of([${few}, 3], app.velocities)` },
        ...{ params: "trainer.params()", history: losses },
      }),
    );
    const { first, second, last } = after.params as Record<"first" | "second" | "last", Layers[string]>;
    const velocities = rows(after.velocities, 3);
    let compared = 0;
    rows(after.particles, 4).forEach((p, i) => {
      if (p[3] === 2) return; // it has begun anew elsewhere
      const v = velocities[i] as number[];
      const start = v.map((speed, d) => p[d]! - 0.06 * speed);
      const net = dense(last, dense(second, dense(first, start).map(Math.sin)).map(Math.tanh));
      expect(furthest(net, v)).toBeLessThan(2e-3);
      compared++;
    });
    expect(compared).toBeGreaterThan(few / 2);
    expect(after.particles).not.toEqual(before.particles);
    expect(lossAt(after.history, after.step)).toBeLessThan(0.5 * lossAt(after.history, 10));
    // and the flow is the attractor's, more or less
    const off = (m: Moment) =>
      rows(m.velocities, 3).reduce((sum, v, i) => sum + furthest(v, thomas(rows(m.particles, 4)[i]!)), 0) / few;
    expect(off(after)).toBeLessThan(0.7 * off(before));
  });

  test("a net trains on the frames of a render target", async () => {
    const { before, after } = await watched<
      Record<"guesses" | "places" | "frames" | "history", number[]> & { step: number }
    >(
      "render-target",
      60,
      together({
        ...{ guesses: "of([16, 2], app.guesses)", places: "of([16, 2], app.places)" },
        ...{ frames: `of([16, 64, 64, 4], app.frames, "u8")`, history: losses },
      }),
    );
    expect(after.places).not.toEqual(before.places);
    // the frames are the pictures: opaque, and at its place a ball, brighter than the bars
    expect(after.frames.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
    const brightness = (n: number, [x, y]: readonly number[]) => {
      const at = 4 * (64 * 64 * n + 64 * Math.floor(64 * y!) + Math.floor(64 * x!));
      return Math.max(...after.frames.slice(at, at + 3));
    };
    const balls = rows(after.places, 2).map((place, n) => brightness(n, place));
    expect(Math.min(...balls)).toBeGreaterThan(90);
    const distance = (m: typeof after) =>
      rows(m.guesses, 2).reduce((sum, g, n) => sum + Math.hypot(...g.map((v, i) => v - m.places[2 * n + i]!)), 0) / 16;
    expect(distance(after)).toBeLessThan(0.6 * distance(before));
    expect(lossAt(after.history, after.step)).toBeLessThan(0.4 * (after.history[0] as number));
  });
});

test("the trainer in a worker is led from the page: runs, pauses, steps, stops, and hands over its weights", async () => {
  await withExample("worker", async ({ page }: ExamplePage) => {
    const until = (condition: string) => page.waitForFunction(condition, { timeout: 0 });
    const status = () => page.$eval("#status", (e) => e.textContent);
    await until("window.example !== undefined");
    expect(await status()).toMatch(/^Ready on .*: \d+ steps of 64 images an epoch\.$/);
    await page.click("#start");
    await until("example.losses.length >= 20");
    await page.click("#pause");
    await until("document.getElementById('status').textContent === 'Paused.'");
    const paused = (await page.evaluate("example.losses.length")) as number;
    await page.click("#step");
    await until(`example.losses.length === ${paused + 1}`);
    const weights = await page.evaluate(
      `example.trainer.params().then(({ conv0 }) => [conv0.weight.shape, conv0.weight.data.length])`,
    );
    expect(weights).toEqual([[5, 5, 1, 8], 200]);
    const typed = `example.trainer.step(0).catch((error) => [error.name, error.message, error.constructor.name])`;
    expect(await page.evaluate(typed)).toEqual([
      "ValueError",
      expect.stringContaining("step: n must be"),
      "ValueError",
    ]);
    expect(await page.evaluate("example.losses.length")).toBe(paused + 1); // it stood still
    await page.click("#start"); // goes on
    await until(`example.losses.length >= ${paused + 20}`);
    await page.click("#stop");
    await until("document.getElementById('status').textContent.startsWith('Stopped')");
    const right = Number(/: ([\d.]+) % of 10000/.exec((await status()) as string)?.[1]);
    expect(right).toBeGreaterThan(50);
    expect(await page.$$eval("#filters canvas", (all) => all.length)).toBe(8);
    await page.evaluate("example.trainer.dispose()");
  });
});
