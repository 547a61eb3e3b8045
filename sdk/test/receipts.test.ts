import { describe, expect, it } from "vitest";
import { allMessages, befriend, sharedWorld, waitFor } from "./support/world.ts";

describe("how far an own message has come", () => {
  it("is told by receipts, and by an answer: who sends has read all before it", async () => {
    await using world = await sharedWorld();
    const [ann, ben] = [await world.newcomer(), await world.newcomer()];
    const conversationId = await befriend(ann, ben);
    const states = async (): Promise<string[]> =>
      (await allMessages(ann, conversationId)).filter(({ senderId }) => senderId === ann.me!.userId).map(({ state }) => state);
    await ann.send({ conversationId, content: { text: "one" } });
    await waitFor(async () => (await states())[0] === "delivered", "the delivery");
    await ben.markRead(conversationId);
    await waitFor(async () => (await states())[0] === "read", "the reading");
    await ann.send({ conversationId, content: { text: "two" } });
    await waitFor(() => ben.conversation(conversationId)?.maxSeq === 2, "the second one");
    expect(ben.conversation(conversationId)?.unread).toBe(1);
    await ben.send({ conversationId, content: { text: "answer" } });
    await waitFor(async () => (await states())[1] === "read", "the reading that an answer tells");
    const fresh = await world.deviceOf(ann);
    const own = (await allMessages(fresh, conversationId)).filter(({ senderId }) => senderId === ann.me!.userId);
    expect(own.map(({ state }) => state)).toEqual(["read", "read"]);
  });
});
