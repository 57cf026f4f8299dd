// The kernels that `bench kernels` times: functions of tensors with the types of their inputs.
import { vjp } from "../src/autodiff/backward.ts";
import * as optim from "../src/optim/index.ts";
import { f32, i32, type TensorType, u8, u32 } from "../src/shape/types.ts";
import { constant, type Tensor } from "../src/tensor.ts";
import { opCases } from "./ops.ts";
import { winograd } from "./winograd.ts";

export interface Case {
  readonly name: string;
  readonly group: string;
  readonly inputs: readonly TensorType[];
  readonly build: (...inputs: Tensor[]) => readonly Tensor[];
  /** Inputs are drawn from here to 1. Default: −1. */
  readonly low?: number;
  /** Far too slow for an adapter that runs on the CPU. */
  readonly large?: boolean;
}

type Build = (...inputs: Tensor[]) => Tensor | readonly Tensor[];

const makeCase = (group: string, name: string, inputs: readonly TensorType[], build: Build, large = false): Case => ({
  ...{ group, name, inputs, large },
  build: (...tensors) => [build(...tensors)].flat(),
});

function matmuls(m: number, k: number, n: number, large = false): Case[] {
  const of = (form: string, a: TensorType, b: TensorType, build: Build) =>
    makeCase("matmul", `matmul ${form} ${m}×${k}×${n}`, [a, b], build, large);
  return [
    of("NN", f32(m, k), f32(k, n), (a, b) => a!.matmul(b!)),
    of("NT", f32(m, k), f32(n, k), (a, b) => a!.matmul(b!.transpose())),
    of("TN", f32(k, m), f32(k, n), (a, b) => a!.transpose().matmul(b!)),
  ];
}

function convolutions(n: number, size: number, c: number, k: number, padding: "same" | "valid", large = false): Case[] {
  const out = padding === "same" ? size : size - 2;
  const [x, w, dy] = [f32(n, size, size, c), f32(3, 3, c, k), f32(n, out, out, k)];
  const at = `${n}×${size}×${size}×${c}→${k} ${padding}`;
  return [
    makeCase("convolution", `conv2d ${at}`, [x, w], (x, w) => x!.conv2d(w!, { padding }), large),
    makeCase(
      "convolution",
      `conv2dInputGrad ${at}`,
      [dy, w],
      (dy, w) => dy!.conv2dInputGrad(w!, [size, size], { padding }),
      large,
    ),
    makeCase(
      "convolution",
      `conv2dFilterGrad ${at}`,
      [x, dy],
      (x, dy) => x!.conv2dFilterGrad(dy!, [3, 3], { padding }),
      large,
    ),
  ];
}

const besideWinograd = (c: number): Case[] => {
  const inputs = [f32(2, 30, 30, c), f32(3, 3, c, c)];
  return [
    makeCase("winograd", `conv2d 2×30×30×${c}→${c}, direct`, inputs, (x, w) => x!.conv2d(w!)),
    makeCase("winograd", `conv2d 2×30×30×${c}→${c}, Winograd`, inputs, (x, w) => winograd(x!, w!)),
  ];
};

const million = 1 << 20;
const vector = f32(million);
const matrix = f32(1024, 1024);

const adam: Build = (p, g, m, v, step) => {
  const result = optim
    .adam({ learningRate: 1e-3 })
    .update({ p: g! }, { p: p! }, { m: { p: m! }, v: { p: v! } }, step!) as unknown as {
    params: { p: Tensor };
    state: Record<"m" | "v", { p: Tensor }>;
  };
  return [result.params.p, result.state.m.p, result.state.v.p];
};

/** Every op at its typical size. */
const ops = Object.entries(opCases).map(
  ([name, { axis, typical, inputs, build, low = -1 }]): Case => ({
    ...{ name: `${name}, ${typical} ${axis}`, group: "ops", inputs: inputs(typical), low },
    build: (...tensors) => [build(...tensors)].flat(),
  }),
);

export const cases: readonly Case[] = [
  ...[256, 512, 1024].flatMap((n) => matmuls(n, n, n)),
  ...matmuls(4096, 4096, 4096, true),
  ...matmuls(64, 784, 128),
  ...matmuls(64, 128, 10),
  ...convolutions(64, 28, 1, 8, "valid"),
  ...convolutions(64, 13, 8, 16, "valid"),
  ...convolutions(32, 28, 16, 32, "same"),
  ...convolutions(64, 56, 64, 64, "same", true),
  ...besideWinograd(64),
  ...besideWinograd(128),
  makeCase("training", "take 64 of 10000×784 u8", [u8(10_000, 784), i32(64)], (x, rows) =>
    x!
      .gather(rows!)
      .cast("f32")
      .mul(1 / 255),
  ),
  makeCase("training", "softmaxCrossEntropy and gradient 64×10", [f32(64, 10), i32(64)], (z, y) => {
    const loss = z!.softmaxCrossEntropy(y!);
    return [loss, ...vjp([loss], [constant(f32(), [1])], [z!])];
  }),
  { ...makeCase("training", "adam 1M", [vector, vector, vector, vector, u32()], adam), low: 0 },
  makeCase("reduction", "sum rows 1024²", [matrix], (a) => a!.sum(1)),
  makeCase("reduction", "sum columns 1024²", [matrix], (a) => a!.sum(0)),
  ...ops,
];

export const caseGroups: readonly string[] = [...new Set(cases.map((c) => c.group))];
