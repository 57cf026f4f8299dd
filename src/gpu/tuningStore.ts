// Where an autotuner's choices are kept between sessions: an interface, and IndexedDB behind it.
import type { Tuning } from "./tuning.ts";

/** Keeps choices under a key, which names the adapter. What cannot be kept may be forgotten: it is timed again then. */
export interface TuningStore {
  load(key: string): Promise<Tuning | undefined>;
  save(key: string, tuning: Tuning): Promise<void>;
}

const storeName = "tuning";

/** The database `wgrad` of the page's origin; undefined where there is no IndexedDB. */
export function indexedDbStore(name = "wgrad"): TuningStore | undefined {
  if (typeof indexedDB === "undefined") return undefined;
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(storeName);
    return resultOf(request);
  };
  const within = async <T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> => {
    const database = await open();
    try {
      return await resultOf(use(database.transaction(storeName, mode).objectStore(storeName)));
    } finally {
      database.close();
    }
  };
  return {
    // a page may be denied its storage (a private window): then nothing is remembered
    load: (key) => within("readonly", (store) => store.get(key)).catch(() => undefined),
    save: (key, tuning) =>
      within("readwrite", (store) => store.put(tuning, key)).then(
        () => {},
        () => {},
      ),
  };
}

const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
