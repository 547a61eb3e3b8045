import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryConversations } from "../../mixins/hot-store/conversations-memory.ts";
import { newId } from "../support/records.ts";
import { hotConversationsContract } from "./hot-store-conversations.ts";
import { accept, accepted, buildRequest, load, member } from "./hot-store-conversations/requests.ts";

hotConversationsContract("memory", async () => ({ conversations: memoryConversations(), close: async () => undefined }));

describe("hot conversations in memory: its bounds", () => {
  it("drops the conversation that was not used for the longest time, but none with messages on their way", async () => {
    let now = 0;
    const hot = memoryConversations({ max: 3, now: () => now });
    const ids: string[] = [];
    for (; now < 3; now++) ids.push(await load(hot));
    const pending = await accepted(hot, buildRequest(ids[0]!), now);
    await accepted(hot, buildRequest(ids[1]!), ++now).then((record) =>
      Promise.all([hot.logged([record]), hot.persisted([record])]),
    );
    now++;
    ids.push(await load(hot));
    const isCold = await Promise.all(ids.map(async (id) => (await hot.member(id, "7")) === "cold"));
    assert.deepEqual(isCold, [false, false, true, false]);
    assert.deepEqual(await hot.pending(now, 10), [pending]);
  });

  it("does not load a conversation from before it was dropped, whose head may be old", async () => {
    let now = 0;
    const hot = memoryConversations({ max: 1, now: () => now++ });
    const id = `g_${newId()}`;
    const read = await hot.generation(id);
    await load(hot, { conversationId: id });
    const record = await accepted(hot, buildRequest(id), now++);
    await hot.logged([record]);
    await hot.persisted([record]);
    await load(hot);
    assert.equal(await hot.member(id, "7"), "cold", "it was dropped");
    const old = { conversationId: id, headSeq: 0, allMuted: false, dissolved: false, members: { 7: member() } };
    assert.equal(await hot.load(old, read), false);
  });

  it("keeps client message ids of the last ten seconds however many there are, and forgets older ones", async () => {
    const hot = memoryConversations();
    const id = await load(hot);
    const first = buildRequest(id);
    await hot.persisted([await accepted(hot, first, 0)]);
    const burst = async (now: number): Promise<void> => {
      for (let i = 0; i < 150; i++) await hot.persisted([await accepted(hot, buildRequest(id), now)]);
    };
    await burst(9_999);
    assert.equal((await accept(hot, first, 9_999)).kind, "duplicate");
    await burst(10_000);
    assert.equal((await accept(hot, { ...first, inSql: "unasked" }, 10_000)).kind, "unknown_key");
  });
});
