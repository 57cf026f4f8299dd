// ONNX files made by hand, as other exporters write them, and a look into files.
import { type AttributeProto, attributeTypes, type GraphProto, model, type NodeProto } from "../src/onnx/model.ts";
import { Budget, decode } from "../src/onnx/protobuf.ts";
import { encode } from "../src/onnx/protobufWriter.ts";
import { codeOf, writeInts, writeTensor } from "../src/onnx/tensors.ts";
import { type NdArray, ndarray } from "../src/shape/ndarray.ts";
import { f32, type TensorType } from "../src/shape/types.ts";

type Attribute = number | readonly number[] | string | NdArray | { readonly float: number };

/** A node: its inputs and outputs are names, apart by blanks; "-" is none. */
export function node(
  op: string,
  inputs: string,
  outputs: string,
  attributes: Record<string, Attribute> = {},
): NodeProto {
  const names = (list: string) =>
    list
      .split(" ")
      .filter(Boolean)
      .map((name) => (name === "-" ? "" : name));
  return {
    opType: op,
    input: names(inputs),
    output: names(outputs),
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function attribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === "number") return { name, type: attributeTypes.INT, i: value };
  if (typeof value === "string") return { name, type: attributeTypes.STRING, s: new TextEncoder().encode(value) };
  if ("float" in value) return { name, type: attributeTypes.FLOAT, f: value.float };
  if ("data" in value) return { name, type: attributeTypes.TENSOR, t: writeTensor("", value) };
  return { name, type: attributeTypes.INTS, ints: value };
}

export interface FileParts {
  readonly nodes: readonly NodeProto[];
  /** Weights; a list is of int64. */
  readonly initialisers?: Readonly<Record<string, NdArray | readonly number[]>>;
  readonly inputs: Readonly<Record<string, TensorType>>;
  readonly outputs: readonly string[];
  readonly opset?: number;
  readonly graph?: GraphProto;
}

/** The bytes of a file; a size 0 of an input is open. */
export function fileOf({ nodes, initialisers = {}, inputs, outputs, opset = 20, graph = {} }: FileParts): Uint8Array {
  const value = (name: string, { dtype, shape }: TensorType) => {
    const dim = shape.map((n) => (n === 0 ? { dimParam: "n" } : { dimValue: n }));
    return { name, type: { tensorType: { elemType: codeOf(dtype), shape: { dim } } } };
  };
  return encode(model, {
    irVersion: 9,
    opsetImport: [{ version: opset }],
    graph: {
      name: "made by hand",
      node: nodes,
      initializer: Object.entries(initialisers).map(([name, v]) =>
        "data" in v ? writeTensor(name, v) : writeInts(name, v),
      ),
      input: Object.entries(inputs).map(([name, type]) => value(name, type)),
      output: outputs.map((name) => value(name, f32(0))),
      ...graph,
    },
  });
}

/** The graph in a file. */
export const graphOf = (file: Uint8Array): GraphProto => decode(model, file, new Budget(1e9)).graph as GraphProto;

/** Operators of a file in order, without constants. */
export const operatorsOf = (file: Uint8Array): string =>
  (graphOf(file).node ?? [])
    .map(({ opType }) => opType)
    .filter((op) => op !== "Constant")
    .join(" ");

/** Names and sizes of the initialisers. */
export const weightsOf = (file: Uint8Array): string[] =>
  (graphOf(file).initializer ?? []).map(({ name, dims = [] }) => `${name} [${dims}]`);

/** Values that are neither regular nor large. */
export const wave = (type: TensorType, seed = 0): NdArray =>
  ndarray(type, (i) => Math.fround(Math.sin(1.7 * i + seed)));
