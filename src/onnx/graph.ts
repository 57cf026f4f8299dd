// What a file's graph is made of, checked: values, initialisers and steps, each step after those that it reads. Nothing here depends on the
// shapes of inputs.
import { FormatError, UnsupportedError } from "../shape/errors.ts";
import type { NdArray } from "../shape/ndarray.ts";
import type { DType } from "../shape/types.ts";
import { Attributes } from "./attributes.ts";
import { builders } from "./builders/index.ts";
import {
  type AttributeProto,
  attributeTypes,
  type GraphProto,
  model,
  type NodeProto,
  type ValueInfoProto,
} from "./model.ts";
import type { Builder } from "./operator.ts";
import { Budget, decode, text } from "./protobuf.ts";
import { dtypeOf, readTensor } from "./tensors.ts";

/** An input or output of a graph. */
export interface OnnxValue {
  /** Its name in the file. */
  readonly name: string;
  /** Floats are f32; int64 is i32. */
  readonly dtype: DType;
  /** Sizes; a name where a size is left open ("batch"), which is "" if it has none. Undefined if the file leaves even the rank open. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** A node of the file. */
export interface Step {
  readonly name: string;
  readonly op: string;
  readonly build: Builder;
  readonly attributes: Attributes;
  /** Names of values; "" is none. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface CheckedGraph {
  readonly name: string;
  readonly opset: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initialisers: ReadonlyMap<string, NdArray>;
  readonly steps: readonly Step[];
}

/** Elements of a tensor whose value is known when the graph is made: shapes, axes, bounds. */
export const mostKnown = 4096;
/** What may be made of a file besides twice its size: nodes take more as objects than as bytes. */
const slack = 2 ** 24;
const opsets = { least: 7, most: 28 };

/** The graph in the bytes of a file. Throws FormatError if they are none, UnsupportedError on what the library does not have. */
export function readGraph(file: Uint8Array): CheckedGraph {
  const budget = new Budget(2 * file.length + slack);
  const { graph, opsetImport = [] } = decode(model, file, budget);
  if (!graph)
    throw new FormatError(`onnx: the file holds no graph (${file.length} bytes); it is no ONNX file, or damaged`);
  if (graph.sparseInitializer) throw new UnsupportedError("onnx: the graph has sparse tensors; store them densely");
  const opset = opsetImport.find(({ domain = "" }) => isStandard(domain))?.version ?? 0;
  if (opset < opsets.least || opset > opsets.most)
    throw new UnsupportedError(
      `onnx: the file is of opset ${opset} (vs ${opsets.least} … ${opsets.most}); export it with another opset`,
    );
  const initialisers = new Map<string, NdArray>();
  for (const proto of graph.initializer ?? []) {
    claim(initialisers, proto.name, "initialiser");
    initialisers.set(proto.name as string, readTensor(proto, budget));
  }
  const inputs = (graph.input ?? []).filter(({ name = "" }) => !initialisers.has(name)).map(describe);
  const made = new Set([...initialisers.keys(), ...inputs.map(({ name }) => name)]);
  const steps = stepsOf(graph, made, initialisers, budget);
  const outputs = (graph.output ?? []).map(describe);
  if (outputs.length === 0) throw new FormatError("onnx: the graph has no output; it is damaged");
  return { name: graph.name ?? "", opset, inputs, outputs, initialisers, steps };
}

const isStandard = (domain: string): boolean => domain === "" || domain === "ai.onnx";

function claim(taken: { has(name: string): boolean }, name: string | undefined, what: string): void {
  if (!name) throw new FormatError(`onnx: an ${what} has no name; the file is damaged`);
  if (taken.has(name)) throw new FormatError(`onnx: two values are called ${name}; the file is damaged`);
}

function describe({ name, type }: ValueInfoProto): OnnxValue {
  if (!name) throw new FormatError("onnx: an input or output has no name; the file is damaged");
  const tensor = type?.tensorType;
  if (!tensor) throw new UnsupportedError(`onnx: ${name} is no tensor; use a model of tensors`);
  const shape =
    tensor.shape &&
    (tensor.shape.dim ?? []).map(({ dimValue = 0, dimParam = "" }) => (dimValue > 0 ? dimValue : dimParam));
  return { name, dtype: dtypeOf(tensor.elemType, name), shape };
}

/** The nodes, in the file's order: ONNX wants each after those that it reads, which rules out cycles. A large constant becomes an
 *  initialiser. */
function stepsOf(graph: GraphProto, made: Set<string>, initialisers: Map<string, NdArray>, budget: Budget): Step[] {
  const steps: Step[] = [];
  for (const node of graph.node ?? []) {
    const step = stepOf(node, budget);
    for (const input of step.inputs)
      if (input !== "" && !made.has(input))
        throw new FormatError(
          `onnx: ${labelOf(step)} reads ${input} before it is made; sort the nodes, and break cycles`,
        );
    for (const output of step.outputs) {
      if (output === "") continue;
      claim(made, output, "output");
      made.add(output);
    }
    const { op, attributes, outputs } = step;
    const value = op === "Constant" && attributes.has("value") ? attributes.array("value") : undefined;
    if (value && value.data.length > mostKnown && outputs[0]) initialisers.set(outputs[0], value);
    else steps.push(step);
  }
  for (const { name = "" } of graph.output ?? [])
    if (!made.has(name)) throw new FormatError(`onnx: no node makes the output ${name}; the file is damaged`);
  return steps;
}

/** What messages call a node. */
export const labelOf = ({ name, op, outputs }: Pick<Step, "name" | "op" | "outputs">): string =>
  `${name ? `node ${name}` : `the node of ${outputs[0] ?? "nothing"}`} (${op})`;

function stepOf(
  { name = "", opType: op = "", domain = "", input = [], output = [], attribute = [] }: NodeProto,
  budget: Budget,
): Step {
  const build = isStandard(domain) && Object.hasOwn(builders, op) ? builders[op] : undefined;
  if (!build)
    throw new UnsupportedError(
      `onnx: ${labelOf({ name, op, outputs: output })} is of an operator that the library does not have, ${op} of ${domain || "ai.onnx"}; express it with others`,
    );
  const attributes = new Attributes(
    Object.fromEntries(attribute.map((a) => [a.name ?? "", attributeValue(a, budget)])),
  );
  return { name, op, build, attributes, inputs: input, outputs: output };
}

function attributeValue(a: AttributeProto, budget: Budget): unknown {
  switch (a.type) {
    case attributeTypes.FLOAT:
      return a.f ?? 0;
    case attributeTypes.INT:
      return a.i ?? 0;
    case attributeTypes.STRING:
      return a.s ? text(a.s) : "";
    case attributeTypes.TENSOR:
      return a.t && readTensor(a.t, budget);
    case attributeTypes.FLOATS:
      return a.floats ?? [];
    case attributeTypes.INTS:
      return a.ints ?? [];
    case attributeTypes.STRINGS:
      return (a.strings ?? []).map(text);
    default:
      return undefined; // graphs and types, which no operator here takes
  }
}
