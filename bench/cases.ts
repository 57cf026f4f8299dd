// The kernels that `bench kernels` times: functions of tensors with the types of their inputs.
import { vjp } from "../src/autodiff/backward.ts";
import * as optim from "../src/optim/index.ts";
import { f32, i32, type TensorType, u8, u32 } from "../src/shape/types.ts";
import { constant, randomBits, type Tensor } from "../src/tensor.ts";
import { lstm } from "./lstm.ts";

export interface Case {
  readonly name: string;
  readonly group: string;
  readonly inputs: readonly TensorType[];
  readonly build: (...inputs: Tensor[]) => readonly Tensor[];
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

const million = 1 << 20;
const vector = f32(million);
const matrix = f32(1024, 1024);
const images = f32(64, 26, 26, 8);
const pooled = f32(64, 13, 13, 8);

const adam: Build = (p, g, m, v, step) => {
  const result = optim
    .adam({ learningRate: 1e-3 })
    .update({ p: g! }, { p: p! }, { m: { p: m! }, v: { p: v! } }, step!) as unknown as {
    params: { p: Tensor };
    state: Record<"m" | "v", { p: Tensor }>;
  };
  return [result.params.p, result.state.m.p, result.state.v.p];
};

const lstmParts: Build = (x, wx, wh, bias) =>
  lstm(128).apply({ params: { wx: wx!, wh: wh!, bias: bias! }, state: {} }, x!, { training: true, key: x! }).y;

export const cases: readonly Case[] = [
  ...[256, 512, 1024].flatMap((n) => matmuls(n, n, n)),
  ...matmuls(4096, 4096, 4096, true),
  ...matmuls(64, 784, 128),
  ...matmuls(64, 128, 10),
  ...convolutions(64, 28, 1, 8, "valid"),
  ...convolutions(64, 13, 8, 16, "valid"),
  ...convolutions(32, 28, 16, 32, "same"),
  ...convolutions(64, 56, 64, 64, "same", true),
  makeCase("elementwise", "add 1M", [vector, vector], (a, b) => a!.add(b!)),
  makeCase("elementwise", "relu 1M", [vector], (a) => a!.relu()),
  makeCase("elementwise", "tanh 1M", [vector], (a) => a!.tanh()),
  makeCase("elementwise", "gelu 1M", [vector], (a) => a!.gelu()),
  makeCase("elementwise", "transpose 1024²", [matrix], (a) => a!.transpose()),
  makeCase("elementwise", "random bits 1M", [u32(2)], (key) => randomBits(key!, [million])),
  makeCase("elementwise", "take 64 of 10000×784 u8", [u8(10_000, 784), i32(64)], (x, rows) =>
    x!
      .gather(rows!)
      .cast("f32")
      .mul(1 / 255),
  ),
  makeCase("reduction", "sum 1M", [vector], (a) => a!.sum()),
  makeCase("reduction", "sum rows 1024²", [matrix], (a) => a!.sum(1)),
  makeCase("reduction", "sum columns 1024²", [matrix], (a) => a!.sum(0)),
  makeCase("reduction", "argmax rows 1024²", [matrix], (a) => a!.argmax(-1)),
  makeCase("softmax", "softmax 1024²", [matrix], (a) => a!.softmax()),
  makeCase("softmax", "softmaxCrossEntropy 64×10", [f32(64, 10), i32(64)], (z, y) => {
    const loss = z!.softmaxCrossEntropy(y!);
    return [loss, ...vjp([loss], [constant(f32(), [1])], [z!])];
  }),
  makeCase("pooling", "maxPool2d 64×26×26×8", [images], (x) => x!.maxPool2d(2)),
  makeCase("pooling", "maxPool2d and gradient 64×26×26×8", [images, pooled], (x, dy) =>
    vjp([x!.maxPool2d(2)], [dy!], [x!]),
  ),
  makeCase("pooling", "avgPool2d 64×26×26×8", [images], (x) => x!.avgPool2d(2)),
  makeCase("optimizer", "adam 1M", [vector, vector, vector, vector, u32()], adam),
  makeCase("recurrence", "lstm T 28, B 64, H 128", [f32(64, 28, 28), f32(28, 512), f32(128, 512), f32(512)], lstmParts),
];

export const caseGroups: readonly string[] = [...new Set(cases.map((c) => c.group))];
