import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ThreadSummary } from "../../contracts/entities.ts";
import type { BurnTime } from "../../mixins/burn-timers/index.ts";
import type { PinRow } from "../../services/message/pin-repository.ts";
import type { MessageRow, ReactionRow } from "../../services/message/rows.ts";
import { previewOf, viewMessages, viewPage, type ViewSource } from "../../services/message/view.ts";

const ALL = { minSeq: 1, maxSeq: 100 };

const row = (seq: number, more: Partial<MessageRow> = {}): MessageRow => ({
  conversation_id: "g_1",
  seq,
  message_id: `10${seq}`,
  sender_id: 7,
  client_msg_id: `c${seq}`,
  type: "text",
  content: '{"text":"hello"}',
  reply_to: null,
  mentions: null,
  body_hash: "",
  created_at: seq,
  persisted_at: seq,
  version: 0,
  edited_at: null,
  recalled_at: null,
  thread_id: null,
  burn_after_ms: null,
  ...more,
});
const reply = (seq: number) => JSON.stringify({ messageId: `10${seq}`, seq, senderId: "7", type: "text" });

interface Beside {
  readonly pins?: readonly PinRow[];
  readonly threads?: ReadonlyMap<string, ThreadSummary>;
  readonly burns?: readonly BurnTime[];
}

/** A repository that holds these rows and what stands beside them. */
const repositoryOf = (
  rows: readonly MessageRow[],
  reactions: readonly ReactionRow[] = [],
  { pins = [], threads = new Map<string, ThreadSummary>(), burns = [] }: Beside = {},
): ViewSource => ({
  bySeqs: async (_id, seqs) => rows.filter(({ seq }) => seqs.includes(seq)),
  reactions: async (_id, seqs) => reactions.filter(({ seq }) => seqs.includes(seq)),
  pins: { at: async (places) => pins.filter((pin) => places.some(([id, seq]) => id === pin.conversation_id && seq === pin.seq)) },
  threads: {
    summaries: async (_viewer, asked) =>
      new Map([...threads].filter(([threadId]) => asked.some(({ threadIds }) => threadIds.includes(threadId)))),
  },
  burns: { at: async (places) => burns.filter(({ seq }) => places.some(([, burning]) => burning === seq)) },
});

describe("previewOf", () => {
  it("gives the first hundred characters, none of them cut in half", () => {
    assert.equal(previewOf(row(1, { content: JSON.stringify({ text: "😀".repeat(150) }) })), "😀".repeat(100));
    assert.equal(previewOf(row(1, { content: JSON.stringify({ text: "a".repeat(101) }) })), "a".repeat(100));
  });

  it("gives the title where there is no text, and nothing where there is neither", () => {
    assert.equal(previewOf(row(1, { type: "location", content: '{"latitude":1,"longitude":1,"title":"Bund"}' })), "Bund");
    assert.equal(previewOf(row(1, { type: "card", content: '{"userId":"5"}' })), "");
    assert.equal(previewOf(row(1, { content: "{}", recalled_at: 5 })), "");
    assert.equal(previewOf(row(1, { type: "custom", content: '{"kind":"x","text":{}}' })), "");
  });
});

describe("viewMessages", () => {
  it("shows a reply with the words its original has now, and none when that is recalled or gone", async () => {
    const originals = [row(1, { content: '{"text":"edited"}' }), row(2, { content: "{}", recalled_at: 9 })];
    const rows = [1, 2, 3].map((seq) => row(10 + seq, { reply_to: reply(seq) }));
    const messages = await viewMessages(repositoryOf(originals), "g_1", rows, "7", ALL);
    assert.deepEqual(
      messages.map(({ replyTo }) => replyTo?.preview),
      ["edited", "", ""],
    );
    assert.deepEqual(messages[2]!.replyTo, { messageId: "103", seq: 3, senderId: "7", type: "text", preview: "" });
  });

  it("groups reactions in the order in which their kinds came, and marks the viewer's own", async () => {
    const reactions: ReactionRow[] = [
      ...Array.from({ length: 25 }, (_, index) => ({ seq: 1, emoji: "👍", user_id: 100 + index })),
      { seq: 1, emoji: "🎉", user_id: "7" },
      { seq: 2, emoji: "👍", user_id: "7" },
    ];
    const view = async (viewer: string | null) => {
      const [message] = await viewMessages(repositoryOf([], reactions), "g_1", [row(1)], viewer, ALL);
      return message!.reactions!;
    };
    const own = await view("7");
    assert.deepEqual(
      own.map(({ emoji, count, mine }) => [emoji, count, mine]),
      [
        ["👍", 25, false],
        ["🎉", 1, true],
      ],
    );
    assert.deepEqual(
      own[0]!.userIds,
      Array.from({ length: 20 }, (_, index) => String(100 + index)),
    );
    assert.equal((await view("124"))[0]!.mine, true, "although not among the first twenty");
    assert.ok((await view(null)).every((reaction) => !("mine" in reaction)));
  });

  it("gives ids as strings, and optional fields only when there is something in them", async () => {
    const [plain] = await viewMessages(repositoryOf([]), "g_1", [row(1)], "7", ALL);
    assert.deepEqual(plain, {
      messageId: "101",
      conversationId: "g_1",
      seq: 1,
      senderId: "7",
      clientMsgId: "c1",
      type: "text",
      content: { text: "hello" },
      createdAt: 1,
      status: "persisted",
    });
    const [full] = await viewMessages(
      repositoryOf([]),
      "g_1",
      [row(1, { mentions: '["all"]', edited_at: 5, recalled_at: 6 })],
      "7",
      ALL,
    );
    assert.deepEqual([full!.mentions, full!.editedAt, full!.recalledAt], [["all"], 5, 6]);
  });
});

