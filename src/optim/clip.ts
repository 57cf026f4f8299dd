// Gradient clipping: functions of the tree of gradients, given to an optimizer as `clip` or called in a step of one's own.
import { leaves, mapTree, type Tree } from "../graph/tree.ts";
import { ValueError } from "../shape/errors.ts";
import { isTensor, type Tensor } from "../tensor.ts";

/** From a tree of gradients to one of the same form. */
export type GradientTransform = (gradients: Tree<Tensor>) => Tree<Tensor>;

/** √(Σ over all tensors of Σ g²), f32[]. */
export function globalNorm(gradients: Tree<Tensor>): Tensor {
  const squares = leaves(gradients, isTensor).map(({ value }) => value.square().sum());
  if (squares.length === 0) throw new ValueError("globalNorm: there are no gradients; give at least one");
  return squares.reduce((a, b) => a.add(b)).sqrt();
}

/** g·min(1, maxNorm/(norm + 1e-6)), where norm is that of all gradients together. Pascanu et al., https://arxiv.org/abs/1211.5063 */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  positive("clipByGlobalNorm", "maxNorm", maxNorm);
  return (gradients) => {
    const norm = globalNorm(gradients);
    const scale = norm.add(1e-6).reciprocal().mul(maxNorm).minimum(1);
    return map(gradients, (g) => g.mul(scale));
  };
}

/** Every element within [−limit, limit]. */
export function clipByValue(limit: number): GradientTransform {
  positive("clipByValue", "limit", limit);
  return (gradients) => map(gradients, (g) => g.minimum(limit).maximum(-limit));
}

const map = (tree: Tree<Tensor>, f: (g: Tensor) => Tensor): Tree<Tensor> =>
  mapTree<unknown, Tensor, Tensor>(tree, isTensor, f) as Tree<Tensor>;

function positive(op: string, what: string, x: number): void {
  if (!(Number.isFinite(x) && x > 0))
    throw new ValueError(`${op}: ${what} must be a positive number, got ${x}; correct it`);
}
