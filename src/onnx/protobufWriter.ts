// Writes messages of a schema (protobuf.ts) in Protocol Buffers' encoding.
import { type Field, type Kind, type Message, type Schema, wire, wireOf } from "./protobuf.ts";

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
