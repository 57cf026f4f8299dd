// Tensors of a file, to and from host arrays. Floats become f32; integers i32, u32 or u8. The library has no integers of 64 bits: those
// of a file that mean "to the end" (beyond ±2⁶²) become ±(2³¹ − 1), others beyond 32 bits are refused.
import { FormatError, UnsupportedError } from "../shape/errors.ts";
import { allocate, type NdArray, type NdData } from "../shape/ndarray.ts";
import { type DType, numel } from "../shape/types.ts";
import type { TensorProto } from "./model.ts";
import { type Budget, Reader } from "./protobuf.ts";

interface ElementType {
  readonly name: string;
  readonly code: number;
  readonly dtype: DType;
  /** Of an element in rawData. */
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
  /** The field that holds elements where rawData does not. */
  readonly field: "floatData" | "int32Data" | "int64Data" | "doubleData" | "uint64Data";
}

/** An integer of 64 bits as one of 32. */
function narrow(x: bigint | number): number {
  const value = Number(x);
  if (Math.abs(value) >= 2 ** 62) return Math.sign(value) * (2 ** 31 - 1);
  if (value < -(2 ** 31) || value >= 2 ** 31)
    throw new UnsupportedError(`onnx: an integer needs more than 32 bits (${value}); export the model with int32`);
  return value;
}

const elementTypes: readonly ElementType[] = [
  { name: "float", code: 1, dtype: "f32", bytes: 4, read: (v, at) => v.getFloat32(at, true), field: "floatData" },
  { name: "uint8", code: 2, dtype: "u8", bytes: 1, read: (v, at) => v.getUint8(at), field: "int32Data" },
  { name: "int32", code: 6, dtype: "i32", bytes: 4, read: (v, at) => v.getInt32(at, true), field: "int32Data" },
  {
    name: "int64",
    code: 7,
    dtype: "i32",
    bytes: 8,
    read: (v, at) => narrow(v.getBigInt64(at, true)),
    field: "int64Data",
  },
  { name: "bool", code: 9, dtype: "bool", bytes: 1, read: (v, at) => Number(v.getUint8(at) !== 0), field: "int32Data" },
  { name: "double", code: 11, dtype: "f32", bytes: 8, read: (v, at) => v.getFloat64(at, true), field: "doubleData" },
  { name: "uint32", code: 12, dtype: "u32", bytes: 4, read: (v, at) => v.getUint32(at, true), field: "uint64Data" },
];

/** The dtype of an element type. Throws UnsupportedError if the library has none. */
export function dtypeOf(code: number | undefined, what: string): DType {
  return elementTypeOf(code, what).dtype;
}

/** The element type of a dtype. */
export const codeOf = (dtype: DType): number => elementTypes.find((e) => e.dtype === dtype)!.code;

function elementTypeOf(code: number | undefined, what: string): ElementType {
  const found = elementTypes.find((e) => e.code === code);
  if (!found)
    throw new UnsupportedError(
      `onnx: ${what} has element type ${code}; use one of ${elementTypes.map((e) => `${e.name} (${e.code})`).join(", ")}`,
    );
  return found;
}

/** The host array of a tensor of the file. Throws FormatError if its sizes and its data do not fit, UnsupportedError on a type that the
 *  library does not have and on data in another file. */
export function readTensor(proto: TensorProto, budget: Budget): NdArray {
  const { dims = [], name = "" } = proto;
  const what = `tensor ${name}`;
  const element = elementTypeOf(proto.dataType, what);
  if (proto.dataLocation === 1)
    throw new UnsupportedError(`onnx: the data of ${what} are in another file; export the model as one file`);
  if (dims.some((d) => !Number.isSafeInteger(d) || d < 0))
    throw new FormatError(`onnx: ${what} has sizes [${dims.slice(0, 9)}]; the file is damaged`);
  const n = numel(dims);
  const { rawData, [element.field]: listed } = proto;
  const stored = rawData ?? listed ?? new Uint8Array(0);
  const fixed = rawData !== undefined || element.field === "floatData" || element.field === "doubleData";
  // a number of a list takes at least a byte
  if (fixed ? n * element.bytes !== stored.length : n > stored.length)
    throw new FormatError(
      `onnx: ${what} has sizes [${dims.slice(0, 9)}] and ${stored.length} bytes of data (vs ${fixed ? n * element.bytes : `≥ ${n}`}); the file is damaged`,
    );
  budget.take(n * allocate(element.dtype, 0).BYTES_PER_ELEMENT);
  const data = allocate(element.dtype, n);
  if (!fixed) readVarints(stored, data, element, what);
  else {
    const view = new DataView(stored.buffer, stored.byteOffset, stored.length);
    for (let i = 0; i < n; i++) data[i] = element.read(view, i * element.bytes);
  }
  return { dtype: element.dtype, shape: dims, data };
}

function readVarints(list: Uint8Array, data: NdData, { field }: ElementType, what: string): void {
  const reader = new Reader(list);
  for (let i = 0; i < data.length; i++) {
    if (reader.ended)
      throw new FormatError(`onnx: ${what} holds ${i} numbers (vs ${data.length}); the file is damaged`);
    const value = reader.varint();
    data[i] = field === "int64Data" ? narrow(value) : value;
  }
  if (!reader.ended) throw new FormatError(`onnx: ${what} holds more than ${data.length} numbers; the file is damaged`);
}

/** A tensor of the file, of a host array. */
export function writeTensor(name: string, { dtype, shape, data }: NdArray): TensorProto {
  const raw = dtype === "f32" ? new Float32Array(data) : data;
  return {
    name,
    dims: [...shape],
    dataType: codeOf(dtype),
    rawData: new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength),
  };
}

/** A tensor of int64 [n], as shapes and axes are. */
export function writeInts(name: string, values: readonly number[]): TensorProto {
  const raw = new BigInt64Array(values.map(BigInt));
  return { name, dims: [values.length], dataType: 7, rawData: new Uint8Array(raw.buffer) };
}
