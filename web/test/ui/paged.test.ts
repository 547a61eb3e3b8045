import { describe, expect, it } from "vitest";
import { usePaged, type Page } from "../../src/ui/paged.ts";

/** Answers when told to, in any order. */
function server() {
  const asked: { cursor: string | undefined; answer: (page: Page<number>) => void; refuse: (error: Error) => void }[] = [];
  return {
    asked,
    load: (cursor?: string) =>
      new Promise<Page<number>>((answer, refuse) => {
        asked.push({ cursor, answer, refuse });
      }),
  };
}

describe("a list in pages", () => {
  it("goes on with the cursor until there is none", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const first = list.reload();
    asked[0]?.answer({ items: [1, 2], nextCursor: "c" });
    await first;
    expect([list.items.value, list.hasMore.value, list.loaded.value]).toEqual([[1, 2], true, true]);
    const second = list.loadMore();
    expect(asked[1]?.cursor).toBe("c");
    asked[1]?.answer({ items: [3], nextCursor: null });
    await second;
    expect([list.items.value, list.hasMore.value]).toEqual([[1, 2, 3], false]);
    await list.loadMore();
    expect(asked).toHaveLength(2);
  });

  it("asks for one page at a time", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const first = list.reload();
    asked[0]?.answer({ items: [1], nextCursor: "c" });
    await first;
    void list.loadMore();
    await list.loadMore();
    expect(asked).toHaveLength(2);
  });

  it("drops an answer that a later one has overtaken", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const old = list.reload();
    const young = list.reload();
    asked[1]?.answer({ items: [2], nextCursor: null });
    await young;
    asked[0]?.answer({ items: [1], nextCursor: "c" });
    await old;
    expect([list.items.value, list.hasMore.value, list.loading.value]).toEqual([[2], false, false]);
  });

  it("reads again as far as it is shown", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const answers = async (done: Promise<void>, ...pages: Page<number>[]): Promise<void> => {
      for (const page of pages) {
        asked.at(-1)?.answer(page);
        await Promise.resolve();
        await Promise.resolve();
      }
      await done;
    };
    await answers(list.reload(), { items: [1, 2], nextCursor: "a" });
    await answers(list.loadMore(), { items: [3, 4], nextCursor: "b" });
    await answers(list.reload(), { items: [1, 3], nextCursor: "c" }, { items: [4, 5], nextCursor: "d" });
    expect(list.items.value).toEqual([1, 3, 4, 5]);
    expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, "a", undefined, "c"]);
  });

  it("reads on to the end, also behind a reading that overtakes it", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const tick = () => new Promise((resolve) => setImmediate(resolve));
    const first = list.reload();
    const all = list.loadAll(() => true);
    asked[0]?.answer({ items: [1], nextCursor: "a" });
    await first;
    await tick();
    const again = list.reload();
    asked[2]?.answer({ items: [1], nextCursor: "b" });
    await again;
    asked[1]?.answer({ items: [9], nextCursor: null });
    await tick();
    expect(asked.map(({ cursor }) => cursor)).toEqual([undefined, "a", undefined, "b"]);
    asked[3]?.answer({ items: [2], nextCursor: null });
    await all;
    expect(list.items.value).toEqual([1, 2]);
  });

  it("reads on as long as it is wanted, and no further than an error", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const first = list.reload();
    asked[0]?.answer({ items: [1], nextCursor: "a" });
    await first;
    await list.loadAll(() => false);
    expect(asked).toHaveLength(1);
    const all = list.loadAll(() => true);
    await new Promise((resolve) => setImmediate(resolve));
    asked[1]?.refuse(new Error("away"));
    await all;
    expect(asked).toHaveLength(2);
  });

  it("keeps what is shown when a page does not come, and says why", async () => {
    const { asked, load } = server();
    const list = usePaged(load);
    const first = list.reload();
    asked[0]?.answer({ items: [1], nextCursor: "c" });
    await first;
    const broken = list.loadMore();
    const error = new Error("away");
    asked[1]?.refuse(error);
    await broken;
    expect([list.items.value, list.error.value, list.hasMore.value, list.loading.value]).toEqual([[1], error, true, false]);
    const again = list.loadMore();
    asked[2]?.answer({ items: [2], nextCursor: null });
    await again;
    expect([list.items.value, list.error.value]).toEqual([[1, 2], null]);
  });
});
