// ONNX's messages, as far as tensors, nodes and graphs go: no control flow, no sparse tensors, no functions. What of these a file holds is
// not read, and so costs nothing. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import {
  byteStrings,
  bytes,
  float,
  floats,
  int,
  ints,
  type Message,
  message,
  messages,
  packed,
  string,
  strings,
} from "./protobuf.ts";

const tensor = {
  dims: ints(1),
  dataType: int(2),
  floatData: packed(4),
  int32Data: packed(5),
  int64Data: packed(7),
  name: string(8),
  rawData: bytes(9),
  doubleData: packed(10),
  uint64Data: packed(11),
  dataLocation: int(14),
};
export type TensorProto = Message<typeof tensor>;

const attribute = {
  name: string(1),
  f: float(2),
  i: int(3),
  s: bytes(4),
  t: message(tensor, 5),
  floats: floats(7),
  ints: ints(8),
  strings: byteStrings(9),
  type: int(20),
};
export type AttributeProto = Message<typeof attribute>;

/** Values of AttributeProto.type. */
export const attributeTypes = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, FLOATS: 6, INTS: 7, STRINGS: 8 } as const;

const node = {
  input: strings(1),
  output: strings(2),
  name: string(3),
  opType: string(4),
  attribute: messages(attribute, 5),
  domain: string(7),
};
export type NodeProto = Message<typeof node>;

const dimension = { dimValue: int(1), dimParam: string(2) };
const shape = { dim: messages(dimension, 1) };
const tensorType = { elemType: int(1), shape: message(shape, 2) };
const type = { tensorType: message(tensorType, 1) };
const value = { name: string(1), type: message(type, 2) };
export type ValueInfoProto = Message<typeof value>;

const graph = {
  node: messages(node, 1),
  name: string(2),
  initializer: messages(tensor, 5),
  input: messages(value, 11),
  output: messages(value, 12),
  sparseInitializer: byteStrings(15),
};
export type GraphProto = Message<typeof graph>;

const opset = { domain: string(1), version: int(2) };

/** The whole file. */
export const model = {
  irVersion: int(1),
  producerName: string(2),
  graph: message(graph, 7),
  opsetImport: messages(opset, 8),
};
export type ModelProto = Message<typeof model>;
