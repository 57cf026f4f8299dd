// Reverse-mode differentiation over the graph (after HIPS autograd's core). Gradients are made of Tensor methods, so the
// result differentiates again. A tensor used twice sums its gradients; broadcasting is undone here, once for all ops.
import { type Node, toposort } from "../graph/node.ts";
import { ShapeError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import { apply, full, outputsOf, type Tensor } from "../tensor.ts";

/** Σ over the outputs of ⟨output, cotangent⟩, differentiated with respect to each of `wrt`: the vector–Jacobian product.
 *  A tensor that the outputs do not depend on has a gradient of zeros. */
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const gradients = new Map<Node, (Tensor | null)[]>();
  const accumulate = (t: Tensor, g: Tensor) => {
    if (t.dtype !== "f32") return;
    const slots = gradients.get(t.node) ?? t.node.types.map(() => null);
    const before = slots[t.output];
    const unbroadcast = sumTo(g, t.shape);
    slots[t.output] = before ? before.add(unbroadcast) : unbroadcast;
    gradients.set(t.node, slots);
  };
  for (const [i, t] of outputs.entries()) accumulate(t, cotangents[i] as Tensor);
  const needed = dependents(outputs, wrt);
  for (const node of toposort(outputs).reverse()) {
    const dout = gradients.get(node);
    if (!dout || !node.op.gradient || !needed.has(node)) continue;
    const { inputs, params } = node;
    const gs = node.op.gradient(dout, { inputs, outputs: outputsOf(node), params, apply });
    inputs.forEach((t, k) => {
      const g = gs[k];
      if (g && needed.has(t.node)) accumulate(t, g);
    });
  }
  return wrt.map((t) => gradients.get(t.node)?.[t.output] ?? t.zerosLike());
}

/** The gradient of a scalar with respect to each of `wrt`. */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.rank !== 0 || loss.dtype !== "f32")
    throw new ShapeError(`grad: the loss must be f32[], got ${printType(loss.type)}; take its mean or sum`);
  return vjp([loss], [full(loss.type, 1)], wrt);
}

/** Undoes broadcasting: sums `g` down to `shape`. */
function sumTo(g: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(g.shape, shape)) return g;
  const skip = g.rank - shape.length;
  const axes = g.shape.map((_, d) => d).filter((d) => d < skip || (shape[d - skip] === 1 && g.shape[d] !== 1));
  return g.sum(axes).reshape(shape);
}

/** The nodes of the graph that depend on one of `wrt`, those included. */
function dependents(outputs: readonly Tensor[], wrt: readonly Tensor[]): Set<Node> {
  const found = new Set<Node>(wrt.map((t) => t.node));
  for (const node of toposort(outputs)) if (node.inputs.some((t) => found.has(t.node))) found.add(node);
  return found;
}
