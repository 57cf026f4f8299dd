// Which part may know which: imports run one way, and some words are spoken in one folder only.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { Combine } from "../../src/graph/op.ts";
import * as ops from "../../src/ops/index.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** From the bottom up: a part imports from its own line and from those above it here. */
const layers: readonly (readonly string[])[] = [
  ["shape", "shaders", "indexedDb"],
  ["graph"],
  ["ops"],
  ["tensor", "compositions", "trace", "device"],
  ["autodiff"],
  ["plan", "cpu"],
  ["gpu"],
  ["nn", "optim", "train", "data", "io", "onnx"],
  ["devices", "index", "runtime", "worker"],
  ["cli"],
];

interface File {
  readonly path: string;
  /** The part it belongs to: a folder of src or a file in it, or shaders. */
  readonly part: string;
  readonly text: string;
}

const partOf = (path: string) =>
  path.startsWith("shaders/") ? "shaders" : (path.split("/")[1] as string).replace(/\.m?ts$/, "");

const files: File[] = ["src", "shaders"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?[jt]s$/.test(name))
    .map((name) => {
      const path = `${folder}/${name}`;
      return { path, part: partOf(path), text: readFileSync(join(root, path), "utf8") };
    }),
);

const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");

/** Imports of values, as paths in the project; a type that is imported leaves nothing behind. */
function importsOf({ path, text }: File): string[] {
  const statements = text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;]*?\sfrom\s+)?"(\.[^"]+)"/gm);
  return [...statements].map(([, target]) => relative(root, join(root, dirname(path), target as string)));
}

const layerOf = (part: string) => layers.findIndex((l) => l.includes(part));

test("every part has its place", () => {
  expect([...new Set(files.map((f) => f.part))].filter((part) => layerOf(part) < 0)).toEqual([]);
});

test("imports run one way", () => {
  const runtime = files.find((f) => f.path === "src/gpu/device.ts") as File;
  expect(importsOf(runtime)).toContain("src/plan/plan.ts"); // they are seen
  expect(importsOf(runtime)).not.toContain("src/device.ts"); // types are not
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => layerOf(partOf(target)) > layerOf(file.part))
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("the GPU and the reference do not know each other, nor do nn, data and io", () => {
  const strangers = [
    ["plan", "cpu"],
    ["cpu", "plan"],
    ["gpu", "cpu"],
    ["nn", "data"],
    ["nn", "train"],
    ["optim", "train"],
    ["optim", "nn"],
    ["data", "train"],
    ["nn", "io"],
    ["optim", "io"],
    ["data", "io"],
    ["io", "train"],
    ["io", "data"],
    ["io", "gpu"],
    ["nn", "onnx"],
    ["onnx", "train"],
    ["train", "onnx"],
  ] as const;
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => strangers.some(([from, to]) => file.part === from && partOf(target) === to))
      .map((target) => `${file.path} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("shaders import nothing of src: text in, text out", () => {
  const shaders = files.filter((f) => f.part === "shaders");
  expect(shaders.length).toBeGreaterThan(0);
  expect(shaders.flatMap(importsOf).filter((path) => path.startsWith("src/"))).toEqual([]);
});

test("op files import no other op's file, only what ops share", () => {
  const named = new Set(readdirSync(join(root, "src/ops")).map((name) => name.replace(".ts", "")));
  const shared = ["define", "axes", "counter", "custom", "special", "pool"];
  const wrong = files
    .filter((f) => f.part === "ops" && f.path !== "src/ops/index.ts")
    .flatMap((file) =>
      importsOf(file)
        .map((target) => target.replace(/^src\/ops\/|\.ts$/g, ""))
        .filter((target) => named.has(target) && !shared.includes(target))
        .map((target) => `${file.path} imports ${target}`),
    );
  expect(wrong).toEqual([]);
});

test("the planner and the GPU runtime name no op", () => {
  // words that are both: kinds of reduction, and the index arithmetic of graph/affine.ts
  const kinds: readonly (Combine | "div" | "mod")[] = ["sum", "max", "min", "argmax", "argmin", "maxSumExp", "div"];
  const names = Object.values(ops)
    .filter((op) => op.kernel.kind !== "source")
    .map((op) => op.name)
    .filter((name) => !(kinds as readonly string[]).includes(name));
  const wrong = files
    .filter((f) => f.part === "plan" || f.part === "gpu")
    .flatMap(({ path, text }) => [
      ...(text.includes("/ops/") ? [`${path} imports ops`] : []),
      ...[...code(text).matchAll(/["'`](\w+)["'`]/g)]
        .filter(([, word]) => names.includes(word as string))
        .map(([word]) => `${path} says ${word}`),
    ]);
  expect(names.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

test("GPUDevice is spoken of in gpu/ only", () => {
  const speakers = files.filter(({ text }) => /\bGPUDevice\b/.test(code(text))).map((f) => f.part);
  expect([...new Set(speakers)]).toEqual(["gpu"]);
});

test("the demo's pages use public names, and of bench what measures wgrad alone", () => {
  const text = (path: string) => readFileSync(join(root, path), "utf8");
  const read = (path: string): File => ({ path, part: partOf(path), text: text(path) });
  const { exports } = JSON.parse(text("package.json")) as { exports: Record<string, unknown> };
  const names = Object.keys(exports).map((name) => name.replace(/^\./, "wgrad"));
  const barrels = names.map((name) => `${name.replace("wgrad", "src")}/index.ts`);
  const pages = readdirSync(join(root, "demo"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.ts$/.test(name) && !name.startsWith("dist"))
    .map((name) => `demo/${name}`)
    .filter((path) => !["demo/vite.config.ts", "demo/shell.ts", "demo/mnistGz.ts"].includes(path)) // they run in Node
    .map(read);
  expect(pages.length).toBeGreaterThan(20);

  const shared = [...new Set(pages.flatMap(importsOf))].filter((target) => target.startsWith("bench/"));
  const reached = new Set(shared); // with what those import in turn
  for (const path of reached)
    for (const next of importsOf(read(path))) if (next.startsWith("bench/")) reached.add(next);
  expect([...reached]).toContain("bench/publicOps.ts");
  const helpers = [...reached].map(read);

  const wrong = (files: readonly File[], right: (target: string, path: string) => boolean) =>
    files.flatMap((file) =>
      importsOf(file)
        .filter((target) => !right(target, file.path))
        .map((target) => `${file.path} imports ${target}`),
    );
  const shares = (target: string, path: string) => path.startsWith("demo/benchmark/") && reached.has(target);
  expect(wrong(pages, (target, path) => target.startsWith("demo/") || shares(target, path))).toEqual([]);
  expect(wrong(helpers, (target) => reached.has(target) || barrels.includes(target))).toEqual([]);
  expect(pages.filter(({ text }) => /\bfrom "[./]+(src|shaders|test)\//.test(text))).toEqual([]); // nor types

  const packages = [...pages, ...helpers].flatMap(({ path, text }) =>
    [...text.matchAll(/\bfrom "([^."][^"]*)"/g)].map(([, name]) => ({ path, name: name as string })),
  );
  expect(packages.length).toBeGreaterThan(30);
  const known = [...names, "comlink", "katex", "uplot"];
  expect(packages.filter(({ name }) => !known.includes(name))).toEqual([]);
});
