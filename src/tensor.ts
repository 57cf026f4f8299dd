// Tensor: one output of a node of a graph, with a static type. Its methods make new nodes; nothing is computed until a
// Device runs a compiled function. Types are checked when the method is called.
import { Node } from "./graph/node.ts";
import type { AnyOp, Params } from "./graph/op.ts";
import { ops } from "./ops/index.ts";
import { normaliseAxes } from "./shape/broadcast.ts";
import { type DType, type Shape, sameShape, type TensorType } from "./shape/types.ts";

/** A tensor, or a number that becomes a constant of the other operand's dtype. */
export type TensorLike = Tensor | number;

/** Applies an op: checks types, makes the node, returns its outputs. */
export function apply(op: AnyOp, inputs: readonly Tensor[], params: Params = {}): Tensor[] {
  const types = op.type(
    inputs.map((t) => t.type),
    params,
  );
  const node = new Node(op, inputs, params, types);
  return types.map((_, k) => new Tensor(node, k));
}

/** Every output of a node. */
export function outputsOf(node: Node): Tensor[] {
  return node.types.map((_, k) => new Tensor(node, k));
}

const one = (op: AnyOp, inputs: readonly Tensor[], params?: Params): Tensor => apply(op, inputs, params)[0] as Tensor;

/** A tensor of one repeated value. */
export const full = (type: TensorType, value: number): Tensor => one(ops.full, [], { type, value });

/** A tensor of known values, row-major. */
export const constant = (type: TensorType, data: readonly number[]): Tensor => one(ops.constant, [], { type, data });

export const isTensor = (x: unknown): x is Tensor => x instanceof Tensor;

export class Tensor {
  readonly node: Node;
  /** Which output of the node. */
  readonly output: number;

  constructor(node: Node, output: number) {
    this.node = node;
    this.output = output;
  }

  get type(): TensorType {
    return this.node.types[this.output] as TensorType;
  }
  get shape(): Shape {
    return this.type.shape;
  }
  get dtype(): DType {
    return this.type.dtype;
  }
  get rank(): number {
    return this.shape.length;
  }

  #like(x: TensorLike): Tensor {
    return typeof x === "number" ? full({ dtype: this.dtype, shape: [] }, x) : x;
  }
  zerosLike(): Tensor {
    return full(this.type, 0);
  }

  // ---- elementwise ----
  neg(): Tensor {
    return one(ops.neg, [this]);
  }
  exp(): Tensor {
    return one(ops.exp, [this]);
  }
  relu(): Tensor {
    return one(ops.relu, [this]);
  }
  add(b: TensorLike): Tensor {
    return one(ops.add, [this, this.#like(b)]);
  }
  mul(b: TensorLike): Tensor {
    return one(ops.mul, [this, this.#like(b)]);
  }
  greater(b: TensorLike): Tensor {
    return one(ops.greater, [this, this.#like(b)]);
  }
  /** This where `condition` holds, else `otherwise`. */
  where(condition: Tensor, otherwise: TensorLike): Tensor {
    return one(ops.where, [condition, this, this.#like(otherwise)]);
  }

  // ---- reductions ----
  sum(axes?: number | readonly number[], keepDims = false): Tensor {
    return this.#reduce(ops.sum, axes, keepDims);
  }
  #reduce(op: AnyOp, axes: number | readonly number[] | undefined, keepDims: boolean): Tensor {
    const list = normaliseAxes(op.name, axes, this.rank);
    const y = one(op, [this], { axes: list });
    return keepDims ? y.reshape(this.shape.map((n, d) => (list.includes(d) ? 1 : n))) : y;
  }

  // ---- views ----
  reshape(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : one(ops.reshape, [this], { shape: [...shape] });
  }
  /** Permutes the axes; without an argument swaps the last two. */
  transpose(permutation?: readonly number[]): Tensor {
    const r = this.rank;
    return one(ops.transpose, [this], {
      permutation: permutation ?? this.shape.map((_, d) => (d < r - 2 ? d : 2 * r - 3 - d)),
    });
  }
  broadcastTo(shape: Shape): Tensor {
    return sameShape(shape, this.shape) ? this : one(ops.broadcastTo, [this], { shape: [...shape] });
  }

  // ---- linear algebra ----
  matmul(b: Tensor): Tensor {
    return one(ops.matmul, [this, b]);
  }
}
