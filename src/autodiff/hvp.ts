// Hessian–vector products: reverse over reverse, one gradient of ⟨∇f, v⟩. Nothing of the Hessian is ever stored.
//
// It takes ops whose gradient differentiates again: all but the fused recurrences, whose layers take `fused: false` for this.
import { ShapeError } from "../shape/errors.ts";
import { printType, sameShape } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import { grad } from "./backward.ts";

/** What `hvp` gives. */
export interface Hvp {
  /** f at the parameters. */
  readonly value: Tensor;
  /** ∂f/∂params */
  readonly gradient: readonly Tensor[];
  /** H·v, H = ∂²f/∂params² */
  readonly hv: readonly Tensor[];
  /** vᵀ·H·v, the curvature along v. */
  readonly curvature: Tensor;
}

/** H·v of a scalar function of the parameters, for one v a parameter. */
export function hvp(f: (params: readonly Tensor[]) => Tensor, params: readonly Tensor[], v: readonly Tensor[]): Hvp {
  if (v.length !== params.length)
    throw new ShapeError(
      `hvp: ${v.length} vectors for ${params.length} parameters (${v.length} vs ${params.length}); give one each`,
    );
  params.forEach((p, i) => {
    if (!sameShape(p.shape, v[i]!.shape))
      throw new ShapeError(
        `hvp: vector ${i} is ${printType(v[i]!.type)} for ${printType(p.type)} ([${v[i]!.shape}] vs [${p.shape}]); give the parameter's shape`,
      );
  });
  const value = f(params);
  const gradient = grad(value, params);
  // v is held constant, also where it depends on the parameters
  const held = v.map((t) => t.detach());
  const hv = grad(inner(gradient, held), params);
  return { value, gradient, hv, curvature: inner(held, hv) };
}

/** Σ ⟨aᵢ, bᵢ⟩ */
export function inner(a: readonly Tensor[], b: readonly Tensor[]): Tensor {
  return a.map((t, i) => t.mul(b[i]!).sum()).reduce((sum, t) => sum.add(t), full({ dtype: "f32", shape: [] }, 0));
}

/** One step of power iteration: v → H·v / ‖H·v‖, and the Rayleigh quotient vᵀHv / vᵀv. Repeated, v turns to the eigenvector of the eigenvalue
 *  of largest size, and the quotient to that eigenvalue:
 *
 *      const inputs = { params: types, v: types };
 *      const power = await device.compile(({ params, v }) => powerStep(loss, params, v), inputs, { carry: ["v"] });
 *      const { eigenvalue } = power.run({ params, v }, { repeat: 100 });
 *
 *  `npm run train -- hessian` (train/sequences/hessian.ts) follows it through a training. */
export function powerStep(
  f: (params: readonly Tensor[]) => Tensor,
  params: readonly Tensor[],
  v: readonly Tensor[],
): {
  /** Of length 1. */
  v: Tensor[];
  /** f32[] */
  eigenvalue: Tensor;
} {
  const { hv, curvature } = hvp(f, params, v);
  const norm = inner(hv, hv).sqrt().maximum(1e-30);
  return { v: hv.map((t) => t.div(norm)), eigenvalue: curvature.div(inner(v, v)) };
}
