// Checkpoints in a page: kept in IndexedDB, under names, until they are removed.
import { keyValues } from "../indexedDb.ts";
import { UnsupportedError } from "../shape/errors.ts";

/** Keeps checkpoints by name. */
export interface CheckpointStore {
  /** Undefined if there is none of that name. */
  load(name: string): Promise<Uint8Array | undefined>;
  /** Replaces the one of that name. Resolves when it is kept. */
  save(name: string, checkpoint: Uint8Array): Promise<void>;
  /** Forgets it; nothing happens if there is none. */
  remove(name: string): Promise<void>;
}

/** The database of the page's origin. Its calls reject with what the browser says where storage is denied or full. Throws UnsupportedError where
 *  there is no IndexedDB. */
export function checkpointStore(database = "wgrad-checkpoints"): CheckpointStore {
  const kept = keyValues<Uint8Array>(database, "checkpoints");
  if (!kept) throw new UnsupportedError("checkpointStore: there is no IndexedDB here; keep the bytes in a file");
  return {
    load: (name) => kept.get(name),
    save: (name, checkpoint) => kept.set(name, checkpoint),
    remove: (name) => kept.delete(name),
  };
}
