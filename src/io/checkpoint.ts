// Checkpoints: all that a training goes on from, as a safetensors file. Its arrays are the state, under their paths (`params.dense0.weight`,
// `optimizer.m.dense0.weight`, `model.…`, `step`, `history`), in wgrad's own layouts. The generator is counter-based and so is the sampler:
// seed and step give the random state and the position in the data. Metadata:
//
//   wgrad.checkpoint   version of this format
//   config             JSON: what must be equal for training to go on bit for bit
//   checksum           CRC-32 of the rest, in hexadecimal
import { leaves, mapTree, type Tree } from "../graph/tree.ts";
import { CheckpointError, FormatError } from "../shape/errors.ts";
import { isNdArray, type NdArray } from "../shape/ndarray.ts";
import type { TensorType } from "../shape/types.ts";
import { isType } from "../trace.ts";
import { crc32 } from "./crc32.ts";
import { type Config, differences, differing, listed } from "./differences.ts";
import { parseJson } from "./header.ts";
import { readSafetensors, type Safetensors, writeSafetensors } from "./safetensors.ts";

export interface Checkpoint {
  readonly config: Config;
  readonly file: Safetensors;
}

const mark = "wgrad.checkpoint";
const version = "1";
const blank = "00000000";
/** In characters: what JSON says takes many times the memory of its text. */
const longestConfig = 2 ** 16;
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
export function writeCheckpoint(config: Config, state: Tree<NdArray>, float64: boolean): Uint8Array<ArrayBuffer> {
  const arrays = new Map(leaves(state, isNdArray).map(({ path, value }) => [path, value]));
  const metadata = { checksum: blank, [mark]: version, config: JSON.stringify(config) };
  const bytes = writeSafetensors(arrays, { metadata, float64 });
  bytes.set(text.encode(checksumOf(readSafetensors(bytes))), checksumAt);
  return bytes;
}

/** Opens a checkpoint. Throws FormatError if the bytes are none, or damaged; CheckpointError if they are of another version of the format. */
export function readCheckpoint(bytes: Uint8Array): Checkpoint {
  const file = readSafetensors(bytes, "checkpoint");
  const { [mark]: found, config, checksum } = file.metadata;
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
  return { config: parseConfig(config), file };
}

function parseConfig(config = ""): Config {
  const fail = () => {
    throw new FormatError(`checkpoint: its configuration is none, ${config.slice(0, 40)}; take another copy`);
  };
  if (config.length > longestConfig) fail();
  const parsed = parseJson(config, fail) as Config | null;
  const isPlain = (value: unknown) => typeof value === "string" || typeof value === "number";
  return typeof parsed === "object" && parsed && Object.values(parsed).every(isPlain) ? parsed : fail();
}

/** The state in a checkpoint, in the form of `types`. Throws CheckpointError, which says all that differs, unless the checkpoint has this
 *  configuration and these arrays. */
export function stateOf({ config, file }: Checkpoint, wanted: Config, types: Tree<TensorType>): Tree<NdArray> {
  const arrays = new Map(leaves(types, isType).map(({ path, value }) => [path, value]));
  const all = [...differing(config, wanted), ...differences(file.types, arrays)];
  if (all.length)
    throw new CheckpointError(
      `checkpoint: it is of another training, it has ${listed(all)}; make the trainer as it was`,
    );
  return mapTree<unknown, TensorType, NdArray>(types, isType, (_, path) => file.read(path)) as Tree<NdArray>;
}
