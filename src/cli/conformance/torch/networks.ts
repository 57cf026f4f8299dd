// Whole networks: a loss of inputs and parameters; and Hessian-vector products of it.

import { hvp } from "../../../autodiff/hvp.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { channelsFirst, channelsLast, dense, filter } from "../../../onnx/layout.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import type { Tensor } from "../../../tensor.ts";
import type { Builder, Inputs, Outputs } from "./common.ts";
import { activations } from "./elementwise.ts";
import { networkLosses } from "./losses.ts";

export function lossOf(name: string): (y: Tensor, target: Tensor) => Tensor {
  const loss = networkLosses[name];
  if (!loss) throw new UnsupportedError(`loss ${name}`);
  return loss;
}

function activationOf(a: Attributes): (x: Tensor) => Tensor {
  const name = a.text("activation");
  if (name === "identity" || name === "linear" || name === "none") return (x) => x;
  const f = activations[name];
  if (!f) throw new UnsupportedError(`activation ${name}`);
  return (x) => f(x, a);
}

/** Dense layers w0, b0, w1, … with the activation between them. */
export function perceptron(x: Inputs, a: Attributes): Outputs {
  const activation = activationOf(a);
  const weights = x.all("w");
  const y = weights.reduce((h, w, i) => {
    const z = dense(h, w, x.maybe(`b${i}`));
    return i < weights.length - 1 ? activation(z) : z;
  }, x.get("x"));
  return { y, loss: lossOf(a.text("loss"))(y, x.get("target")) };
}

/** conv0, activation, pooling, conv1, …, dense. */
function convolutional(x: Inputs, a: Attributes): Outputs {
  const activation = activationOf(a);
  const [pool, kernel] = [a.text("pool", "none"), a.number("pool_kernel", 2)];
  if (!["max", "avg", "none"].includes(pool)) throw new UnsupportedError(`pooling ${pool}`);
  let image = channelsLast(x.get("x"));
  for (let i = 0; x.maybe(`conv${i}.w`); i++) {
    const z = image.conv2d(filter(x.get(`conv${i}.w`)));
    const b = x.maybe(`conv${i}.b`);
    image = activation(b ? z.add(b) : z);
    if (pool !== "none") image = pool === "max" ? image.maxPool2d(kernel) : image.avgPool2d(kernel);
  }
  const flat = channelsFirst(image).reshape([image.shape[0]!, image.shape.slice(1).reduce((n, d) => n * d, 1)]);
  const y = dense(flat, x.get("fc.w"), x.maybe("fc.b"));
  return { y, loss: lossOf(a.text("loss"))(y, x.get("target")) };
}

/** H·v of the loss over every parameter that has a direction. */
function hessianVector(x: Inputs, a: Attributes): Outputs {
  const net = nets[a.text("net")];
  if (!net) throw new UnsupportedError(`net ${a.text("net")}`);
  const names = x.names.filter((name) => name.startsWith("v.")).map((name) => name.slice(2));
  const params = names.map((name) => x.get(name));
  const directions = names.map((name) => x.get(`v.${name}`));
  // the net takes its parameters from x, which are those that hvp is given
  const { value: loss, hv, curvature } = hvp(() => (net(x, a) as { loss: Tensor }).loss, params, directions);
  return { loss, vTHv: curvature, ...Object.fromEntries(names.map((name, i) => [`hv.${name}`, hv[i]!])) };
}

const nets: Readonly<Record<string, Builder>> = { mlp: perceptron, cnn: convolutional };

export const networks: Readonly<Record<string, Builder>> = { ...nets, hvp: hessianVector };
