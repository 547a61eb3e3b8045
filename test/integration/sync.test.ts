import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { list, update } from "../support/conversations.ts";
import { befriend, buildUser, startIm, type Im, type TestUser } from "../support/im.ts";
import { edit, send, type Person } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { idsOf, type SyncRequest } from "../support/sync-client.ts";
import { syncOn } from "../support/sync-pair.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const { pull, clientOf, say, settled, buildPair } = syncOn(() => im);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a client that knows nothing", () => {
  it("gets what the list has, with the newest page of each conversation", async () => {
    const { a, b, direct, group } = await buildPair();
    await say(a, direct, 30);
    await settled(a);
    const answer = await pull(b);
    assert.deepEqual(idsOf([answer]), [direct, group]);
    assert.deepEqual(answer.conversations, await list(im, b));
    assert.deepEqual([answer.changes, answer.removed, answer.reset, answer.nextCursor], [[], [], false, null]);
    const page = answer.messages[direct]!;
    assert.deepEqual([page.items.map(({ seq }) => seq), page.more, page.minSeq, page.maxSeq], [range(14, 33), true, 1, 33]);
    assert.equal(answer.messages[group]!.more, false);
    const { items } = await im.node.as(b.userId, "message.history", { conversationId: direct, limit: 20 });
    assert.deepEqual(page.items, items);
  });

  it("gets pages, the newest conversations first, and each once while nobody writes", async () => {
    const user = await buildUser(im);
    const made: string[] = [];
    for (let i = 0; i < 7; i++) {
      const friend = await buildUser(im);
      made.unshift(await befriend(im, user, friend));
      await say(friend, made[0]!, 1);
    }
    const pages = await clientOf(user).sync({ limit: 3 });
    assert.deepEqual(idsOf(pages), made);
    assert.deepEqual(
      pages.map(({ conversations }) => conversations.length),
      [3, 3, 1],
    );
    assert.equal(new Set(pages.map(({ version }) => version)).size, 1);
  });

  it("is told nothing of conversations that have nothing, unless it names them", async () => {
    const { b, conversationId } = await buildFriends(im);
    assert.deepEqual((await pull(b)).conversations, []);
    const named = await pull(b, { conversations: { [conversationId]: 0 } });
    assert.deepEqual(idsOf([named]), [conversationId]);
    await update(im, b, conversationId, { draft: "dear" });
    assert.deepEqual(
      (await pull(b)).conversations.map(({ draft }) => draft),
      ["dear"],
    );
  });
});

describe("a client that comes back", () => {
  it("gets nothing and the same version when nothing changed", async () => {
    const { b } = await buildPair();
    const client = clientOf(b);
    const [first] = await client.sync();
    const [second] = await client.sync();
    assert.deepEqual(second, {
      ...first,
      conversations: [],
      messages: {},
      changes: [],
      removed: [],
      reset: false,
      nextCursor: null,
    });
    const unnamed = await pull(b, { version: first!.version });
    assert.deepEqual([unnamed.conversations, unnamed.version], [[], first!.version]);
  });

  it("gets what was said behind the seq that it has, fifty at most, and whether there is more", async () => {
    const { a, b, direct, group } = await buildPair();
    const client = clientOf(b);
    await client.sync();
    await say(a, direct, 60);
    const [answer] = await client.sync();
    assert.deepEqual(idsOf([answer!]), [direct]);
    assert.deepEqual(
      answer!.messages[direct]!.items.map(({ seq }) => seq),
      range(4, 53),
    );
    assert.equal(answer!.messages[direct]!.more, true);
    const [rest] = await client.sync();
    assert.deepEqual([rest!.messages[direct]!.items.length, rest!.messages[direct]!.more], [10, false]);
    assert.deepEqual(client.seqs(direct), range(1, 63));
    assert.equal(rest!.messages[group], undefined);
  });

  it("hears of conversations that it does not name only if they changed, with their newest page", async () => {
    const { a, b, direct, group } = await buildPair();
    const { version } = await pull(b);
    await say(a, direct, 1);
    const answer = await pull(b, { version });
    assert.ok(idsOf([answer]).includes(direct));
    assert.deepEqual(
      answer.messages[direct]!.items.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
    await update(im, b, group, { pinned: true });
    const next = await pull(b, { version: answer.version });
    assert.deepEqual(
      next.conversations.map(({ conversationId, pinned }) => [conversationId, pinned]),
      [[group, true]],
    );
  });

  it("hears of what its user did on another device: read, muted, hidden, a draft that is gone", async () => {
    const { b, direct, group } = await buildPair();
    const client = clientOf(b);
    await client.sync();
    await im.node.as(b.userId, "conversation.markRead", { conversationId: direct, seq: 2 });
    await update(im, b, group, { muted: true, hidden: true, draft: "half a word" });
    const [answer] = await client.sync();
    assert.deepEqual(answer!.conversations, await list(im, b));
    assert.deepEqual(answer!.messages[direct]!.items, [], "it has them");
    await update(im, b, group, { draft: "" });
    const [next] = await client.sync();
    assert.deepEqual(
      next!.conversations.map(({ draft }) => draft),
      [""],
    );
  });

  it("hears of friends and groups by their versions", async () => {
    const { a, b, groupId } = await buildPair();
    const [before] = await clientOf(b).sync();
    await befriend(im, b, await buildUser(im));
    await im.node.as(a.userId, "group.update", { groupId, name: "Renamed" });
    const after = await pull(b, { version: before!.version });
    assert.equal(after.friendsVersion, (await im.node.as(b.userId, "friend.list", {})).version);
    assert.equal(after.groupsVersion, (await im.node.as(b.userId, "group.mine", {})).version);
    assert.notEqual(after.friendsVersion, before!.friendsVersion);
    assert.notEqual(after.groupsVersion, before!.groupsVersion);
  });
});

describe("pages while others write", () => {
  it("miss no conversation that moves to the front, and end", async () => {
    const user = await buildUser(im);
    const friends: TestUser[] = [];
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      friends.push(await buildUser(im));
      ids.push(await befriend(im, user, friends[i]!));
      await say(friends[i]!, ids[i]!, 1);
    }
    const client = clientOf(user);
    const pages = await client.sync({
      limit: 2,
      between: async (page) => {
        if (page < 20) for (const at of [0, 1, 5]) await send(im, friends[at]!, ids[at]!, `during page ${page}`);
      },
    });
    assert.deepEqual([...new Set(idsOf(pages))].sort(), ids.toSorted());
    assert.ok(pages.length < 8, `${pages.length} pages`);
    await client.sync();
    for (const id of ids) {
      const { items } = await im.node.as(user.userId, "message.history", { conversationId: id, limit: 100 });
      assert.deepEqual(client.items(id), items);
    }
  });

  it("leave no gap to what is pushed from before the first page on", async () => {
    const { a, b, direct } = await buildPair();
    await using socket = await im.connect({ token: b.token });
    const writing = (async () => {
      for (let i = 0; i < 40; i++) await send(im, a, direct, `${i}`);
    })();
    const client = clientOf(b);
    await client.sync();
    await writing;
    const pulled = client.seqs(direct);
    await socket.next<Message>("message:new", ({ seq }) => seq === 43);
    const pushed = socket.of<Message>("message:new").map(({ seq }) => seq);
    const all = new Set([...pulled, ...pushed]);
    assert.deepEqual(
      [...all].sort((x, y) => x - y),
      range(Math.min(...pulled), 43),
    );
  });
});

