// Optimizers on recorded gradients, and training a small network; clipping.

import { grad } from "../../../autodiff/backward.ts";
import type { Tree } from "../../../graph/tree.ts";
import type { Attributes } from "../../../onnx/attributes.ts";
import { clipByGlobalNorm, globalNorm } from "../../../optim/clip.ts";
import type { Optimizer } from "../../../optim/optimizer.ts";
import * as optim from "../../../optim/rules.ts";
import { UnsupportedError } from "../../../shape/errors.ts";
import type { NdArray } from "../../../shape/ndarray.ts";
import { numel, u32 } from "../../../shape/types.ts";
import { full, stack, type Tensor } from "../../../tensor.ts";

import { type Builder, Inputs, type Outputs } from "./common.ts";
import { perceptron } from "./networks.ts";

type Tensors = Readonly<Record<string, Tensor>>;

function sgd(h: Attributes): Optimizer {
  const [learningRate, momentum] = [h.number("lr"), h.number("momentum", 0)];
  const shared = { learningRate, weightDecay: h.number("weight_decay", 0) };
  if (momentum === 0) return optim.sgd(shared);
  const options = { ...shared, momentum, dampening: h.number("dampening", 0) };
  return h.flag("nesterov") ? optim.nesterov(options) : optim.momentum(options);
}

function adamOptions(h: Attributes, weightDecay: number): optim.AdamOptions {
  const [beta1, beta2] = h.numbers("betas", [0.9, 0.999]) as [number, number];
  return {
    learningRate: h.number("lr", 1e-3),
    weightDecay: h.number("weight_decay", weightDecay),
    beta1,
    beta2,
    epsilon: h.number("eps", 1e-8),
    amsgrad: h.flag("amsgrad"),
  };
}

const optimizers: Readonly<Record<string, (h: Attributes) => Optimizer>> = {
  SGD: sgd,
  Adam: (h) => optim.adam(adamOptions(h, 0)),
  AdamW: (h) => optim.adamw(adamOptions(h, 0.01)),
  RMSprop: (h) =>
    optim.rmsprop({
      learningRate: h.number("lr", 0.01),
      weightDecay: h.number("weight_decay", 0),
      rho: h.number("alpha", 0.99),
      epsilon: h.number("eps", 1e-8),
      momentum: h.number("momentum", 0),
      centered: h.flag("centered"),
    }),
  Adagrad: (h) =>
    optim.adagrad({
      learningRate: h.number("lr", 0.01),
      weightDecay: h.number("weight_decay", 0),
      epsilon: h.number("eps", 1e-10),
      learningRateDecay: h.number("lr_decay", 0),
      initialAccumulator: h.number("initial_accumulator_value", 0),
    }),
};

/** Parameters after each step, `gradients(params, step)` given. */
function train(a: Attributes, params: Tensors, gradients: (params: Tensors, step: number) => Tensors): Tensors[] {
  const make = optimizers[a.text("optimizer")];
  if (!make) throw new UnsupportedError(`optimizer ${a.text("optimizer")}`);
  const hyper = a.attributes("hyper");
  const optimizer = make(hyper);
  const ascend = hyper.flag("maximize");
  let state = startOf(optimizer, params);
  return Array.from({ length: a.number("steps") }, (_, step) => {
    const raw = gradients(params, step);
    const down = ascend ? Object.fromEntries(Object.entries(raw).map(([name, g]) => [name, g.neg()])) : raw;
    const next = optimizer.update(down, params, state, full(u32(), step));
    params = next.params as Tensors;
    state = next.state;
    return params;
  });
}

/** The optimizer's state for the parameters' types, as constants of the graph. */
function startOf(optimizer: Optimizer, params: Tensors): Record<string, Tree<Tensor>> {
  const arrays = Object.fromEntries(
    Object.entries(params).map(([name, { shape }]) => [
      name,
      { dtype: "f32", shape, data: new Float64Array(numel(shape)) } as const,
    ]),
  );
  const constants = (tree: Record<string, NdArray>): Tree<Tensor> =>
    Object.fromEntries(
      Object.entries(tree).map(([name, { shape, data }]) => [name, full({ dtype: "f32", shape }, data[0] ?? 0)]),
    );
  const slots = Object.entries(optimizer.init(arrays)) as [string, Record<string, NdArray>][];
  return Object.fromEntries(slots.map(([slot, tree]) => [slot, constants(tree)]));
}

const named = (names: readonly string[], f: (name: string, i: number) => Tensor): Tensors =>
  Object.fromEntries(names.map((name, i) => [name, f(name, i)]));

/** Inputs p0, p1, … and g.p0 [steps, …], …: the parameters after each step. */
function recorded(x: Inputs, a: Attributes): Outputs {
  const names = x.names.filter((name) => x.maybe(`g.${name}`));
  const gradientAt = (name: string, step: number) => {
    const g = x.get(`g.${name}`);
    const rest = g.shape.slice(1);
    return g.slice([step, ...rest.map(() => 0)], [step + 1, ...rest]).squeeze(0);
  };
  const after = train(
    a,
    named(names, (name) => x.get(name)),
    (_, step) => named(names, (name) => gradientAt(name, step)),
  );
  return Object.fromEntries(
    names.map((name) => [
      `traj.${name}`,
      stack(
        after.map((params) => params[name]!),
        0,
      ),
    ]),
  );
}

/** Trains the perceptron: the loss before each step, the parameters at the end. */
function trainedNetwork(x: Inputs, a: Attributes): Outputs {
  const names = x.names.filter((name) => /^[wb]\d+$/.test(name));
  const losses: Tensor[] = [];
  const after = train(
    a,
    named(names, (name) => x.get(name)),
    (params) => {
      const fed = new Inputs(new Map(x.names.map((name) => [name, params[name] ?? x.get(name)])));
      const { loss } = perceptron(fed, a) as { loss: Tensor };
      losses.push(loss);
      const gradients = grad(
        loss,
        names.map((name) => params[name]!),
      );
      return named(names, (_, i) => gradients[i]!);
    },
  );
  const last = Object.entries(after.at(-1)!).map(([name, t]) => [`after.${name}`, t] as const);
  return { losses: stack(losses, 0), ...Object.fromEntries(last) };
}

function clipped(x: Inputs, a: Attributes): Outputs {
  if (a.number("norm_type", 2) !== 2) throw new UnsupportedError(`norm_type ${a.number("norm_type")}`);
  const gradients = named(x.names, (name) => x.get(name));
  const result = clipByGlobalNorm(a.number("max_norm"))(gradients) as Tensors;
  const outputs = Object.entries(result).map(([name, t]) => [`clipped.${name}`, t] as const);
  return { norm: globalNorm(gradients), ...Object.fromEntries(outputs) };
}

export const optimization: Readonly<Record<string, Builder>> = {
  optimizer: recorded,
  optimizer_net: trainedNetwork,
  clip_grad_norm: clipped,
};
