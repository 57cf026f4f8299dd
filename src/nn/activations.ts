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
export const relu: () => Layer = layerOf("relu");
export const leakyRelu: () => Layer = layerOf("leakyRelu");
export const sigmoid: () => Layer = layerOf("sigmoid");
export const tanh: () => Layer = layerOf("tanh");
export const softplus: () => Layer = layerOf("softplus");
export const elu: () => Layer = layerOf("elu");
export const selu: () => Layer = layerOf("selu");
export const gelu: () => Layer = layerOf("gelu");
export const silu: () => Layer = layerOf("silu");
export const softmax: () => Layer = layerOf("softmax");
export const logSoftmax: () => Layer = layerOf("logSoftmax");
