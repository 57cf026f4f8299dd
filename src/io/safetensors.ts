// safetensors: named arrays in one file, as Hugging Face defines it (https://github.com/huggingface/safetensors#format):
//
//   u64 N | N bytes of JSON: { "name": { "dtype", "shape", "data_offsets": [start, end] }, …, "__metadata__": { string: string } } | data
//
// A file may be made to deceive. Its header is read member by member, and nothing is decoded before it was asked for: opening a file takes less
// than twice its size (and some MB), whatever sizes it claims. An array takes 8 bytes a float and 4 an integer, as all arrays on the host do, and
// one a byte or boolean: that of 16-bit floats four times what it takes in the file.
import { FormatError, ValueError } from "../shape/errors.ts";
import { allocate, type NdArray } from "../shape/ndarray.ts";
import { numel, type TensorType } from "../shape/types.ts";
import { listed } from "./differences.ts";
import { type Fail, headerMembers, metadataName, parseJson } from "./header.ts";
import { type Storage, storageName, storages, store } from "./storage.ts";

/** An open file. */
export interface Safetensors {
  /** The texts of the header. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What the file holds, by name, in the order of the header. */
  readonly types: ReadonlyMap<string, TensorType>;
  /** The bytes of all arrays together. */
  readonly data: Uint8Array;
  /** Decodes an array. Throws ValueError if there is none of that name, FormatError if an integer of 64 bits does not fit in 32. */
  read(name: string): NdArray;
}

interface Entry extends TensorType {
  readonly storage: string;
  readonly start: number;
  readonly end: number;
}

/** In bytes. No header of a real file comes near. */
const longestHeader = 2 ** 24;
/** What an entry takes in memory, about. */
const entryBytes = (name: string, rank: number): number => 256 + 2 * name.length + 10 * rank;
/** What all entries may take whatever the size of the file. */
const freeBytes = 2 ** 22;
/** Decoded at a time. */
const chunk = 2 ** 16;

/** Opens a file. F64, F16 and BF16 read as f32, I8 … I64 as i32, U16 … U64 as u32. Throws FormatError on a file that is not what it should be;
 *  `what` names it. */
