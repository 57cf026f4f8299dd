// ONNX out: a trained model as a file that other runtimes take, opset 20.
//
// The model is traced outside training and its graph written node by node. What depends on parameters alone is computed now: weights stand in
// the file in ONNX's layouts (filters OIHW, gates iofc and zrh), under the model's names. Images stay NHWC at the borders, NCHW within.
import { type Node, toposort } from "../graph/node.ts";
import { mapTree } from "../graph/tree.ts";
import type { Layer, Params, Variables } from "../nn/layer.ts";
import { ShapeError, ValueError, WgradError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import { printType, type TensorType, u32 } from "../shape/types.ts";
import { full, type Tensor } from "../tensor.ts";
import { trace } from "../trace.ts";
import { batches, openSizes } from "./batch.ts";
import { Emitter, outputOf, type Size } from "./emitter.ts";
import type { Plan } from "./emitters/emit.ts";
import { planOf } from "./emitters/index.ts";
import { model as modelSchema, type NodeProto, type ValueInfoProto } from "./model.ts";
import { encode } from "./protobufWriter.ts";
import { codeOf } from "./tensors.ts";

/** How a model is exported. */
export interface OnnxExportOptions {
  /** What the model keeps besides parameters: batch norm's statistics. Default: nothing. */
  readonly state?: Params<NdArray>;
  /** "symbolic": the file takes any batch, its first size is called "batch". "fixed": that of the input's type, which a model needs that is
   *  not the same for every batch (a stateful layer). Default: symbolic. */
  readonly batch?: "symbolic" | "fixed";
  /** Stored inputs to what the model takes, as a Trainer's `prepare`; it becomes a part of the file. Default: inputs as they are. */
  readonly prepare?: (x: Tensor) => Tensor;
  /** What the file gives, of the model's output: `(y) => y.softmax()` for probabilities. Default: the output as it is. */
  readonly output?: (y: Tensor) => Tensor;
  /** Of the graph. Default: the model's. */
  readonly name?: string;
}

const opset = 20;
const irVersion = 9;

/** The bytes of an ONNX file of a model: input `x` of the given type, output `y`. Throws UnsupportedError where the model computes what ONNX
 *  has no operator for. */
export function toOnnx(
  model: Layer,
  params: Params<NdArray>,
  input: TensorType,
  options: OnnxExportOptions = {},
): Uint8Array {
  const { state = {}, batch = "symbolic" } = options;
  if (input.shape.length === 0 && batch === "symbolic")
    throw new ShapeError(
      `toOnnx: the input must be [batch, …], got ${printType(input)} (rank 0 vs ≥ 1); give its type`,
    );
  const variables = { params, state };
  const { traced, sizes } =
    batch === "fixed"
      ? { traced: traceModel(model, variables, input, options), sizes: new Map<Node, Size[][]>() }
      : traceBatches(model, variables, input, options);
  const e = new Emitter({ variables: traced.variables, sizes, input: traced.x });
  write(e, traced.y);
  const nodes = nodesOf(e, traced.y);
  return encode(modelSchema, {
    irVersion,
    producerName: "wgrad",
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: options.name ?? model.name,
      node: nodes,
      initializer: e.initialisers,
      input: [described("x", input, e.sizes(traced.x))],
      output: [described("y", traced.y.type, e.sizes(traced.y))],
    },
  });
}

/** The model traced for two batches, and what of it depends on the batch. */
function traceBatches(...[model, variables, input, options]: Parameters<typeof traceModel>) {
  try {
    const [traced, other] = batches.map((n) =>
      traceModel(model, variables, { ...input, shape: [n, ...input.shape.slice(1)] }, options),
    ) as [TracedModel, TracedModel];
    return { traced, sizes: openSizes([traced.x, traced.y], [other.x, other.y]) };
  } catch (error) {
    if (error instanceof WgradError)
      error.message += ` (traced for a batch of any size; a model that is made for one is exported with { batch: "fixed" })`;
    throw error;
  }
}

interface TracedModel {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly variables: ReadonlyMap<Node, { readonly path: string; readonly value: NdArray }>;
}

function traceModel(
  model: Layer,
  variables: Variables<NdArray>,
  x: TensorType,
  { prepare = (x) => x, output = (y) => y }: OnnxExportOptions,
): TracedModel {
  const values = new Map<string, NdArray>();
  const types = mapTree<unknown, NdArray, TensorType>(variables, isNdArray, (value, path) => {
    values.set(path, value);
    return { dtype: value.dtype, shape: value.shape };
  });
  const f = ({ variables, x }: { variables: Variables<Tensor>; x: Tensor }) => {
    const context = { training: false, key: full(u32(2), 0) };
    return { y: output(applied(() => model.apply(variables, prepare(x), context).y)) };
  };
  const { inputs, outputs } = trace(f as never, { variables: types as never, x });
  const nodes = inputs.flatMap(({ path, value }) => {
    const array = values.get(path.replace(/^variables\./, ""));
    return array
      ? [[value.node, { path: path.replace(/^variables\.(params|state)\./, ""), value: array }] as const]
      : [];
  });
  return { x: inputs.at(-1)!.value, y: outputs[0]!.value, variables: new Map(nodes) };
}

/** What a model makes of variables that are its own. */
function applied(apply: () => Tensor): Tensor {
  try {
    return apply();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message =
      "toOnnx: params and state are not those of the model (some are missing); give what trainer.variables() gives";
    throw new ValueError(message, { cause: error });
  }
}

/** Writes all that y is made of: from the last node to the first it is seen what is needed, then it is written in order. */
function write(e: Emitter, y: Tensor): void {
  const nodes = toposort([y]);
  for (const node of nodes) e.known(outputOf(node));
  const needed = new Set([y.node]);
  const plans: Plan[] = [];
  for (const node of nodes.reverse()) {
    if (!needed.has(node) || node.op.name === "input" || e.known(outputOf(node))) continue;
    const plan = planOf(node, e);
    plans.push(plan);
    for (const t of plan.inputs) needed.add(t.node);
  }
  for (const plan of plans.reverse()) plan.emit(e);
}

/** The nodes that the output is made of. It is called y; other outputs that nobody reads have no name. */
function nodesOf(e: Emitter, y: Tensor): NodeProto[] {
  const made = e.get(y);
  const isMade = e.nodes.some(({ output = [] }) => output.includes(made));
  const last = isMade ? made : e.node("Identity", [made]);
  const named = (name: string) => (name === last ? "y" : name);
  const read = new Set(["y"]);
  const nodes: NodeProto[] = [];
  for (const node of [...e.nodes].reverse()) {
    const output = (node.output ?? []).map(named).map((name) => (read.has(name) ? name : ""));
    while (output.at(-1) === "") output.pop();
    if (output.length === 0) continue;
    const input = (node.input ?? []).map(named);
    for (const name of input) read.add(name);
    nodes.push({ ...node, input, output });
  }
  return nodes.reverse();
}

function described(name: string, { dtype }: TensorType, sizes: readonly Size[]): ValueInfoProto {
  const dim = sizes.map((size) => {
    if (typeof size === "number") return { dimValue: size };
    return size.batches === 1 ? { dimParam: "batch" } : {};
  });
  return { name, type: { tensorType: { elemType: codeOf(dtype), shape: { dim } } } };
}
