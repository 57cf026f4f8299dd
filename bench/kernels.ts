// The kernels that are compared by themselves, with seeded inputs.
import { numel } from "../src/shape/types.ts";
import type { Kernel } from "./peers/contestant.ts";
import { generator } from "./values.ts";

type Row = readonly [
  name: string,
  kind: Kernel["kind"],
  a: readonly number[],
  b: readonly number[],
  multiplyAdds: number,
];

const [N, H, W, C, K] = [32, 28, 28, 16, 32];
const [x, w, dy] = [
  [N, H, W, C],
  [3, 3, C, K],
  [N, H, W, K],
] as const;
const convolution = numel(dy) * 9 * C;

const rows: readonly Row[] = [
  ...[256, 512, 1024].map((n): Row => [`matmul ${n}`, "matmul", [n, n], [n, n], n ** 3]),
  ["conv2d", "conv", x, w, convolution],
  ["conv2dInputGrad", "convInputGrad", dy, w, convolution],
  ["conv2dFilterGrad", "convFilterGrad", x, dy, convolution],
];

export const kernelNames: readonly string[] = rows.map(([name]) => name);

export function kernelOf(name: string): Kernel {
  const [, kind, a, b, multiplyAdds] = rows.find((row) => row[0] === name) as Row;
  const random = generator(7);
  const input = (shape: readonly number[]) => ({
    shape,
    data: Float32Array.from({ length: numel(shape) }, () => 2 * random() - 1),
  });
  return { name, kind, inputs: [input(a), input(b)], multiplyAdds };
}
