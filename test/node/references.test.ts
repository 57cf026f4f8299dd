// What a gradient check cannot see: values at ties, in padding and at extremes, PyTorch's conventions, and the errors.
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/backward.ts";
import { batchNorm } from "../../src/compositions/norm.ts";
import { convTranspose2d } from "../../src/compositions/window.ts";
import { evaluate } from "../../src/cpu/evaluate.ts";
import { f32, i32, type TensorType } from "../../src/shape/types.ts";
import { constant, full, outputsOf, type Tensor } from "../../src/tensor.ts";

const values = (t: Tensor): number[] => [...evaluate([t], new Map())[0]!.data];
const row = (...x: number[]): Tensor => constant(f32(x.length), x);
const of = (type: TensorType, ...x: number[]): Tensor => constant(type, x);
const gradient = (y: Tensor, x: Tensor): number[] => values(vjp([y], [full(y.type, 1)], [x])[0]!);

describe("reductions", () => {
  test("max, min and their gradients take the first of equals, over any axes", () => {
    const x = of(f32(2, 3), 1, 7, 7, 7, 0, 0);
    expect(values(x.argmax())).toEqual([1]);
    expect(values(x.argmin())).toEqual([4]);
    expect(values(x.argmax(0))).toEqual([1, 0, 0]);
    expect(gradient(x.max(), x)).toEqual([0, 1, 0, 0, 0, 0]);
    expect(gradient(x.min(1), x)).toEqual([1, 0, 0, 0, 1, 0]);
  });

  test("no value to reduce", () => {
    expect(() => full(f32(3, 0), 1).sum(1)).toThrow("sum: nothing to reduce over axes [1] of f32[3,0]");
    expect(() => row(1).variance(0, false, 1)).toThrow("variance: too few values for the correction");
  });
});

describe("pooling", () => {
  const image = (...x: number[]) => of(f32(1, 3, 3, 1), ...x);

  test("padding is below every value, and the code is the position of the first maximum", () => {
    const x = image(-9, -8, -7, -6, -5, -4, -3, -2, -1);
    const y = x.maxPool2d(3, { stride: 2, padding: 1 });
    expect(values(y)).toEqual([-5, -4, -2, -1]);
    expect(values(outputsOf(y.node)[1]!)).toEqual([8, 7, 5, 4]);
    const ties = image(2, 2, 2, 2, 2, 2, 2, 2, 2);
    expect(gradient(ties.maxPool2d(2, { stride: 1 }), ties)).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 0]);
  });

  test("NaN wins", () => {
    expect(values(image(1, 2, 0, Number.NaN, 5, 0, 0, 0, 0).maxPool2d(2, { stride: 1 }))[0]).toBeNaN();
  });

  test("moves before a non-decreasing function and a bias", () => {
    const x = image(1, -2, 3, -4, 5, -6, 7, -8, 9);
    const y = x.add(row(-3)).relu().maxPool2d(2, { stride: 1 });
    expect(y.node.op.name).toBe("relu");
    expect(y.node.inputs[0]!.node.inputs[0]!.node.op.name).toBe("maxPool2d");
    expect(values(y)).toEqual([2, 2, 4, 6]);
  });

  test("cells beyond the padding never count in an average; padding does on request", () => {
    const x = image(...new Array<number>(9).fill(1));
    const options = {
      stride: 2,
      padding: [
        [0, 0],
        [1, 0],
      ] as const,
      ceilMode: true,
    };
    expect(values(x.avgPool2d(2, options))).toEqual([0.5, 1, 0.5, 1]);
    expect(values(x.avgPool2d(2, { ...options, countIncludePad: false }))).toEqual([1, 1, 1, 1]);
  });

  test("errors", () => {
    expect(() => row(1).maxPool2d(2)).toThrow("maxPool2d: x [N,H,W,C] must have rank 4, got f32[1]");
    expect(() => image(...new Array<number>(9).fill(1)).maxPool2d(2, { padding: 2 })).toThrow(
      "padding must be smaller",
    );
    expect(() => image(...new Array<number>(9).fill(1)).maxPool2d(4)).toThrow("(4 vs 3 in height)");
  });
});

