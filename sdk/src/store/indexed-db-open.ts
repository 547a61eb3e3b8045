import { StoreError, TABLES } from "./port.ts";

/** Of the tables below; a table more is a version more. */
const VERSION = 1;

/**
 * A connection to the database, which is made when it is not there.
 * @param onLost called when the connection is closed, be it by the browser or because another tab upgrades or deletes the database
 * @throws StoreError or DOMException when it cannot be opened
 */
export function openDatabase(name: string, onLost: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === "undefined") throw new StoreError("there is no IndexedDB here");
    const opening = indexedDB.open(name, VERSION);
    let isRefused = false;
    opening.onupgradeneeded = () => createTables(opening.result);
    opening.onblocked = () => {
      isRefused = true;
      reject(new StoreError("another tab keeps an older version open; close it"));
    };
    opening.onerror = () => reject(openingError(opening.error));
    opening.onsuccess = () => {
      const database = opening.result;
      if (isRefused) return database.close();
      database.onclose = onLost;
      database.onversionchange = () => {
        database.close();
        onLost();
      };
      resolve(database);
    };
  });
}

function createTables(database: IDBDatabase): void {
  for (const table of TABLES) {
    if (!database.objectStoreNames.contains(table)) database.createObjectStore(table);
  }
}

function openingError(error: DOMException | null): Error {
  if (error?.name === "VersionError") return new StoreError("a newer version was here; load the page again", { cause: error });
  return error ?? new StoreError("the browser's database cannot be opened");
}
