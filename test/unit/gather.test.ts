import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gather, gatherOn } from "../../lib/gather.ts";

/** Work that ends when it is told to, and says what it was asked. */
function heldWork() {
  const pieces: { items: number[]; end(error?: Error): void }[] = [];
  const work = (items: readonly number[]): Promise<number[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>();
    const end = (error?: Error): void => (error ? reject(error) : resolve(items.map((item) => item * 10)));
    pieces.push({ items: [...items], end });
    return promise;
  };
  return { pieces, work };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("gather", () => {
  it("gives each caller the answers of its own items, in their order", async () => {
    const { pieces, work } = heldWork();
    const ask = gather(work, { parallel: 1, maxItems: 100 });
    const answers = Promise.all([ask([3, 1]), ask([]), ask([2])]);
    await turn();
    assert.deepEqual(
      pieces.map(({ items }) => items),
      [[3, 1, 2]],
    );
    pieces[0]!.end();
    assert.deepEqual(await answers, [[30, 10], [], [20]]);
  });

  it("begins at once while fewer pieces run, and takes what is asked for meanwhile together", async () => {
    const { pieces, work } = heldWork();
    const ask = gather(work, { parallel: 2, maxItems: 100 });
    const answers: Promise<readonly number[]>[] = [];
    for (const item of [1, 2, 3, 4]) {
      answers.push(ask([item]));
      await turn();
    }
    assert.deepEqual(
      pieces.map(({ items }) => items),
      [[1], [2]],
    );
    pieces[1]!.end();
    await turn();
    assert.deepEqual(pieces[2]?.items, [3, 4], "it begins after it was asked for");
    pieces[0]!.end();
    pieces[2]!.end();
    assert.deepEqual(await Promise.all(answers), [[10], [20], [30], [40]]);
  });

  it("keeps pieces bounded, and takes a call that is larger by itself", async () => {
    const { pieces, work } = heldWork();
    const ask = gather(work, { parallel: 10, maxItems: 3 });
    const answers = Promise.all([ask([1, 2]), ask([3, 4]), ask([5]), ask([6, 7, 8, 9])]);
    await turn();
    assert.deepEqual(
      pieces.map(({ items }) => items),
      [
        [1, 2],
        [3, 4, 5],
        [6, 7, 8, 9],
      ],
    );
    for (const { end } of pieces) end();
    await answers;
  });

  it("tells those whose items were in what failed, and goes on", async () => {
    const { pieces, work } = heldWork();
    const ask = gather(work, { parallel: 1, maxItems: 100 });
    const failing = Promise.allSettled([ask([1]), ask([2])]);
    await turn();
    const next = ask([3]);
    pieces[0]!.end(new Error("away"));
    assert.deepEqual(
      (await failing).map(({ status }) => status),
      ["rejected", "rejected"],
    );
    await turn();
    pieces[1]!.end();
    assert.deepEqual(await next, [30]);
  });

  it("tells them also of what is thrown at once", async () => {
    const ask = gather(
      (items: readonly number[]): Promise<number[]> => {
        if (items.includes(1)) throw new Error("no question");
        return Promise.resolve([...items]);
      },
      { parallel: 1, maxItems: 100 },
    );
    await assert.rejects(ask([1]), /no question/);
    assert.deepEqual(await ask([2]), [2]);
  });

  it("shares work only between calls that use the same thing", async () => {
    const asked: [string, number[]][] = [];
    const ask = gatherOn(
      async ({ name }: { name: string }, items: readonly number[]) => {
        asked.push([name, [...items]]);
        return items;
      },
      { parallel: 1, maxItems: 100 },
    );
    const [one, other] = [{ name: "one" }, { name: "other" }];
    await Promise.all([ask(one, [1]), ask(other, [2]), ask(one, [3])]);
    assert.deepEqual(asked, [
      ["one", [1, 3]],
      ["other", [2]],
    ]);
  });
});