describe("convolution", () => {
  const x = full(f32(1, 5, 5, 4), 1);

  test("sizes", () => {
    const shape = (options: Parameters<Tensor["conv2d"]>[1]) => x.conv2d(full(f32(3, 3, 4, 2), 1), options).shape;
    expect(shape({})).toEqual([1, 3, 3, 2]);
    expect(shape({ padding: "same", stride: 2 })).toEqual([1, 3, 3, 2]);
    expect(shape({ padding: 1, stride: [1, 2] })).toEqual([1, 5, 3, 2]);
    expect(shape({ dilation: 2 })).toEqual([1, 1, 1, 2]);
    expect(convTranspose2d(x, full(f32(3, 3, 2, 4), 1), { stride: 2, padding: 1, outputPadding: 1 }).shape).toEqual([
      1, 10, 10, 2,
    ]);
  });

  test("errors", () => {
    expect(() => x.conv2d(full(f32(3, 3, 3, 2), 1))).toThrow("conv2d: channels of x do not fit");
    expect(() => x.conv2d(full(f32(3, 3, 2, 3), 1), { groups: 2 })).toThrow("conv2d: 2 groups do not divide");
    expect(() => x.conv2d(full(f32(3, 3, 4, 2), 1), { stride: 0 })).toThrow("conv2d: stride [0,0]");
    expect(() => x.conv2d(full(f32(7, 3, 4, 2), 1))).toThrow("(7 vs 5 in height)");
  });
});

describe("softmax and cross-entropy", () => {
  test("extreme logits", () => {
    const x = of(f32(1, 3), 1e4, -1e4, 1e4);
    expect(values(x.softmax())).toEqual([0.5, 0, 0.5]);
    expect(values(x.logSoftmax())).toEqual([-Math.LN2, -2e4 - Math.LN2, -Math.LN2]);
    expect(gradient(x.softmaxCrossEntropy(of(i32(1), 1)), x)).toEqual([0.5, -1, 0.5]);
  });

  test("the mean is over the rows that count, by the weights of their labels", () => {
    const x = of(f32(3, 2), 0, 0, 0, Math.log(3), 5, 5);
    const label = of(i32(3), 0, 1, -100);
    const [a, b] = [Math.log(2), Math.log(4 / 3)];
    const loss = (options: Parameters<Tensor["softmaxCrossEntropy"]>[1]) =>
      values(x.softmaxCrossEntropy(label, { ignoreIndex: -100, ...options }));
    expect(loss({ reduction: "none" })).toEqual([a, expect.closeTo(b, 12), 0]);
    expect(loss({})[0]).toBeCloseTo((a + b) / 2, 12);
    expect(loss({ classWeights: row(1, 3) })[0]).toBeCloseTo((a + 3 * b) / 4, 12);
    expect(
      gradient(x.softmaxCrossEntropy(label, { ignoreIndex: -100 }), x)
        .slice(4)
        .map(Math.abs),
    ).toEqual([0, 0]);
  });

  test("errors", () => {
    const x = of(f32(1, 3), 1, 2, 3);
    expect(() => values(x.softmaxCrossEntropy(of(i32(1), 3)))).toThrow("label 3 of row 0 is no class (3 vs 0 … 2)");
    expect(() => x.softmaxCrossEntropy(of(i32(2), 0, 1))).toThrow("one label a row");
    expect(() => x.softmaxCrossEntropy(row(1, 2, 3))).toThrow("probabilities must have the shape of the logits");
    expect(() => x.softmaxCrossEntropy(of(i32(1), 0), { classWeights: row(1) })).toThrow("classWeights");
  });
});

test("batch norm normalises by the biased variance and keeps the unbiased", () => {
  const x = of(f32(2, 1), 1, 3);
  const { y, running } = batchNorm(
    x,
    { mean: row(0), variance: row(1) },
    { training: true, epsilon: 0, momentum: 0.1 },
  );
  expect(values(y)).toEqual([-1, 1]);
  expect(values(running.mean)[0]).toBeCloseTo(0.2, 12);
  expect(values(running.variance)[0]).toBeCloseTo(0.9 + 0.1 * 2, 12);
});
