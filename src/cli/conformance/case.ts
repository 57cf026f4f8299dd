// What the formats share: a case, its errors, and the tensors in a file (base64, little-endian, row-major).

import type { Device } from "../../device.ts";
import { UnsupportedError } from "../../shape/errors.ts";
import { allocate, type NdArray } from "../../shape/ndarray.ts";
import { type DType, numel } from "../../shape/types.ts";

/** Where cases run. */
export interface Environment {
  readonly device: Device;
  /** The bytes of an MNIST file, by its name. */
  readonly readMnist: (name: string) => Promise<Uint8Array>;
}

export interface Case {
  readonly name: string;
  readonly op: string;
  /** The worst error, as a multiple of what is tolerated: at most 1. Rejects with Mismatch beyond that, with UnsupportedError where the
   *  library has no such thing, and with any other error where the case or the library is wrong. */
  run(environment: Environment): Promise<number>;
}

/** A value is not as wanted. */
export class Mismatch extends Error {
  override name = "Mismatch";
  readonly worst: number;
  constructor(message: string, worst: number) {
    super(message);
    this.worst = worst;
  }
}

/** The case is not of its format. */
export class CaseError extends Error {
  override name = "CaseError";
}

/** The file is not of a known format. */
export class FileError extends Error {
  override name = "FileError";
}

export type Json = { readonly [key: string]: unknown };

export const isObject = (x: unknown): x is Json => typeof x === "object" && x !== null && !Array.isArray(x);

/** A field that must be a list. */
export function listOf(json: Json, field: string): readonly unknown[] {
  const value = json[field] ?? [];
  if (!Array.isArray(value)) throw new CaseError(`${field} must be a list, got ${JSON.stringify(value)?.slice(0, 40)}`);
  return value;
}

/** A field that must be a list of strings. */
export function namesOf(json: Json, field: string): readonly string[] {
  const list = listOf(json, field);
  if (!list.every((x) => typeof x === "string")) throw new CaseError(`${field} must be a list of names`);
  return list;
}

export interface Named {
  readonly name: string;
  readonly array: NdArray;
}

interface Encoding {
  readonly dtype: DType;
  readonly bytes: number;
  readonly read: (view: DataView, at: number) => number;
}

const big = (x: bigint): number => {
  if (x < -(2n ** 31n) || x >= 2n ** 32n) throw new UnsupportedError(`a 64-bit integer beyond 32 bits (${x})`);
  return Number(x);
};

const encodings: Record<string, Encoding> = {
  float16: { dtype: "f32", bytes: 2, read: (v, at) => half(v.getUint16(at, true)) },
  float32: { dtype: "f32", bytes: 4, read: (v, at) => v.getFloat32(at, true) },
  float64: { dtype: "f32", bytes: 8, read: (v, at) => v.getFloat64(at, true) },
  bool: { dtype: "bool", bytes: 1, read: (v, at) => Number(v.getUint8(at) !== 0) },
  int8: { dtype: "i32", bytes: 1, read: (v, at) => v.getInt8(at) },
  int16: { dtype: "i32", bytes: 2, read: (v, at) => v.getInt16(at, true) },
  int32: { dtype: "i32", bytes: 4, read: (v, at) => v.getInt32(at, true) },
  int64: { dtype: "i32", bytes: 8, read: (v, at) => big(v.getBigInt64(at, true)) },
  uint8: { dtype: "u32", bytes: 1, read: (v, at) => v.getUint8(at) },
  uint16: { dtype: "u32", bytes: 2, read: (v, at) => v.getUint16(at, true) },
  uint32: { dtype: "u32", bytes: 4, read: (v, at) => v.getUint32(at, true) },
  uint64: { dtype: "u32", bytes: 8, read: (v, at) => big(v.getBigUint64(at, true)) },
};

/** IEEE binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** The tensors of a list. 64-bit and 16-bit floats become f32, integers i32 or u32. */
export const decodeAll = (json: Json, field: string): Named[] => listOf(json, field).map(decode);

function decode(json: unknown): Named {
  if (!isObject(json)) throw new CaseError("a tensor must be an object with name, shape, dtype and data");
  const { name, shape, dtype, data } = json;
  if (typeof name !== "string") throw new CaseError("a tensor has no name");
  const isSize = (n: unknown) => typeof n === "number" && Number.isInteger(n) && n >= 0;
  if (!Array.isArray(shape) || !shape.every(isSize))
    throw new CaseError(`${name}: shape must be a list of sizes, got ${JSON.stringify(shape)}`);
  if (typeof dtype !== "string" || typeof data !== "string")
    throw new CaseError(`${name}: dtype and data must be strings`);
  const encoding = Object.hasOwn(encodings, dtype) ? encodings[dtype] : undefined;
  if (!encoding) throw new UnsupportedError(`dtype ${dtype}`);
  const view = base64(name, data);
  const n = numel(shape);
  if (view.byteLength !== n * encoding.bytes)
    throw new CaseError(
      `${name}: ${view.byteLength} bytes of data for ${dtype}[${shape}], which takes ${n * encoding.bytes}`,
    );
  const values = allocate(encoding.dtype, n);
  for (let i = 0; i < n; i++) values[i] = encoding.read(view, i * encoding.bytes);
  return { name, array: { dtype: encoding.dtype, shape: shape as number[], data: values } };
}

function base64(name: string, text: string): DataView {
  try {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return new DataView(bytes.buffer);
  } catch {
    throw new CaseError(`${name}: data is not base64`);
  }
}

/** Throws UnsupportedError if one holds nothing. */
export function requireElements(tensors: readonly Named[]): void {
  for (const { array } of tensors)
    if (array.data.length === 0) throw new UnsupportedError(`a tensor without elements ([${array.shape}])`);
}
