// What the library composes of several ops and ONNX has one operator for. Each looks at the last node of such a composition
// (src/compositions), and gives up at the first difference: then the ops are written one by one.
import type { Node } from "../../graph/node.ts";
import { numel } from "../../shape/types.ts";
import type { Tensor } from "../../tensor.ts";
import { type Emitter, float, identity, outputOf } from "../emitter.ts";
import { type Fusion, inputsIf, numberIn } from "./emit.ts";
import { recurrence, recurrentStates, reversedStates } from "./recurrent.ts";
import { channelsFirst, convolution, maxPooling, reduce } from "./reductions.ts";

const isSame = (a: Tensor | undefined, b: Tensor | undefined): boolean =>
  a !== undefined && b !== undefined && a.node === b.node && a.output === b.output;

/** What a tensor is reshaped from, or itself. */
const unshaped = (t: Tensor | undefined): Tensor | undefined => inputsIf(t, "reshape")?.[0] ?? t;

// ---- mean ----

interface Mean {
  readonly x: Tensor;
  readonly axes: readonly number[];
  readonly keep: boolean;
}

/** reshape?(Σ x)·(1/n) */
function meanOf(t: Tensor | undefined): Mean | undefined {
  const [total, factor] = inputsIf(t, "mul") ?? [];
  const sum = unshaped(total);
  const [x] = inputsIf(sum, "sum") ?? [];
  if (!x || !sum || !total || numberIn(factor) === undefined) return undefined;
  const axes = sum.node.params.axes as readonly number[];
  const n = axes.reduce((product, d) => product * x.shape[d]!, 1);
  const keep = sum !== total;
  const kept = x.shape.map((size, d) => (axes.includes(d) ? 1 : size));
  if (numberIn(factor) !== 1 / n || (keep && String(total.shape) !== String(kept))) return undefined;
  return { x, axes, keep };
}

const mean: Fusion = (node) => {
  const y = outputOf(node);
  const found = meanOf(y);
  return found && { inputs: [found.x], emit: (e) => reduce(e, "ReduceMean", found.x, found.axes, y, found.keep) };
};

// ---- softmax ----

/** x − max x, by the maximum of a maxSumExp; and that node. */
function shifted(t: Tensor | undefined): { x: Tensor; node: Node } | undefined {
  const [x, m] = inputsIf(t, "sub") ?? [];
  const max = unshaped(m);
  const [of] = inputsIf(max, "maxSumExp") ?? [];
  return x && max?.output === 0 && isSame(x, of) ? { x, node: max.node } : undefined;
}

const isSumOf = (t: Tensor | undefined, node: Node): boolean => {
  const sum = unshaped(t);
  return sum?.node === node && sum.output === 1;
};

function softmaxPlan(opType: string, y: Tensor, found: { x: Tensor; node: Node } | undefined, sum: Tensor | undefined) {
  if (!found || !isSumOf(sum, found.node)) return undefined;
  const [axis, ...more] = found.node.params.axes as readonly number[];
  if (axis === undefined || more.length > 0) return undefined;
  return { inputs: [found.x], emit: (e: Emitter) => e.set(y, e.node(opType, [e.get(found.x)], { axis })) };
}

/** exp(x − m)/s */
const softmax: Fusion = (node) => {
  const y = outputOf(node);
  const [exp, sum] = inputsIf(y, "div") ?? [];
  return softmaxPlan("Softmax", y, shifted(inputsIf(exp, "exp")?.[0]), sum);
};

/** (x − m) − log s */
const logSoftmax: Fusion = (node) => {
  const y = outputOf(node);
  const [difference, log] = inputsIf(y, "sub") ?? [];
  return softmaxPlan("LogSoftmax", y, shifted(difference), inputsIf(log, "log")?.[0]);
};

// ---- normalisation ----

/** Tensor's maxPool2d moves before what adds to each channel: max(z) + b = max(z + b). Here it moves back: what it pools, and its node. */
function unpooled(t: Tensor | undefined): { z: Tensor | undefined; pool: Node | undefined } {
  const [z] = inputsIf(t, "maxPool2d") ?? [];
  return z ? { z, pool: t?.node } : { z: t, pool: undefined };
}

/** z·scale + shift, scale and shift known, which may be pooled. */
function scaledOf(e: Emitter, t: Tensor) {
  const [before, shift] = inputsIf(t, "add") ?? [];
  const { z: product, pool } = unpooled(before);
  const [z, scale] = inputsIf(product, "mul") ?? [];
  return z && scale && shift && e.known(scale) && e.known(shift) ? { z, scale, shift, pool } : undefined;
}

