// The guides do what they say: the pieces of each are one script, which runs on WebGPU.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as wgrad from "wgrad";
import * as io from "wgrad/io";
import * as runtime from "wgrad/runtime";
import { root } from "../../src/cli/browsers.mjs";
import { createGpu } from "../../src/cli/dawn.ts";
import { apply, type Tensor } from "../../src/tensor.ts";

type Values = Readonly<Record<string, unknown>>;

const names = { ...runtime, ...io, ...wgrad };

const blocks = (guide: string): string[] =>
  [...readFileSync(join(root, `docs/guides/${guide}.md`), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
    ([, code]) => code as string,
  );

/** Runs a guide's script. Gives the values of these names in it, and what it told the console. */
async function follow(pieces: readonly string[], given: Values, wanted: readonly string[]) {
  const { outputText } = ts.transpileModule(pieces.join("\n").replace(/^import .*$/gm, ""), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const said: unknown[][] = [];
  const scope: Values = { ...names, ...given, console: { log: (...values: unknown[]) => said.push(values) } };
  const script = `const { ${Object.keys(scope)} } = scope;
    return (async () => { ${outputText}; return { ${wanted.join()} }; })();`;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the guide makes
  const made: Record<string, any> = await new Function("scope", script)(scope);
  return { made, said };
}

let device: wgrad.GpuDevice;
beforeAll(async () => {
  const gpu = await createGpu();
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  device = await wgrad.Device.request();
});
afterAll(() => device.dispose());

/** Images of bright rows, labelled by the row. */
const train = {
  x: wgrad.ndarray(wgrad.u8(256, 28, 28, 1), (i) =>
    Math.floor((i % 784) / 28) === 2 * (Math.floor(i / 784) % 10) ? 200 : 0,
  ),
  y: wgrad.ndarray(wgrad.u8(256), (i) => i % 10),
};

test("getting started", async () => {
  const { made, said } = await follow(blocks("getting-started"), {}, [
    "device",
    "fitted",
    "accuracy",
    "logits",
    "weights",
  ]);
  expect(made.device.kind).toBe("gpu");
  expect(said[0]).toMatchObject([{ dtype: "f32", shape: [2, 2] }]);
  expect([...(said[0] as [wgrad.NdArray])[0].data]).toEqual([4, 10, 4, 19]);
  expect(made.fitted.slope.data[0]).toBeCloseTo(3, 3);
  expect(made.fitted.offset.data[0]).toBeCloseTo(0.5, 3);
  expect(made.accuracy).toBeGreaterThan(0.95);
  expect(made.logits.shape).toEqual([1, 2]);
  expect(made.weights.length).toBeGreaterThan(1000);
  made.device.dispose();
});

test("performance", async () => {
  const { made, said } = await follow(blocks("performance"), { device }, ["step", "profile", "trace"]);
  expect(wgrad.printPlan(made.step.plan)).toContain("softmaxCrossEntropy");
  expect(made.profile.dispatches.length).toBe(made.step.plan.dispatches.length);
  expect(JSON.parse(made.trace).traceEvents.length).toBeGreaterThan(0);
  expect(said.at(-1)).toEqual([128]);
});

test("from PyTorch", async () => {
  const { made, said } = await follow(blocks("from-pytorch"), { device, train }, ["trainer", "residual", "file"]);
  expect(made.trainer.step).toBe(4);
  expect(said.length).toBeGreaterThan(0);
  const { variables } = wgrad.nn.initialise(made.residual, wgrad.nn.keyOf(1), wgrad.f32(3, 28, 28, 1));
  expect(Object.keys(variables.params)).toEqual(["first", "second", "last"]);
  expect([...io.readSafetensors(made.file).types.keys()].sort()).toEqual(["0.bias", "0.weight", "4.bias", "4.weight"]);
});

test("from TensorFlow.js", async () => {
  const { made, said } = await follow(blocks("from-tfjs"), { device, train }, ["trainer"]);
  expect(made.trainer.step).toBe(4);
  expect(said.at(-1)?.[0]).toBeLessThan(1e-3);
});

describe("writing an op", () => {
  const [first, row, , file] = blocks("writing-an-op") as [string, string, string, string];

  test("as a function", async () => {
    const { made, said } = await follow([first], { device }, ["program", "relativeError"]);
    expect(made.program.plan.dispatches).toHaveLength(1);
    expect(made.relativeError).toBeLessThan(1e-7);
    expect(said).toHaveLength(1);
  });

  /** The op that a piece of the guide defines, as if it were a file of src/ops. */
  async function opOf(name: string, code: string) {
    const path = join(mkdtempSync(join(tmpdir(), "wgrad-guide-")), `${name}.ts`);
    writeFileSync(
      path,
      code.replace(/"(\.\.?\/[^"]+)"/g, (_, target) => `"${join(root, "src/ops", target)}"`),
    );
    try {
      const { [name]: op } = await import(/* @vite-ignore */ path);
      return (x: Tensor, params = {}): Tensor => apply(op, [x], params)[0] as Tensor;
    } finally {
      rmSync(dirname(path), { recursive: true });
    }
  }

  async function check(f: (x: Tensor) => Tensor, values: wgrad.NdArray): Promise<void> {
    expect(wgrad.checkGradients(f, [values]).relativeError).toBeLessThan(1e-7);
    const types = { x: { dtype: values.dtype, shape: values.shape } };
    const results = await Promise.all(
      ([device, wgrad.Device.cpu()] as wgrad.Device[]).map(async (on) => {
        const program = await on.compile(({ x }: { x: Tensor }) => ({ y: f(x) }), types);
        return program.run(on.put({ x: values })).y.read();
      }),
    );
    const [got, want] = results as [wgrad.NdArray, wgrad.NdArray];
    expect(got.data).toHaveLength(want.data.length);
    for (const [i, w] of want.data.entries()) expect(got.data[i]).toBeCloseTo(w, 5);
  }

  const values = wgrad.ndarray(wgrad.f32(3, 5), (i) => (i % 2 ? 1 : -1) * (0.3 + i / 5));

  test("a row", async () => {
    const mish = await opOf(
      "mish",
      `import { unary } from "./define.ts";\nimport { specialFunctions } from "./special.ts";\n${row}`,
    );
    await check(mish, values);
  });

  test("a file", async () => {
    const norm1 = await opOf("norm1", file);
    await check((x) => norm1(x, { axes: [1] }), values);
  });
});
