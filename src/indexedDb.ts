// Values by key in IndexedDB, a database each for what is kept apart.

export interface KeyValues<T> {
  get(key: string): Promise<T | undefined>;
  set(key: string, value: T): Promise<void>;
  delete(key: string): Promise<void>;
}

/** Undefined where there is no IndexedDB. Every call opens and closes the database, and rejects with what the browser says: storage is denied, or
 *  full. */
export function keyValues<T>(database: string, store: string): KeyValues<T> | undefined {
  if (typeof indexedDB === "undefined") return undefined;
  const open = (): Promise<IDBDatabase> => {
    const request = indexedDB.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(store);
    return resultOf(request);
  };
  const within = async <R>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<R>): Promise<R> => {
    const opened = await open();
    try {
      const transaction = opened.transaction(store, mode);
      const kept = new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error);
      });
      const [result] = await Promise.all([resultOf(use(transaction.objectStore(store))), kept]);
      return result;
    } finally {
      opened.close();
    }
  };
  return {
    get: (key) => within("readonly", (s) => s.get(key)),
    set: async (key, value) => void (await within("readwrite", (s) => s.put(value, key))),
    delete: async (key) => void (await within("readwrite", (s) => s.delete(key))),
  };
}

const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