export function readSafetensors(bytes: Uint8Array, what = "file"): Safetensors {
  const fail = (message: string): never => {
    throw new FormatError(`safetensors: ${what}: ${message}`);
  };
  if (bytes.length < 8) fail(`is truncated, it has no header (${bytes.length} vs ≥ 8 bytes); get it again`);
  const { buffer, byteOffset, byteLength } = bytes;
  const length = Number(new DataView(buffer, byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8)
    fail(`is truncated or none, its header says ${length} bytes (vs ${bytes.length - 8} there are); get it again`);
  if (length > longestHeader) fail(`its header has ${length} bytes (vs at most ${longestHeader}); it is no model`);
  const data = new Uint8Array(buffer, byteOffset + 8 + length, byteLength - 8 - length); // of a Buffer, slice would not copy

  const entries = new Map<string, Entry>();
  let metadata: Record<string, string> | undefined;
  let taken = 0;
  for (const [name, text] of headerMembers(bytes.subarray(8, 8 + length), fail)) {
    if (name === metadataName) {
      if (metadata) fail("it has two __metadata__; get it again");
      metadata = parseJson(text, fail) as Record<string, string>;
      if (Object.values(metadata).some((v) => typeof v !== "string"))
        fail("its metadata are not all strings; correct it");
      continue;
    }
    if (entries.has(name)) fail(`it has two arrays ${name}; rename one`);
    const entry = checkEntry(name, parseJson(text, fail) as Record<string, unknown>, fail);
    taken += entryBytes(name, entry.shape.length);
    if (taken > 2 * byteLength + freeBytes)
      fail(
        `what it says of ${entries.size + 1} arrays takes more memory than its ${byteLength} bytes allow; it is no model`,
      );
    entries.set(name, entry);
  }
  checkRanges(entries, data.length, fail);
  return {
    metadata: metadata ?? {},
    types: entries,
    data,
    read(name) {
      const entry = entries.get(name);
      if (!entry)
        throw new ValueError(
          `safetensors: ${what}: has no array ${name}; it has ${listed([...entries.keys()]) || "none"}`,
        );
      const { storage, dtype, shape, start } = entry;
      const { bytes: size, read } = storages[storage] as Storage;
      const values = allocate(dtype, numel(shape));
      for (let i = 0; i < values.length; i += chunk) {
        const into = values.subarray(i, i + chunk);
        const from = start + size * i;
        read(data.slice(from, from + size * into.length).buffer, into); // a copy: data may lie anywhere
      }
      return { dtype, shape, data: values };
    },
  };
}

const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
const areSizes = (x: unknown): x is number[] => Array.isArray(x) && x.every(isSize);

function checkEntry(name: string, info: Record<string, unknown>, fail: Fail): Entry {
  const { dtype: storage, shape, data_offsets: offsets } = info;
  if (typeof storage !== "string" || !Object.hasOwn(storages, storage))
    return fail(`${name} holds ${String(storage)} values; they must be one of ${Object.keys(storages).join(", ")}`);
  if (!areSizes(shape)) return fail(`${name} has the shape ${JSON.stringify(shape)}; it must hold integers ≥ 0`);
  if (!areSizes(offsets) || offsets.length !== 2)
    return fail(`${name} lies at ${JSON.stringify(offsets)}; it must be [start, end]`);
  const [start, end] = offsets as [number, number];
  const { bytes, dtype } = storages[storage] as Storage;
  const size = bytes * numel(shape);
  if (size !== end - start)
    return fail(
      `${name}, ${storage} [${shape}], takes ${size} bytes (vs ${end - start} at ${start} … ${end}); get it again`,
    );
  return { dtype, shape, storage, start, end };
}

/** The arrays fill the data without a gap and do not overlap. */
function checkRanges(entries: ReadonlyMap<string, Entry>, length: number, fail: Fail): void {
  const entryOf = (name: string) => entries.get(name) as Entry;
  const order = (a: Entry, b: Entry) => a.start - b.start || a.end - b.end;
  let at = 0;
  for (const name of [...entries.keys()].sort((a, b) => order(entryOf(a), entryOf(b)))) {
    const { start, end } = entryOf(name);
    if (start !== at) fail(`${name} begins at byte ${start} (vs ${at}, where what is before it ends); get it again`);
    at = end;
  }
  if (at !== length) fail(`its arrays take ${at} bytes (vs ${length} there are); get it again`);
}

/** Options of writeSafetensors. */
export interface WriteOptions {
  /** Texts for the header. Default: none. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Keeps f32 values as the CPU reference has them, in 64 bits. Default: false. */
  readonly float64?: boolean;
}

/** The bytes of a file: the same for the same arrays, in whichever order they come. */
export function writeSafetensors(
  tensors: Readonly<Record<string, NdArray>> | ReadonlyMap<string, NdArray>,
  { metadata, float64 = false }: WriteOptions = {},
): Uint8Array<ArrayBuffer> {
  const given = tensors instanceof Map ? [...tensors] : Object.entries(tensors as Record<string, NdArray>);
  const order = Object.keys(storages);
  const placed = given.map(([name, array]) => {
    if (name === metadataName) throw new ValueError(`safetensors: no array can be called ${name}; rename it`);
    const storage = storageName(array.dtype, float64);
    return { name, array, storage, size: (storages[storage] as Storage).bytes };
  });
  placed.sort((a, b) => order.indexOf(a.storage) - order.indexOf(b.storage) || (a.name < b.name ? -1 : 1));
  const header: Record<string, unknown> = Object.create(null); // an array may be called __proto__
  if (metadata) header[metadataName] = metadata;
  let end = 0;
  for (const { name, array, storage, size } of placed) {
    const start = end;
    end += size * array.data.length;
    header[name] = { dtype: storage, shape: array.shape, data_offsets: [start, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const dataAt = 8 * Math.ceil((8 + json.length) / 8);
  const bytes = new Uint8Array(dataAt + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(dataAt - 8), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, dataAt);
  let at = dataAt;
  for (const { array, size } of placed) {
    store(array, float64, bytes.buffer, at);
    at += size * array.data.length;
  }
  return bytes;
}
