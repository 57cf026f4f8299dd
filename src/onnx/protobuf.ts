// Protocol Buffers, as much as ONNX needs: a schema is a table of fields, from which messages are read and written and their types follow.
// https://protobuf.dev/programming-guides/encoding/
//
// The reader (the writer is protobufWriter.ts) trusts nothing: a length is checked against the bytes that are left before anything is made, arrays of numbers and bytes
// stay views of the file, and depth is that of the schema, whatever the file nests. What the schema does not name is skipped.
import { FormatError } from "../shape/errors.ts";

export type Kind = "int" | "float" | "string" | "bytes" | "packed" | Schema;

/** A field of values V. `int` is a varint of 64 bits, signed; a number of the file that is not exact in float64 is the nearest one.
 *  `packed` is the bytes of an array of numbers. */
export interface Field<V = unknown> {
  readonly number: number;
  readonly kind: Kind;
  readonly repeated: boolean;
  /** Only a type. */
  readonly value?: V;
}

export type Schema = { readonly [name: string]: Field };

/** A message of a schema; a field that is absent is undefined. */
export type Message<S extends Schema> = { readonly [K in keyof S]?: S[K] extends Field<infer V> ? V : never };

const field =
  <V>(kind: Kind, repeated = false) =>
  (number: number): Field<V> => ({ number, kind, repeated });

export const int: (number: number) => Field<number> = field("int");
export const ints: (number: number) => Field<readonly number[]> = field("int", true);
export const float: (number: number) => Field<number> = field("float");
export const floats: (number: number) => Field<readonly number[]> = field("float", true);
export const string: (number: number) => Field<string> = field("string");
export const strings: (number: number) => Field<readonly string[]> = field("string", true);
export const bytes: (number: number) => Field<Uint8Array> = field("bytes");
export const byteStrings: (number: number) => Field<readonly Uint8Array[]> = field("bytes", true);
export const packed: (number: number) => Field<Uint8Array> = field("packed");
export const message = <S extends Schema>(schema: S, number: number): Field<Message<S>> =>
  field<Message<S>>(schema)(number);
export const messages = <S extends Schema>(schema: S, number: number): Field<readonly Message<S>[]> =>
  field<readonly Message<S>[]>(schema, true)(number);

export const wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;
export const wireOf = (kind: Kind): number =>
  kind === "int" ? wire.varint : kind === "float" ? wire.fixed32 : wire.delimited;

/** Bytes that what is made from a file may still take. Lengths that lie are caught as they are read; this bounds what small encodings grow
 *  to: empty messages, lists of small numbers. */
export class Budget {
  #left: number;
  constructor(bytes: number) {
    this.#left = bytes;
  }
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0)
      throw new FormatError("onnx: what the file holds takes more than twice its size; store tensors as raw data");
  }
}

/** What values take in memory, about. */
const cost = { message: 80, number: 16, text: 24, view: 120 } as const;

/** Reads varints, and the rest of a message, from a part of a file. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  #advance(count: number): number {
    const left = this.#bytes.length - this.#at;
    if (count > left)
      throw new FormatError(
        `onnx: the file is cut off or damaged (${left} bytes left vs ${count} announced); get it again`,
      );
    this.#at += count;
    return this.#at - count;
  }

  /** A signed integer of 64 bits. */
  varint(): number {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#advance(1)] as number;
      low |= (byte & 127) << shift;
      if (byte < 128) return low;
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#advance(1)] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return Number(BigInt.asIntN(64, value));
    }
    throw new FormatError("onnx: an integer is longer than 64 bits; the file is damaged");
  }

  float(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  /** A view of the next bytes, after their length. */
  delimited(): Uint8Array {
    const length = this.varint();
    if (length < 0) throw new FormatError(`onnx: a length is negative (${length}); the file is damaged`);
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  skip(type: number): void {
    if (type === wire.varint) this.varint();
    else if (type === wire.fixed64) this.#advance(8);
    else if (type === wire.delimited) this.delimited();
    else if (type === wire.fixed32) this.#advance(4);
    else throw new FormatError(`onnx: a field has wire type ${type}; it is no ONNX file, or damaged`);
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Text of UTF-8. Throws FormatError if it is none. */
export function text(utf8: Uint8Array): string {
  try {
    return decoder.decode(utf8);
  } catch {
    throw new FormatError("onnx: a text is not UTF-8; it is no ONNX file, or damaged");
  }
}

const numbered = new WeakMap<Schema, Map<number, string>>();

/** The names of a schema's fields, by number. */
function namesOf(schema: Schema): Map<number, string> {
  let names = numbered.get(schema);
  if (!names) numbered.set(schema, (names = new Map(Object.entries(schema).map(([name, f]) => [f.number, name]))));
  return names;
}

/** The message in these bytes. Throws FormatError if they hold none, or more than the budget. */
export function decode<S extends Schema>(schema: S, data: Uint8Array, budget: Budget): Message<S> {
  budget.take(cost.message);
  const names = namesOf(schema);
  const reader = new Reader(data);
  const result: Record<string, unknown> = {};
  while (!reader.ended) {
    const tag = reader.varint();
    const [number, type] = [Math.floor(tag / 8), tag & 7];
    if (number < 1) throw new FormatError(`onnx: a field has the number ${number}; it is no ONNX file, or damaged`);
    const name = names.get(number);
    if (name === undefined) reader.skip(type);
    else readField(reader, name, schema[name] as Field, type, result, budget);
  }
  return result as Message<S>;
}

function readField(
  reader: Reader,
  name: string,
  { kind, repeated }: Field,
  type: number,
  result: Record<string, unknown>,
  budget: Budget,
): void {
  const numbers = kind === "int" || kind === "float";
  // numbers of a list stand one by one, or all in one piece
  const list = repeated && numbers && type === wire.delimited;
  if (type !== wireOf(kind) && !list)
    throw new FormatError(`onnx: ${name} has wire type ${type} (vs ${wireOf(kind)}); it is no ONNX file, or damaged`);
  if (!repeated) {
    result[name] = readValue(reader, kind, budget);
    return;
  }
  const all = (result[name] ??= []) as unknown[];
  if (!list) {
    all.push(readValue(reader, kind, budget));
    return;
  }
  const part = new Reader(reader.delimited());
  while (!part.ended) all.push(readValue(part, kind, budget));
}

function readValue(reader: Reader, kind: Kind, budget: Budget): unknown {
  if (kind === "int" || kind === "float") {
    budget.take(cost.number);
    return kind === "int" ? reader.varint() : reader.float();
  }
  const part = reader.delimited();
  if (typeof kind === "object") return decode(kind, part, budget);
  budget.take(kind === "string" ? cost.text + part.length : cost.view);
  return kind === "string" ? text(part) : part;
}
