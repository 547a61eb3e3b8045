import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import "fake-indexeddb/auto";
import { onTestFinished } from "vitest";
import { defaultStore } from "../../src/store/default.ts";
import { fileStore } from "../../src/store/file.ts";
import { indexedDbStore } from "../../src/store/indexed-db.ts";
import { memoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/port.ts";

export interface Kind {
  readonly kind: string;
  /** Makes an empty place, and answers what opens a store there, as often as it is called. */
  readonly place: () => Promise<() => Store>;
}

let databases = 0;
export const databaseName = (): string => `test-${(databases += 1)}`;

/** A folder that ends with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "im-store-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

export const KINDS: readonly Kind[] = [
  {
    kind: "memory",
    place: async () => {
      const store = memoryStore();
      return () => store;
    },
  },
  {
    kind: "file",
    place: async () => {
      const folder = await temporaryFolder();
      return () => fileStore(path.join(folder, "inner", "client.log"));
    },
  },
  {
    kind: "IndexedDB",
    place: async () => {
      const name = databaseName();
      return () => indexedDbStore(name);
    },
  },
  {
    kind: "default",
    place: async () => {
      const name = databaseName();
      return () => defaultStore(name);
    },
  },
];

/** Opened, and closed with the test. */
export async function opened(make: () => Store): Promise<Store> {
  const store = make();
  await store.open();
  onTestFinished(() => store.close());
  return store;
}
