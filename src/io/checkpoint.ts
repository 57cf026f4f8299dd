// Checkpoints: all that a training goes on from, as a safetensors file. Its arrays are the state, under their paths (`params.dense0.weight`,
// `optimizer.m.dense0.weight`, `model.…`, `step`, `history`), in wgrad's own layouts. The generator is counter-based and so is the sampler:
// seed and step give the random state and the position in the data. Metadata:
//
//   wgrad.checkpoint   version of this format
//   config             JSON: what must be equal for training to go on bit for bit
//   computes           JSON: what model, loss and optimizer compute, which must be equal too
//   checksum           CRC-32 of the rest, in hexadecimal
import { leaves, mapTree, type Tree } from "../graph/tree.ts";
import { CheckpointError, FormatError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import { isType } from "../trace.ts";
import { crc32 } from "./crc32.ts";
import { type Config, type Descriptions, differences, differentlyDescribed, differing, listed } from "./differences.ts";
import { parseJson } from "./header.ts";
import { readSafetensors, type Safetensors, writeSafetensors } from "./safetensors.ts";

export interface Checkpoint {
  readonly config: Config;
  readonly computes: Descriptions;
  readonly file: Safetensors;
}

const mark = "wgrad.checkpoint";
const version = "2";
const blank = "00000000";
/** In characters: what JSON says takes many times the memory of its text. */
const longestJson = 2 ** 16;
/** Where the checksum stands: metadata come first, and it first in them. */
const checksumAt = 8 + '{"__metadata__":{"checksum":"'.length;

const text = new TextEncoder();

/** Of everything in the file but itself. */
function checksumOf({ metadata: { checksum: _, ...metadata }, types, data }: Safetensors): string {
  let sum = crc32(text.encode(`[${JSON.stringify(metadata)}`));
  for (const entry of types) sum = crc32(text.encode(`,${JSON.stringify(entry)}`), sum); // never a text of all
  sum = crc32(text.encode("]"), sum);
  return crc32(data, sum).toString(16).padStart(8, "0");
}

/** The bytes of a checkpoint. `float64` keeps what the CPU reference computes. */
export function writeCheckpoint(
  { config, computes }: Pick<Checkpoint, "config" | "computes">,
  state: Tree<NdArray>,
  float64: boolean,
): Uint8Array<ArrayBuffer> {
  const arrays = new Map(leaves(state, isNdArray).map(({ path, value }) => [path, value]));
  const texts = { config: JSON.stringify(config), computes: JSON.stringify(computes) };
  const metadata = { checksum: blank, [mark]: version, ...texts };
  const bytes = writeSafetensors(arrays, { metadata, float64 });
  bytes.set(text.encode(checksumOf(readSafetensors(bytes))), checksumAt);
  return bytes;
}

/** Opens a checkpoint. Throws FormatError if the bytes are none, or damaged; CheckpointError if they are of another version of the format. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const file = readSafetensors(bytes, "checkpoint");
  const { [mark]: found, config, computes, checksum } = file.metadata;
  if (found === undefined)
    throw new FormatError(
      "checkpoint: the file is safetensors and no checkpoint; weights alone are loaded with loadWeights",
    );
  if (found !== version)
    throw new CheckpointError(
      `checkpoint: it has another version of the format (${found} vs ${version}); load it with the wgrad that wrote it`,
    );
  const sum = checksumOf(file);
  if (sum !== checksum)
    throw new FormatError(`checkpoint: it is damaged, its checksum differs (${sum} vs ${checksum}); take another copy`);
  const isPlain = (value: unknown) => typeof value === "string" || typeof value === "number";
  const areTexts = (value: unknown) => Array.isArray(value) && value.every((part) => typeof part === "string");
  return { config: parse(config, isPlain), computes: parse(computes, areTexts), file };
}

/** An object of such values. */
function parse<T>(json = "", isValue: (value: unknown) => boolean): Readonly<Record<string, T>> {
  const fail = () => {
    throw new FormatError(`checkpoint: its configuration is none, ${json.slice(0, 40)}; take another copy`);
  };
  if (json.length > longestJson) fail();
  const parsed = parseJson(json, fail) as Record<string, T> | null;
  return typeof parsed === "object" && parsed && Object.values(parsed).every(isValue) ? parsed : fail();
}

/** The state in a checkpoint, in the form of `types`. Throws CheckpointError, which says all that differs, unless the checkpoint has this
 *  configuration and these arrays; what is computed is compared where those are equal, as it follows from them. */
export function stateOf(
  { config, computes, file }: Checkpoint,
  wanted: Pick<Checkpoint, "config" | "computes">,
  types: Tree<TensorType>,
): Tree<NdArray> {
  const arrays = new Map(leaves(types, isType).map(({ path, value }) => [path, value]));
  const given = [...differing(config, wanted.config), ...differences(file.types, arrays)];
  const all = given.length ? given : differentlyDescribed(computes, wanted.computes);
  if (all.length)
    throw new CheckpointError(
      `checkpoint: it is of another training, it has ${listed(all)}; make the trainer as it was`,
    );
  return mapTree<unknown, TensorType, NdArray>(types, isType, (_, path) => file.read(path)) as Tree<NdArray>;
}