/** 1/√(v + ε) */
function inverseRoot(t: Tensor | undefined): { v: Tensor; epsilon: number } | undefined {
  const [v, epsilon] = inputsIf(inputsIf(t, "rsqrt")?.[0], "add") ?? [];
  const number = numberIn(epsilon);
  return v && number !== undefined ? { v, epsilon: number } : undefined;
}

/** (x − mean x)/√(mean (x − mean x)² + ε), over the last axes. */
const layerNorm: Fusion = (node, e) => {
  const y = outputOf(node);
  const { z, scale, shift, pool } = scaledOf(e, y) ?? {};
  const [centred, root] = inputsIf(z, "mul") ?? [];
  const [x, m] = inputsIf(centred, "sub") ?? [];
  const inverse = inverseRoot(root);
  const [own, squares] = [meanOf(m), meanOf(inverse?.v)];
  if (!x || !scale || !shift || pool || !inverse || !own?.keep || !squares?.keep) return undefined;
  if (!isSame(own.x, x) || !isSame(inputsIf(squares.x, "square")?.[0], centred)) return undefined;
  const [axis] = own.axes;
  const last = identity(x.rank).slice(axis);
  const sizes = x.shape.slice(axis);
  const fits = [scale, shift].every((t) => numel(t.shape) === numel(sizes));
  if (axis === undefined || String(own.axes) !== String(last) || String(squares.axes) !== String(last) || !fits)
    return undefined;
  return {
    inputs: [x],
    emit(e) {
      const operands = [e.get(x), e.get(scale.reshape(sizes)), e.get(shift.reshape(sizes))];
      e.set(y, e.node("LayerNormalization", operands, { axis, epsilon: float(inverse.epsilon) }));
    },
  };
};

/** (x − mean)·1/√(variance + ε), of known statistics for each channel. */
const batchNorm: Fusion = (node, e) => {
  const y = outputOf(node);
  const { z, scale, shift, pool } = scaledOf(e, y) ?? {};
  const [centred, root] = inputsIf(z, "mul") ?? [];
  const [x, m] = inputsIf(centred, "sub") ?? [];
  const inverse = inverseRoot(root);
  if (!x || !scale || !shift || !m || !inverse || x.rank < 2) return undefined;
  const perChannel = [scale, shift, m, inverse.v];
  if (!perChannel.every((t) => e.known(t) && t.rank === 1 && t.shape[0] === x.shape.at(-1))) return undefined;
  const order = [0, x.rank - 1, ...identity(x.rank).slice(1, -1)];
  return {
    inputs: [x],
    emit(e) {
      const operands = [e.get(x, order), ...perChannel.map((t) => e.get(t))];
      const name = e.node("BatchNormalization", operands, { epsilon: float(inverse.epsilon) });
      e.set(y, pool ? maxPooling(e, pool, name) : name, order);
    },
  };
};

// ---- biases ----

/** conv2d(x, w) + bias, which may be pooled. */
const biasedConv: Fusion = (node, e) => {
  const y = outputOf(node);
  const [before, bias] = inputsIf(y, "add") ?? [];
  const { z: conv, pool } = unpooled(before);
  if (conv?.node.op.name !== "conv2d" || !bias || !e.known(bias)) return undefined;
  const channels = conv.shape[3]!;
  if (bias.shape.at(-1) !== channels || numel(bias.shape) !== channels) return undefined;
  return {
    inputs: conv.node.inputs,
    emit(e) {
      const name = convolution(e, conv.node, [e.get(bias.reshape([channels]))]);
      e.set(y, pool ? maxPooling(e, pool, name) : name, channelsFirst);
    },
  };
};

/** a·b + bias of matrices. */
const biasedProduct: Fusion = (node) => {
  const y = outputOf(node);
  const [product, bias] = inputsIf(y, "add") ?? [];
  const [a, b] = inputsIf(product, "matmul") ?? [];
  if (!a || !b || !bias || a.rank !== 2 || b.rank !== 2 || bias.rank > 2) return undefined;
  if (String(product?.shape) !== String(y.shape)) return undefined;
  return { inputs: [a, b, bias], emit: (e) => e.set(y, e.node("Gemm", [e.get(a), e.get(b), e.get(bias)])) };
};

/** The first that fits is taken. */
export const fusions: readonly Fusion[] = [
  ...[recurrence, recurrentStates, reversedStates],
  ...[layerNorm, batchNorm, biasedConv, biasedProduct, softmax, logSoftmax, mean],
];
