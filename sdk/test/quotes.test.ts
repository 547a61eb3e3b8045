import { describe, expect, it } from "vitest";
import type { Message } from "../../contracts/entities.ts";
import { applyNew, applyUpdated, emptyRecord } from "../src/core/apply.ts";
import { Picture } from "../src/core/picture.ts";
import { memoryStore } from "../src/index.ts";
import { Stretch } from "../src/stretch.ts";

const ID = "g_7";
const ME = "1";

const messageOf = (seq: number, fields: Partial<Message> = {}): Message => ({
  messageId: String(100 + seq),
  conversationId: ID,
  seq,
  senderId: "2",
  clientMsgId: `c${seq}`,
  type: "text",
  content: { text: `words ${seq}` },
  createdAt: seq,
  status: "accepted",
  ...fields,
});
const replyOf = (seq: number, { messageId, seq: to, senderId, type }: Message, preview: string): Message =>
  messageOf(seq, { replyTo: { messageId, seq: to, senderId, type, preview } });

const original = messageOf(1);
const edited = { ...original, content: { text: `${"x".repeat(99)}👍yz` }, editedAt: 5 };
const recalled = { ...edited, content: {}, recalledAt: 6 };

async function pictured(...messages: Message[]) {
  const picture = new Picture(memoryStore(), () => undefined);
  const state = { unread: 0, mentioned: false, pinned: false, muted: false, hidden: false, draft: "" };
  const conversation = { conversationId: ID, type: "group", lastMessage: null, maxSeq: 0, readSeq: 0, ...state } as const;
  const came = (message: Message): Promise<void> => picture.transact(async (tx) => void applyNew(tx, ME, message));
  await picture.transact(async (tx) => tx.putConversation(emptyRecord(conversation)));
  for (const message of messages) await came(message);
  return {
    came,
    changed: (message: Message) => picture.transact((tx) => applyUpdated(tx, ME, message)),
    quotes: async () => {
      const stored = (await picture.store.list("messages", { prefix: [ID] })) as Message[];
      return stored.map(({ replyTo }) => replyTo?.preview);
    },
    lastQuote: () => picture.conversations.get(ID)?.conversation.lastMessage?.replyTo?.preview,
  };
}

describe("what a reply quotes", () => {
  it("is what its original says now: an edit changes it, a recall takes it along", async () => {
    const other = messageOf(2);
    const { changed, quotes, lastQuote } = await pictured(
      original,
      other,
      replyOf(3, other, "words 2"),
      replyOf(4, original, "words 1"),
    );
    await changed(edited);
    expect(await quotes()).toEqual([undefined, undefined, "words 2", `${"x".repeat(99)}👍`]);
    expect(lastQuote()).toBe(`${"x".repeat(99)}👍`);
    await changed(recalled);
    expect(await quotes()).toEqual([undefined, undefined, "words 2", ""]);
    expect(lastQuote()).toBe("");
  });

  it("is so where the reply comes later than the change, though it was made before", async () => {
    const { came, changed, quotes } = await pictured(original);
    await changed(recalled);
    await came(replyOf(2, original, "words 1"));
    expect(await quotes()).toEqual([undefined, ""]);
  });

  it("stays withheld from who may not see the original", async () => {
    const reply = replyOf(2, original, "");
    const { changed, quotes } = await pictured(original, { ...reply, replyTo: { ...reply.replyTo!, withheld: true } });
    await changed(edited);
    expect(await quotes()).toEqual([undefined, ""]);
  });

  it("is so in a window, whose messages may be stored nowhere", () => {
    const stretch = new Stretch(() => ME);
    const cursors = { othersRead: 0, othersDelivered: 0, persistedSeq: 0 };
    stretch.replace([messageOf(2), replyOf(3, original, "words 1"), messageOf(4)], 2, 4, cursors);
    expect(stretch.put(recalled, false)).toBe(true);
    expect(stretch.shown.map(({ replyTo }) => replyTo?.preview)).toEqual([undefined, "", undefined]);
    expect(stretch.messages[1]!.replyTo!.preview).toBe("");
    expect(stretch.put(recalled, false)).toBe(false);
  });
});