describe("a version that says nothing any more", () => {
  const resetBy = async (user: Person, version: string) => {
    const answer = await pull(user, { version, conversations: { d_1_2: 5 } });
    return [answer.reset, answer.conversations.length, answer.changes.length];
  };

  it("begins anew: unknown, malformed, of somebody else, or from a future that never was", async () => {
    const { a, b } = await buildPair();
    const { version } = await pull(b);
    const parts = version.split(".");
    const later = (at: number): string => parts.with(at, String(Number(parts[at]) + 1_000_000)).join(".");
    for (const bad of [
      "x",
      "s1.",
      "🙂",
      "\u0000",
      version.slice(0, -2),
      "x".repeat(4_096),
      (await pull(a)).version,
      later(2),
      later(3),
    ])
      assert.deepEqual(await resetBy(b, bad), [true, 2, 0], bad);
    assert.equal((await pull(b, { version })).reset, false);
  });

  it("brings the newest page of everything, whatever the client says it has", async () => {
    const { b, direct, group } = await buildPair();
    const answer = await pull(b, { version: "old", conversations: { [direct]: 3, [group]: 1 } });
    assert.equal(answer.reset, true);
    assert.deepEqual(
      answer.messages[direct]!.items.map(({ seq }) => seq),
      [1, 2, 3],
    );
    const next = await pull(b, { version: answer.version, conversations: { [direct]: 3, [group]: 9 } });
    assert.deepEqual([next.reset, next.conversations], [false, []]);
  });

  it("is one that is older than the log of changes, also between two pages", async () => {
    await using own = await startIm();
    const { a, b, conversationId } = await buildFriends(own);
    const ask = (request: SyncRequest) => own.node.as(b.userId, "sync.pull", request);
    const sent = await send(own, a, conversationId, "old");
    const { version } = await ask({});
    const trim = () => own.sql.execute("update change_head set floor = head");
    await edit(own, a, sent, "new");
    const more = await Promise.all([1, 2, 3].map(async () => befriend(own, b, await buildUser(own))));
    const [page] = [await ask({ version, limit: 1, conversations: Object.fromEntries(more.map((id) => [id, 0])) })];
    assert.deepEqual([page.reset, page.changes.length], [false, 1]);
    await trim();
    const answer = await ask({ version });
    assert.deepEqual([answer.reset, answer.changes, idsOf([answer])], [true, [], [conversationId]]);
    assert.deepEqual((await ask({ version: answer.version })).reset, false, "what it gave is good again");
  });
});

describe("wrong input", () => {
  it("is named", async () => {
    const { b } = await buildPair();
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`g_${i + 1}`, 1]));
    const { nextCursor } = await pull((await buildPair()).b, { limit: 1 });
    const bad: [unknown, string][] = [
      [{ conversations: many }, "conversations"],
      [{ conversations: [] }, "conversations"],
      [{ conversations: { x: 1 } }, "conversations.x"],
      [{ conversations: { g_1: -1 } }, "conversations.g_1"],
      [{ conversations: { g_1: 1.5 } }, "conversations.g_1"],
      [{ conversations: { g_1: "1" } }, "conversations.g_1"],
      [{ version: "" }, "version"],
      [{ version: 5 }, "version"],
      [{ version: "x".repeat(4_097) }, "version"],
      [{ limit: 0 }, "limit"],
      [{ limit: 101 }, "limit"],
      [{ cursor: "x" }, "cursor"],
      [{ cursor: "!" }, "cursor"],
      [{ cursor: nextCursor }, "cursor"],
      [{ since: 1 }, "since"],
    ];
    for (const [request, field] of bad) {
      const error = await pull(b, request as SyncRequest).then(
        () => null,
        (reason: unknown) => reason as { type: string; data: { fields: { field: string }[] } },
      );
      assert.deepEqual([error?.type, error?.data.fields[0]?.field], ["VALIDATION", field], JSON.stringify(request).slice(0, 100));
    }
    await pull(b, { conversations: Object.fromEntries(Object.entries(many).slice(1)) });
  });
});
