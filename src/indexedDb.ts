// Values by key in IndexedDB, a database each for what is kept apart. The build puts idb-keyval into this module (src/cli/build.mjs).
import { createStore, del, get, set } from "idb-keyval";

export interface KeyValues<T> {
  get(key: string): Promise<T | undefined>;
  set(key: string, value: T): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Undefined where there is no IndexedDB. Calls reject with what the browser says: storage is denied, or full. */
export function keyValues<T>(database: string, store: string): KeyValues<T> | undefined {
  if (typeof indexedDB === "undefined") return undefined;
  const kept = createStore(database, store);
  // async: a page that is denied its storage is told so by an exception
  return {
    get: async (key) => get<T>(key, kept),
    set: async (key, value) => set(key, value, kept),
    delete: async (key) => del(key, kept),
  };
}
