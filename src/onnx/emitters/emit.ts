// How ops are written as nodes of ONNX.
import type { Node } from "../../graph/node.ts";
import type { Tensor } from "../../tensor.ts";
import { type AttributeValues, type Emitter, identity, type Order, outputOf } from "../emitter.ts";

/** Writes a node, whose inputs are there, and says under which names its outputs are found. */
export type Emit = (e: Emitter, node: Node) => void;

/** What is written in the place of a node: from which tensors, and how. */
export interface Plan {
  readonly inputs: readonly Tensor[];
  emit(e: Emitter): void;
}

/** Finds nodes that ONNX has one operator for; undefined where the node is not the last of such. */
export type Fusion = (node: Node, e: Emitter) => Plan | undefined;

/** The inputs of a tensor's node, if it is of this op. */
export const inputsIf = (t: Tensor | undefined, op: string): readonly Tensor[] | undefined =>
  t?.node.op.name === op ? t.node.inputs : undefined;

/** The value of a constant that is one number. */
export const numberIn = (t: Tensor | undefined): number | undefined =>
  t?.node.op.name === "full" ? (t.node.params.value as number) : undefined;

/** An operator of one input that works in any order of the axes. */
export const unary =
  (opType: string, attributes: (params: Node["params"]) => AttributeValues = () => ({})): Emit =>
  (e, node) => {
    const x = node.inputs[0] as Tensor;
    const order = e.orderOf(x);
    e.set(outputOf(node), e.node(opType, [e.get(x, order)], attributes(node.params)), order);
  };

/** Operands that broadcast, in one order of the axes of the result: that of the first which is not held in the library's. */
export function aligned(e: Emitter, operands: readonly Tensor[], rank: number): { names: string[]; order: Order } {
  const straight = String(identity(rank));
  const orders = operands.filter((t) => t.rank === rank).map((t) => e.orderOf(t));
  const order = orders.find((o) => String(o) !== straight) ?? identity(rank);
  const names = operands.map((t) => (String(order) === straight || isScalar(t) ? e.get(t) : widened(e, t, order)));
  return { names, order };
}

const isScalar = (t: Tensor): boolean => t.shape.every((n) => n === 1) && t.rank <= 1;

/** t with axes of size 1 in front, in an order of so many axes. */
function widened(e: Emitter, t: Tensor, order: Order): string {
  const front = identity(order.length - t.rank);
  if (front.length === 0) return e.get(t, order);
  if (e.known(t)) return e.get(t.unsqueeze(front), order);
  return e.node("Transpose", [e.node("Unsqueeze", [e.get(t), e.ints(front)])], { perm: order });
}

/** An operator whose operands broadcast. */
export const broadcast =
  (write: string | ((e: Emitter, operands: readonly string[]) => string)): Emit =>
  (e, node) => {
    const y = outputOf(node);
    const { names, order } = aligned(e, node.inputs, y.rank);
    e.set(y, typeof write === "string" ? e.node(write, names) : write(e, names), order);
  };
