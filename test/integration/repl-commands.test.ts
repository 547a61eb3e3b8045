import assert from "node:assert/strict";
import { test } from "node:test";
import { runCommand } from "../../repl/commands.ts";
import { sharedEventStream } from "../../mixins/event-stream/index.ts";
import { standIn } from "../support/accounts.ts";
import { createNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

const ID = "9223372036854775801";
const NAMED = "249784277384822784";

/** Calls that the stand-ins got, by action. */
type Calls = Record<string, unknown>;

const broadcastOf = (state: string) => ({
  ...{ broadcastId: ID, state, total: 1_200, done: 500, told: 499, filter: {} },
  text: { en: "The server rests tonight, from ten to eleven.", zh: "服务器今晚维护。" },
  createdAt: 1_760_000_000_000,
  finishedAt: state === "running" ? null : 1_760_000_001_000,
});

async function createConsole() {
  const calls: Calls = {};
  const note =
    <R>(name: string, answer: R) =>
    (params: unknown): R => {
      calls[name] = params;
      return answer;
    };
  const users = { [ID]: "digits", [NAMED]: "mary" } as Record<string, string>;
  const profile = (userId: string) => ({
    userId,
    username: users[userId],
    nickname: "",
    avatar: "",
    signature: "",
    gender: "unknown",
    region: "",
  });
  const node = await createNode([
    standIn("user", {
      getMany: ({ userIds }: { userIds: string[] }) => userIds.filter((id) => users[id] !== undefined).map(profile),
      idOf: ({ username }: { username: string }) => (username === "mary" ? NAMED : username === ID ? NAMED : null),
    }),
    standIn("presence", {
      of: ({ userIds }: { userIds: string[] }) =>
        userIds.map((userId) => ({
          userId,
          online: userId === NAMED,
          lastSeenAt: 1_760_000_000_000,
          connections:
            userId === NAMED
              ? [
                  {
                    connectionId: "c1",
                    deviceId: "phone",
                    deviceType: "ios",
                    gatewayNodeId: "n1",
                    heartbeatAt: 1_760_000_000_000,
                  },
                ]
              : [],
        })),
    }),
    standIn("auth", { endSessions: note("auth.endSessions", { ended: ["1", "2"] }) }),
    standIn("socket", {
      disconnect: note("socket.disconnect", { closed: 1 }),
      status: () => ({ connections: 7 }),
    }),
    standIn("persister", {
      status: () => ({ batches: 4, persisted: 12, dead: 0, lastBatchAt: null, lag: 3 }),
      redrive: note("persister.redrive", { redriven: 2 }),
    }),
    standIn("compensator", { status: () => ({ runs: 9, compensated: 1, failed: 0, pending: 5, oldestPendingAgeMs: 1_500 }) }),
    standIn("notification", {
      broadcast: note("notification.broadcast", { broadcastId: ID }),
      broadcastStatus: () => broadcastOf("running"),
      broadcasts: () => ({ items: [broadcastOf("running")], nextCursor: null }),
      cancelBroadcast: note("notification.cancelBroadcast", broadcastOf("cancelled")),
    }),
    standIn("message", {
      explain: ({ messageId }: { messageId: string }) =>
        messageId === ID
          ? {
              messageId,
              conversationId: "g_7",
              seq: 3,
              senderId: NAMED,
              type: "text",
              persistStatus: "PERSISTED",
              acceptedAt: 1_760_000_000_000,
              readBy: [{ userId: NAMED, readAt: 1_760_000_000_500 }],
            }
          : null,
    }),
  ]);
  return { node, calls, say: async (...words: string[]) => (await runCommand(node.broker, words)).join("\n") };
}

test("a user is found by id before name, with all digits of the id, and by name", async () => {
  const { node, say } = await createConsole();
  await using _ = node;
  assert.match(await say("presence", ID), /^digits \(9223372036854775801\) is offline, last seen 2025-10-09T08:53:20\.000Z$/);
  assert.match(
    await say("presence", "mary"),
    /^mary \(249784277384822784\) is online.*\ndevice +type +gateway +connection +heartbeat\nphone +ios +n1 +c1 +2025/,
  );
});

test("kick ends the sessions and closes the connections of the user, or of one device", async () => {
  const { node, calls, say } = await createConsole();
  await using _ = node;
  assert.equal(await say("kick", "mary"), `mary (${NAMED}): 2 sessions ended, 1 connection closed`);
  assert.deepEqual(calls, {
    "auth.endSessions": { userId: NAMED, reason: "kicked" },
    "socket.disconnect": { userId: NAMED, reason: "kicked" },
  });
  await say("kick", "mary", "phone");
  assert.deepEqual(calls["auth.endSessions"], { userId: NAMED, reason: "kicked", deviceId: "phone" });
});

test("pipeline shows what waits at each step", async () => {
  const { node, say } = await createConsole();
  await using _ = node;
  const text = await say("pipeline");
  for (const line of [
    /accepted, not persisted +5/,
    /oldest of them +1\.5 s/,
    /waiting in the message log +3/,
    /last batch +-/,
    /events waiting in the outbox +0/,
    /connections of clients +7/,
    /nodes +1 socket, 1 persister, 1 compensator/,
  ])
    assert.match(text, line);
});

test("redrive hands dead messages and dead events out again", async () => {
  const { node, calls, say } = await createConsole();
  await using _ = node;
  const stream = await sharedEventStream.acquire(node.broker);
  try {
    let broken = true;
    let handled = 0;
    const handle = async () => {
      if (broken) throw new Error("broken");
      handled++;
    };
    await stream.subscribe({ consumer: "test", subjects: ["im.user.created"], maxDeliver: 1, handle });
    await stream.publish({
      eventId: "e-1",
      subject: "im.user.created",
      key: "1",
      payload: { userId: "1" },
      at: 1,
      requestId: null,
    });
    broken = false;
    assert.equal(await say("redrive"), "messages driven again: 2\nevents driven again: 1");
    await waitFor(() => handled === 1, "the event to be handled");
    assert.deepEqual(calls["persister.redrive"], { limit: 1_000 });
  } finally {
    await sharedEventStream.release(node.broker);
  }
});

test("explain tells the life of a message and never its words", async () => {
  const { node, say } = await createConsole();
  await using _ = node;
  const text = await say("explain", ID);
  assert.match(text, /message +9223372036854775801\nconversation +g_7\nseq +3/);
  assert.match(text, /accepted +2025-10-09T08:53:20\.000Z/);
  assert.match(text, /read by +1\nreader +at\n249784277384822784 +2025/);
});

test("broadcast tells all, or those who are named; broadcasts shows how far they are and ends one", async () => {
  const { node, calls, say } = await createConsole();
  await using _ = node;
  const begun = `Broadcast ${ID} to 1200 users has begun; im broadcasts shows how far it is.`;
  assert.equal(await say("broadcast", "hello all"), begun);
  assert.deepEqual(calls["notification.broadcast"], { text: { en: "hello all", zh: "hello all" }, filter: {} });
  const to = `mary, ${ID},group:7,language:zh,after:2026-01-01,before:2026-02-01T12:00:00Z`;
  assert.equal(await say("broadcast", "--zh", "大家好", "hello", "--to", to), begun);
  assert.deepEqual(calls["notification.broadcast"], {
    text: { en: "hello", zh: "大家好" },
    filter: {
      ...{ groupId: "7", language: "zh", createdAfter: Date.UTC(2026, 0, 1), createdBefore: Date.UTC(2026, 1, 1, 12) },
      userIds: [NAMED, ID],
    },
  });
  assert.match(
    await say("broadcasts"),
    /^broadcast +state +done +total +told +began +ended +text\n9223372036854775801 +running +500 +1200 +499 +2025-10-09T08:53:20\.000Z +- +The server rests tonight, from ten to e…$/,
  );
  assert.equal(await say("broadcasts", "cancel", ID), `Broadcast ${ID} is cancelled: 500 of 1200 users, 499 told.`);
  assert.deepEqual(calls["notification.cancelBroadcast"], { broadcastId: ID });
});

test("a broadcast that is not as it should be tells nobody", async () => {
  const { node, calls, say } = await createConsole();
  await using _ = node;
  for (const [words, problem] of [
    [["hello", "all"], "The text is one word in quotes."],
    [[""], "The text is one word in quotes."],
    [["hello", "--to", "nobody"], 'There is no user "nobody".'],
    [["hello", "--to", "group:x"], '"x" is no group id.'],
    [["hello", "--to", "language:fr"], '"fr" is neither en nor zh.'],
    [["hello", "--to", "after:yesterday"], '"yesterday" is no date such as 2026-01-31.'],
  ] as const)
    assert.equal(await say("broadcast", ...words), `im broadcast: ${problem}`);
  assert.match(await say("broadcast", "hello", "--for", "mary"), /^im broadcast: Unknown option '--for'/);
  assert.equal(await say("broadcasts", "end", ID), "im broadcasts: Usage: im broadcasts [cancel <broadcastId>]");
  assert.deepEqual(calls, {});
});

test("what cannot be answered is one line", async () => {
  const { node, say } = await createConsole();
  await using _ = node;
  assert.equal(await say("presence", "nobody"), 'im presence: There is no user "nobody".');
  assert.equal(await say("explain", "7"), "im explain: Nothing is known of message 7.");
  assert.equal(await say("explain", "x"), 'im explain: "x" is no message id.');
  assert.equal(await say("kick"), "Usage: im kick <user> [device]");
  assert.match(await say("constructor"), /^Commands:\n/);
});
