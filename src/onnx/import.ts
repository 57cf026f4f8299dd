// ONNX in: a file's graph as a function of Tensors, to run on a device or to train further.
import { evaluate } from "../cpu/evaluate.ts";
import { type Node, toposort } from "../graph/node.ts";
import { foldTensor } from "../nn/key.ts";
import type { Context, Layer, Params } from "../nn/layer.ts";
import { constant as constantOp, full as fullOp } from "../ops/source.ts";
import { DTypeError, FormatError, ShapeError, UnsupportedError, WgradError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import { numel, printType } from "../shape/types.ts";
import { constant, type Tensor } from "../tensor.ts";
import { type CheckedGraph, labelOf, mostKnown, type OnnxValue, readGraph, type Step } from "./graph.ts";
import { Allowance, type Argument, mostCells, Operator, type Training } from "./operator.ts";

/** A graph that was read from a file. */
export interface OnnxModel {
  /** Of the graph; may be "". */
  readonly name: string;
  /** The version of ONNX's operators that the file is of. */
  readonly opset: number;
  /** What `apply` takes, in the file's order. */
  readonly inputs: readonly OnnxValue[];
  /** What `apply` gives. */
  readonly outputs: readonly OnnxValue[];
  /** The file's weights by their names, in its layouts (filters [K, C/groups, kh, kw], …): every float tensor that is not a scalar, batch
   *  norm's statistics among them. Other initialisers are constants of the graph. */
  readonly params: Readonly<Record<string, NdArray>>;
  /** The outputs by name, as the file says, for inputs by name; integers of 64 bits are i32. Throws ShapeError, DTypeError or
   *  UnsupportedError where the inputs do not fit, or an operator is given what the library does not have. */
  apply(params: Readonly<Record<string, Tensor>>, inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor>;
  /** The graph of one input and one output as a layer that begins with the file's weights: give it to a Trainer, or build on it. In
   *  training, dropout drops and batch norm uses the batch and keeps statistics. */
  layer(): Layer;
}

/** Reads an ONNX file of opset 7 … 28. Throws FormatError if it is damaged, and UnsupportedError where it holds what the library does not
 *  have: an unknown operator, control flow, float16. What it makes takes no more memory than twice the file, and 16 MB. */
export function fromOnnx(file: Uint8Array): OnnxModel {
  const graph = readGraph(file);
  const { name, opset, inputs, outputs } = graph;
  const given = [...graph.initialisers].filter(([, array]) => !isConstant(array));
  return {
    ...{ name, opset, inputs, outputs },
    params: Object.fromEntries(given),
    apply: (params, values) => run(graph, params, values),
    layer: () => layerOf(graph, given),
  };
}

/** Elements of any tensor. */
const mostElements = 2 ** 31;
/** What computing constants may take in all, in elements. */
const mostFolded = 2 ** 20;

const isConstant = ({ dtype, shape }: NdArray): boolean =>
  (dtype !== "f32" || shape.length === 0) && numel(shape) <= mostKnown;

function layerOf(graph: CheckedGraph, given: readonly (readonly [string, NdArray])[]): Layer {
  const [input, output] = [graph.inputs[0], graph.outputs[0]];
  if (!input || !output || graph.inputs.length > 1 || graph.outputs.length > 1)
    throw new UnsupportedError(
      `onnx: a layer has one input and one output, the graph ${graph.inputs.length} and ${graph.outputs.length}; use apply`,
    );
  const statistics = new Set(
    graph.steps.flatMap(({ op, inputs }) => (op === "BatchNormalization" ? inputs.slice(3, 5) : [])),
  );
  const learned = ([name, { dtype }]: readonly [string, NdArray]) => dtype === "f32" && !statistics.has(name);
  return {
    name: "onnx",
    init: () => ({
      params: Object.fromEntries(given.filter(learned)),
      state: Object.fromEntries(given.filter((entry) => !learned(entry))),
    }),
    apply({ params, state }, x, { training, key }: Context) {
      const next = { ...(state as Record<string, Tensor>) };
      const all = { ...(params as Record<string, Tensor>), ...next };
      const update = (name: string, value: Tensor) => Object.hasOwn(next, name) && (next[name] = value);
      const values = run(graph, all, { [input.name]: x.cast(input.dtype) }, training ? { key, update } : undefined);
      return { y: values[output.name] as Tensor, state: next as Params<Tensor> };
    },
  };
}

interface GraphTraining {
  readonly key: Tensor;
  /** Of an initialiser. */
  update(name: string, next: Tensor): void;
}

function run(
  graph: CheckedGraph,
  params: Readonly<Record<string, Tensor>>,
  inputs: Readonly<Record<string, Tensor>>,
  training?: GraphTraining,
): Record<string, Tensor> {
  const values = new Map<string, Argument>();
  const limits: Limits = { cells: new Allowance(mostCells), folded: new Allowance(mostFolded) };
  for (const input of graph.inputs)
    values.set(input.name, { tensor: checked(input, ownOf(inputs, input.name)), value: undefined });
  for (const [name, value] of graph.initialisers) values.set(name, { tensor: tensorOf(name, value, params), value });
  for (const [i, step] of graph.steps.entries()) {
    const own: Training | undefined = training && {
      key: foldTensor(training.key, i),
      update: (k, next) => training.update(step.inputs[k] as string, next),
    };
    runStep(step, graph.opset, values, limits, own);
  }
  return Object.fromEntries(
    graph.outputs.map(({ name }) => {
      const tensor = values.get(name)?.tensor;
      if (!tensor) throw new UnsupportedError(`onnx: the output ${name} has no elements`);
      return [name, tensor];
    }),
  );
}

/** A name of the file may be one that every object has. */
const ownOf = (tensors: Readonly<Record<string, Tensor>>, name: string): Tensor | undefined =>
  Object.hasOwn(tensors, name) ? tensors[name] : undefined;

function checked({ name, dtype, shape }: OnnxValue, given: Tensor | undefined): Tensor {
  const wanted = `${dtype}[${shape?.map((n) => n || "?") ?? "…"}]`;
  if (!given) throw new ShapeError(`onnx: input ${name} is missing; give ${wanted}`);
  if (given.dtype !== dtype)
    throw new DTypeError(
      `onnx: input ${name} is ${printType(given.type)} (${given.dtype} vs ${dtype}); give ${wanted}`,
    );
  if (shape && (shape.length !== given.rank || shape.some((n, d) => typeof n === "number" && n !== given.shape[d])))
    throw new ShapeError(
      `onnx: input ${name} is ${printType(given.type)} ([${given.shape}] vs [${shape}]); give ${wanted}`,
    );
  return given;
}

function tensorOf(name: string, value: NdArray, params: Readonly<Record<string, Tensor>>): Tensor | undefined {
  if (value.data.length === 0) return undefined;
  if (isConstant(value)) return constant({ dtype: value.dtype, shape: value.shape }, [...value.data]);
  const given = ownOf(params, name);
  if (!given) throw new ShapeError(`onnx: parameter ${name} is missing; give ${printType(value)}`);
  if (String(given.shape) !== String(value.shape))
    throw new ShapeError(
      `onnx: parameter ${name} is ${printType(given.type)} ([${given.shape}] vs [${value.shape}]); give the file's shape`,
    );
  return given;
}

interface Limits {
  readonly cells: Allowance;
  readonly folded: Allowance;
}

function runStep(
  step: Step,
  opset: number,
  values: Map<string, Argument>,
  { cells, folded }: Limits,
  training: Training | undefined,
): void {
  const { build, attributes, inputs, outputs } = step;
  const given = inputs.map((name) => (name === "" ? undefined : values.get(name)));
  const missing = inputs.find((name, k) => name !== "" && !given[k]);
  if (missing !== undefined)
    throw new UnsupportedError(`onnx: ${labelOf(step)} reads ${missing}, which the library does not make`);
  named(step, () => {
    const made = build(new Operator({ arguments: given, attributes, outputs, opset, cells, training }));
    for (const [k, name] of outputs.entries()) {
      const tensor = made[k];
      if (!tensor || name === "") continue;
      const size = tensor.shape.every(Number.isInteger) ? numel(tensor.shape) : Number.NaN;
      const argument = given.every(isFixed) ? fixed(tensor, folded) : { tensor, value: valueIn(tensor) };
      if (!(size >= (argument.value ? 0 : 1) && size <= mostElements))
        throw new UnsupportedError(`it makes ${printType(tensor.type)} (vs 1 … ${mostElements} elements)`);
      values.set(name, size > 0 ? argument : { ...argument, tensor: undefined });
    }
  });
}

/** Errors say which node they are of. What is no error of ours comes of a malformed node. */
function named(step: Step, build: () => void): void {
  try {
    build();
  } catch (error) {
    if (!(error instanceof WgradError)) throw new FormatError(`onnx: ${labelOf(step)} is malformed`, { cause: error });
    error.message = `onnx: ${labelOf(step)}: ${error.message}`;
    throw error;
  }
}

/** The value of a small constant. */
function valueIn(tensor: Tensor): NdArray | undefined {
  const { op } = tensor.node;
  const known = (op === constantOp || op === fullOp) && numel(tensor.shape) <= mostKnown;
  return known ? evaluate([tensor], new Map())[0] : undefined;
}

const isFixed = (argument: Argument | undefined): boolean =>
  !argument?.tensor || (argument.value !== undefined && argument.tensor.node.op === constantOp);

/** A tensor made of constants alone, as a constant where that is little work: shapes are computed so. */
function fixed(tensor: Tensor, folded: Allowance): Argument {
  const work = toposort([tensor]).reduce((sum, node) => sum + workOf(node), 0);
  if (!folded.take(work)) return { tensor, value: undefined };
  const [value] = evaluate([tensor], new Map()) as [NdArray];
  return { tensor: constant(tensor.type, [...value.data]), value };
}

/** What the reference takes for a node, in elements. Lists and tables are of shapes; images and recurrences are not. */
function workOf({ op: { kernel }, inputs, params, types }: Node): number {
  const small = types.every(({ shape }) => shape.length <= 2 && numel(shape) <= mostKnown);
  if (!small || kernel.kind === "custom") return Number.POSITIVE_INFINITY;
  const elements = types.reduce((sum, { shape }) => sum + numel(shape), 0);
  const ctx = { inputs: inputs.map((t) => t.type), outputs: types, params };
  return elements * (kernel.kind === "reduce" ? numel(kernel.extents(ctx)) : 1);
}
