// How the builders of onnx-node are written: an operator's arguments in, its outputs in order out.
import type { NdArray } from "../../../shape/ndarray.ts";
import type { Tensor } from "../../../tensor.ts";
import type { Attributes } from "../attributes.ts";
import { CaseError, Unsupported } from "../case.ts";

export interface Argument {
  /** Undefined where it holds nothing: there are no tensors without elements. */
  readonly tensor: Tensor | undefined;
  readonly array: NdArray;
}

export class Operator {
  readonly attributes: Attributes;
  readonly opset: number;
  /** Which outputs are asked for. */
  readonly outputs: readonly string[];
  readonly #arguments: readonly (Argument | undefined)[];

  constructor(
    given: readonly (Argument | undefined)[],
    attributes: Attributes,
    outputs: readonly string[],
    opset: number,
  ) {
    this.#arguments = given;
    this.attributes = attributes;
    this.outputs = outputs;
    this.opset = opset;
  }

  get count(): number {
    return this.#arguments.length;
  }
  has(k: number): boolean {
    return this.#arguments[k] !== undefined;
  }
  /** Argument k. */
  get(k: number): Tensor {
    const argument = this.#arguments[k];
    if (!argument) throw new CaseError(`argument ${k} is missing`);
    if (!argument.tensor) throw new Unsupported(`a tensor without elements ([${argument.array.shape}])`);
    return argument.tensor;
  }
  maybe(k: number): Tensor | undefined {
    return this.has(k) ? this.get(k) : undefined;
  }
  /** All arguments from k on. */
  from(k: number): Tensor[] {
    return Array.from({ length: this.count - k }, (_, i) => this.get(k + i));
  }
  /** The values of an argument that has to be known when the graph is made: axes, shapes, a ratio. */
  values(k: number): readonly number[] | undefined {
    const array = this.#arguments[k]?.array;
    return array && [...array.data];
  }
}

/** Outputs in the operator's order; those that are not asked for may be left out. */
export type Builder = (n: Operator) => readonly (Tensor | undefined)[];

/** Spatial arguments [h_begin, w_begin, h_end, w_end] as [begin, end] of each axis. */
export function sides(pads: readonly number[]): (readonly [number, number])[] {
  const rank = pads.length / 2;
  return Array.from({ length: rank }, (_, d) => [pads[d]!, pads[d + rank]!] as const);
}

/** [begin, end] of a total: the odd cell at the end for SAME_UPPER, else at the beginning. */
export function shared(total: number, upper: boolean): readonly [number, number] {
  const half = Math.floor(total / 2);
  return upper ? [half, total - half] : [total - half, half];
}

/** The padding of a window over axes of these sizes, by the attributes pads or auto_pad. */
export function paddingOf(
  a: Attributes,
  sizes: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): readonly (readonly [number, number])[] {
  const auto = a.text("auto_pad", "NOTSET");
  if (auto === "NOTSET") return sides(a.numbers("pads", Array(2 * kernel.length).fill(0)));
  if (auto === "VALID") return kernel.map(() => [0, 0] as const);
  if (auto !== "SAME_UPPER" && auto !== "SAME_LOWER") throw new Unsupported(`auto_pad ${auto}`);
  return kernel.map((k, d) => {
    const windows = Math.ceil(sizes[d]! / stride[d]!);
    const total = (windows - 1) * stride[d]! + dilation[d]! * (k - 1) + 1 - sizes[d]!;
    return shared(Math.max(total, 0), auto === "SAME_UPPER");
  });
}

/** An axis counted from the end if negative. */
export function axisOf(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis > rank)
    throw new CaseError(`axis ${axis} is out of range for rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}