describe("what stands beside a message", () => {
  it("is when it burns, unless it is recalled or waits for its reader; who quotes it shows none of its words", async () => {
    const rows = [
      row(1, { burn_after_ms: 1_000 }),
      row(2, { burn_after_ms: 1_000, recalled_at: 5 }),
      row(3, { burn_after_ms: 1_000 }),
      row(4, { reply_to: reply(1) }),
    ];
    const burns = [1, 2].map((seq) => ({ conversationId: "g_1", seq, burnsAt: 70, readerId: "8", isShown: true }));
    const shown = await viewMessages(repositoryOf(rows, [], { burns }), "g_1", rows, "7", ALL);
    assert.deepEqual(
      shown.map(({ burnAfterMs, burnsAt }) => [burnAfterMs, burnsAt]),
      [
        [1_000, 70],
        [1_000, undefined],
        [1_000, undefined],
        [undefined, undefined],
      ],
    );
    assert.deepEqual([shown[3]?.replyTo?.preview, shown[3]?.replyTo?.withheld], ["", true]);
  });

  it("is when it burns for its reader alone, where nobody else may know that it was read", async () => {
    const rows = [row(1, { burn_after_ms: 1_000 })];
    const burns = [{ conversationId: "g_1", seq: 1, burnsAt: 70, readerId: "8", isShown: false }];
    const burnsAt = async (viewer: string | null): Promise<unknown> =>
      (await viewMessages(repositoryOf(rows, [], { burns }), "g_1", rows, viewer, ALL))[0]?.burnsAt;
    assert.deepEqual([await burnsAt("7"), await burnsAt(null), await burnsAt("8")], [undefined, undefined, 70]);
  });

  it("is shown with it: when it was pinned, and the thread that begins at it", async () => {
    const thread = { count: 2, lastSeq: 9, lastAt: 9 };
    const threads = new Map([101, 102, 103].map((id) => [String(id), thread]));
    const beside = { pins: [{ conversation_id: "g_1", seq: 1, pinned_by: "7", pinned_at: 50 }], threads };
    const rows = [row(1), row(2, { thread_id: "101" }), row(3, { type: "system" })];
    const shown = await viewMessages(repositoryOf([], [], beside), "g_1", rows, "7", ALL);
    assert.deepEqual(
      shown.map((message) => [message.threadId, message.thread, message.pinnedAt]),
      [
        [undefined, thread, 50],
        ["101", undefined, undefined],
        [undefined, undefined, undefined],
      ],
    );
  });
});

describe("viewPage", () => {
  const shapeOf = async (rows: readonly MessageRow[]): Promise<unknown[]> => {
    const items = await viewPage(repositoryOf([]), "g_1", rows, "7", ALL);
    return items.map((item) => ("toSeq" in item ? [item.seq, item.toSeq] : item.seq));
  };
  const gap = (seq: number): MessageRow => row(seq, { type: "void", content: "{}", sender_id: 0 });

  it("joins seqs without a message to ranges, as far as they touch", async () => {
    assert.deepEqual(await shapeOf([gap(1), gap(2), row(3), gap(4), row(5), gap(6), gap(7)]), [[1, 2], 3, [4, 4], 5, [6, 7]]);
    assert.deepEqual(
      await shapeOf([gap(1), gap(3)]),
      [
        [1, 1],
        [3, 3],
      ],
      "what lies between is hidden from the viewer",
    );
    assert.deepEqual(await shapeOf([]), []);
  });
});
