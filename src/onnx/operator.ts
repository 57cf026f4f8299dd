// How ONNX's operators are built: a node's arguments and attributes in, its outputs in order out. Errors that are thrown here say what is
// wrong with the operator; who builds it says which node it is.
import { FormatError, UnsupportedError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { Tensor } from "../tensor.ts";
import type { Attributes } from "./attributes.ts";

export interface Argument {
  /** Undefined where it holds nothing: there are no tensors without elements. */
  readonly tensor: Tensor | undefined;
  /** Where it is known when the graph is made. */
  readonly value: NdArray | undefined;
}

/** What operators may do while a graph is trained. */
export interface Training {
  /** u32[2], another one at each step and for each node. */
  readonly key: Tensor;
  /** Gives argument k, which is kept and not learned, its next value. */
  update(k: number, next: Tensor): void;
}

/** So much of something, in all of a graph: a small file may ask for a lot. */
export class Allowance {
  #left: number;
  constructor(most: number) {
    this.#left = most;
  }
  /** Takes it if there is so much left. */
  take(amount: number): boolean {
    const fits = amount <= this.#left;
    if (fits) this.#left -= amount;
    return fits;
  }
}

/** Cells of windows that take a tensor each, of all nodes together. */
export const mostCells = 2 ** 16;

interface OperatorNode {
  readonly arguments: readonly (Argument | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly string[];
  readonly opset: number;
  /** Default: of this operator alone. */
  readonly cells?: Allowance;
  readonly training?: Training | undefined;
}

export class Operator {
  readonly attributes: Attributes;
  readonly opset: number;
  /** Which outputs are asked for. */
  readonly outputs: readonly string[];
  readonly training: Training | undefined;
  readonly #arguments: readonly (Argument | undefined)[];
  readonly #cells: Allowance;

  constructor(node: OperatorNode) {
    this.#arguments = node.arguments;
    this.#cells = node.cells ?? new Allowance(mostCells);
    this.attributes = node.attributes;
    this.outputs = node.outputs;
    this.opset = node.opset;
    this.training = node.training;
  }

  /** Says that the operator reads so many cells one by one. */
  takeCells(count: number): void {
    if (!this.#cells.take(count))
      throw new UnsupportedError(
        `windows of ${count} cells, with gaps or over many axes, and with those before more than ${mostCells}`,
      );
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
    if (!argument) throw new FormatError(`argument ${k} is missing`);
    if (!argument.tensor) throw new UnsupportedError(`a tensor without elements ([${argument.value?.shape}])`);
    return argument.tensor;
  }
  maybe(k: number): Tensor | undefined {
    return this.has(k) ? this.get(k) : undefined;
  }
  /** All arguments from k on. */
  from(k: number): Tensor[] {
    return Array.from({ length: this.count - k }, (_, i) => this.get(k + i));
  }
  /** Those from k on that hold something. */
  filled(k: number): Tensor[] {
    return this.#arguments.slice(k).flatMap((argument) => argument?.tensor ?? []);
  }
  /** The values of an argument that has to be known when the graph is made: axes, shapes, a ratio. Undefined if there is none. */
  values(k: number): readonly number[] | undefined {
    const argument = this.#arguments[k];
    if (!argument) return undefined;
    if (!argument.value)
      throw new UnsupportedError(
        `argument ${k} depends on the inputs' values, and must be known when the graph is made`,
      );
    return [...argument.value.data];
  }
  /** Whether the values of an argument are known. */
  knows(k: number): boolean {
    return this.#arguments[k]?.value !== undefined;
  }
}

/** Outputs in the operator's order; those that are not asked for may be left out. */
export type Builder = (n: Operator) => readonly (Tensor | undefined)[];

/** A builder of one output. */
export const one =
  (f: (n: Operator) => Tensor): Builder =>
  (n) => [f(n)];

/** An axis counted from the end if negative. */
export function axisOf(axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis > rank)
    throw new FormatError(`axis ${axis} is out of range for rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}
