// Protocol Buffers, as much as ONNX needs: a schema is a table of fields, from which messages are read and written and their types follow.
// https://protobuf.dev/programming-guides/encoding/
//
// The reader trusts nothing: a length is checked against the bytes that are left before anything is made, arrays of numbers and bytes
// stay views of the file, and depth is that of the schema, whatever the file nests. What the schema does not name is skipped.
import { FormatError } from "../shape/errors.ts";

type Kind = "int" | "float" | "string" | "bytes" | "packed" | Schema;

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

const wire = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;
const wireOf = (kind: Kind): number =>
  kind === "int" ? wire.varint : kind === "float" ? wire.fixed32 : wire.delimited;

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

/** The message in these bytes. Throws FormatError if they hold none. */
export function decode<S extends Schema>(schema: S, data: Uint8Array): Message<S> {
  const names = namesOf(schema);
  const reader = new Reader(data);
  const result: Record<string, unknown> = {};
  while (!reader.ended) {
    const tag = reader.varint();
    const [number, type] = [Math.floor(tag / 8), tag & 7];
    if (number < 1) throw new FormatError(`onnx: a field has the number ${number}; it is no ONNX file, or damaged`);
    const name = names.get(number);
    if (name === undefined) reader.skip(type);
    else readField(reader, name, schema[name] as Field, type, result);
  }
  return result as Message<S>;
}

function readField(
  reader: Reader,
  name: string,
  { kind, repeated }: Field,
  type: number,
  result: Record<string, unknown>,
) {
  const numbers = kind === "int" || kind === "float";
  // numbers of a list stand one by one, or all in one piece
  const list = repeated && numbers && type === wire.delimited;
  if (type !== wireOf(kind) && !list)
    throw new FormatError(`onnx: ${name} has wire type ${type} (vs ${wireOf(kind)}); it is no ONNX file, or damaged`);
  if (!repeated) {
    result[name] = readValue(reader, kind);
    return;
  }
  const all = (result[name] ??= []) as unknown[];
  if (!list) {
    all.push(readValue(reader, kind));
    return;
  }
  const part = new Reader(reader.delimited());
  while (!part.ended) all.push(readValue(part, kind));
}

function readValue(reader: Reader, kind: Kind): unknown {
  if (kind === "int") return reader.varint();
  if (kind === "float") return reader.float();
  const part = reader.delimited();
  if (kind === "bytes" || kind === "packed") return part;
  return kind === "string" ? text(part) : decode(kind, part);
}

const encoder = new TextEncoder();

/** The bytes of a message: its size first, then one pass that writes into an array of that size. */
export function encode<S extends Schema>(schema: S, value: Message<S>): Uint8Array {
  const sizes = new Map<unknown, number>();
  const writer = new Writer(sizeOf(schema, value, sizes), sizes);
  writer.message(schema, value);
  return writer.bytes;
}

const varintSize = (x: number): number => {
  if (x < 0) return 10;
  let size = 1;
  for (let rest = x; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
};

const valuesOf = ({ repeated }: Field, value: unknown): readonly unknown[] =>
  value === undefined ? [] : repeated ? (value as unknown[]) : [value];

/** The size of a message; those of the messages within it are noted. */
function sizeOf(schema: Schema, value: Message<Schema>, sizes: Map<unknown, number>): number {
  let size = 0;
  for (const [name, field] of Object.entries(schema))
    for (const one of valuesOf(field, value[name])) {
      const content = contentSize(field.kind, one, sizes);
      const length = wireOf(field.kind) === wire.delimited ? varintSize(content) : 0;
      size += varintSize(field.number * 8) + length + content;
    }
  sizes.set(value, size);
  return size;
}

function contentSize(kind: Kind, value: unknown, sizes: Map<unknown, number>): number {
  if (kind === "int") return varintSize(value as number);
  if (kind === "float") return 4;
  if (kind === "string") return encoder.encode(value as string).length;
  if (kind === "bytes" || kind === "packed") return (value as Uint8Array).length;
  return sizeOf(kind, value as Message<Schema>, sizes);
}

class Writer {
  readonly bytes: Uint8Array;
  readonly #sizes: ReadonlyMap<unknown, number>;
  #at = 0;

  constructor(size: number, sizes: ReadonlyMap<unknown, number>) {
    this.bytes = new Uint8Array(size);
    this.#sizes = sizes;
  }

  message(schema: Schema, value: Message<Schema>): void {
    for (const [name, field] of Object.entries(schema))
      for (const one of valuesOf(field, value[name])) {
        this.#varint(field.number * 8 + wireOf(field.kind));
        this.#value(field.kind, one);
      }
  }

  #value(kind: Kind, value: unknown): void {
    if (kind === "int") this.#varint(value as number);
    else if (kind === "float") {
      new DataView(this.bytes.buffer).setFloat32(this.#at, value as number, true);
      this.#at += 4;
    } else if (kind === "string") this.#delimited(encoder.encode(value as string));
    else if (kind === "bytes" || kind === "packed") this.#delimited(value as Uint8Array);
    else {
      this.#varint(this.#sizes.get(value) as number);
      this.message(kind, value as Message<Schema>);
    }
  }

  #delimited(part: Uint8Array): void {
    this.#varint(part.length);
    this.bytes.set(part, this.#at);
    this.#at += part.length;
  }

  #varint(x: number): void {
    let rest = BigInt.asUintN(64, BigInt(x));
    for (; rest >= 128n; rest >>= 7n) this.bytes[this.#at++] = Number(rest & 127n) | 128;
    this.bytes[this.#at++] = Number(rest);
  }
}
