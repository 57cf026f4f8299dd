// Where an autotuner's choices are kept between sessions: an interface, and IndexedDB behind it.
import { keyValues } from "../indexedDb.ts";
import type { Tuning } from "./tuning.ts";

/** Keeps choices under a key, which names the adapter. What cannot be kept may be forgotten: it is timed again then. */
export interface TuningStore {
  /** What was kept under the key, if anything. */
  load(key: string): Promise<Tuning | undefined>;
  /** Keeps it in place of what was there. */
  save(key: string, tuning: Tuning): Promise<void>;
}

/** The database `wgrad` of the page's origin; undefined where there is no IndexedDB. */
export function indexedDbStore(name = "wgrad"): TuningStore | undefined {
  const kept = keyValues<Tuning>(name, "tuning");
  return (
    kept && {
      // a page may be denied its storage (a private window): then nothing is remembered
      load: (key) => kept.get(key).catch(() => undefined),
      save: (key, tuning) => kept.set(key, tuning).catch(() => {}),
    }
  );
}
