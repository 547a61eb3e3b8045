import { memoryStore, StoreError, type Store } from "../../src/index.ts";

/** A store that refuses to be written: all, or so many writes of messages. */
export function moody(): { store: Store; refuse: { all: boolean; messages: number } } {
  const store = memoryStore();
  const refuse = { all: false, messages: 0 };
  const write = store.write.bind(store);
  store.write = async (operations) => {
    const isRefused = refuse.all || (refuse.messages > 0 && operations.some(({ table }) => table === "messages"));
    if (!isRefused) return write(operations);
    if (!refuse.all) refuse.messages--;
    throw new StoreError("no room left");
  };
  return { store, refuse };
}
