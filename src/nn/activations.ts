// Activations by name, as options of dense and conv2d and as layers of their own.
import { ValueError } from "../shape/errors.ts";
import type { Tensor } from "../tensor.ts";
import { type Layer, stateless } from "./layer.ts";

const named = {
  linear: (x: Tensor): Tensor => x,
  relu: (x: Tensor): Tensor => x.relu(),
  leakyRelu: (x: Tensor): Tensor => x.leakyRelu(),
  sigmoid: (x: Tensor): Tensor => x.sigmoid(),
  tanh: (x: Tensor): Tensor => x.tanh(),
  softplus: (x: Tensor): Tensor => x.softplus(),
  elu: (x: Tensor): Tensor => x.elu(),
  selu: (x: Tensor): Tensor => x.selu(),
  gelu: (x: Tensor): Tensor => x.gelu(),
  silu: (x: Tensor): Tensor => x.silu(),
  softmax: (x: Tensor): Tensor => x.softmax(-1),
  logSoftmax: (x: Tensor): Tensor => x.logSoftmax(-1),
};

/** What an activation is called. */
export type ActivationName = keyof typeof named;
/** A name, or any function of a tensor. */
export type Activation = ActivationName | ((x: Tensor) => Tensor);

/** The function of an activation. Throws ValueError on an unknown name. */
export function activationOf(layer: string, activation: Activation = "linear"): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  if (!Object.hasOwn(named, activation))
    throw new ValueError(`${layer}: no activation ${activation}; use one of ${Object.keys(named).join(", ")}`);
  return named[activation];
}

/** An activation as a layer. */
export function activation(f: Activation): Layer {
  return stateless(typeof f === "string" ? f : "activation", activationOf("activation", f));
}

const layerOf = (name: ActivationName) => (): Layer => activation(name);
/** max(x, 0) as a layer. */
export const relu: () => Layer = layerOf("relu");
/** x where x > 0, else 0.01·x, as a layer. */
export const leakyRelu: () => Layer = layerOf("leakyRelu");
/** 1/(1 + e⁻ˣ) as a layer. */
export const sigmoid: () => Layer = layerOf("sigmoid");
/** The hyperbolic tangent as a layer. */
export const tanh: () => Layer = layerOf("tanh");
/** log(1 + eˣ) as a layer. */
export const softplus: () => Layer = layerOf("softplus");
/** x where x > 0, else eˣ − 1, as a layer. */
export const elu: () => Layer = layerOf("elu");
/** ELU that keeps mean 0 and variance 1, as a layer. */
export const selu: () => Layer = layerOf("selu");
/** x·Φ(x) as a layer. */
export const gelu: () => Layer = layerOf("gelu");
/** x·sigmoid(x) as a layer. */
export const silu: () => Layer = layerOf("silu");
/** Softmax over the last axis as a layer. */
export const softmax: () => Layer = layerOf("softmax");
/** Log-softmax over the last axis as a layer. */
export const logSoftmax: () => Layer = layerOf("logSoftmax");
