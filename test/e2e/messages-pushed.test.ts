import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message, SendResult } from "../../contracts/entities.ts";
import { dataOf, type Client } from "../support/client.ts";
import { addToGroup, buildGroup, buildUser, clientMsgId, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";
import { historyOf, sendFrom } from "../support/messages.ts";
import { buildFriends, buildUsers } from "../support/people.ts";
import { newId } from "../support/records.ts";

/** What is told over sockets, and to whom. */

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

type Five<T> = [T, T, T, T, T];
const connect = (user: TestUser): Promise<Client> => im.connect({ token: user.token });
const seqsOf = (client: Client): number[] => client.of<Message>("message:new").map(({ seq }) => seq);

describe("who hears of a message", () => {
  it("every device of both but the socket that sent it; all of them when it came by REST", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const phone = await a.signIn({ deviceType: "ios" });
    const [sender, other, reader] = [await connect(a), await connect(phone), await connect(b)];
    const sent = await sendFrom(sender, conversationId, "over the socket");
    const posted = await dataOf(a.rest.post<SendResult>("/messages", text(conversationId, "over REST")));
    for (const client of [other, reader]) {
      const [first, second] = [await client.next<Message>("message:new"), await client.next<Message>("message:new")];
      assert.deepEqual([first.messageId, second.messageId], [sent.messageId, posted.messageId]);
    }
    assert.equal((await sender.next<Message>("message:new")).messageId, posted.messageId);
    assert.deepEqual([seqsOf(sender), seqsOf(other), seqsOf(reader)], [[2], [1, 2], [1, 2]]);
  });

  it("sees in the push what the history has", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sender, reader] = [await connect(a), await connect(b)];
    const first = await sendFrom(sender, conversationId, "\u0000 \ud800 😀", { mentions: [b.userId] });
    await sendFrom(sender, conversationId, "reply", { replyTo: first.messageId });
    await sender.ok("message:send", {
      conversationId,
      clientMsgId: clientMsgId(),
      type: "custom",
      content: { kind: "x", data: [1.5, null, { a: "b" }] },
    });
    await reader.next<Message>("message:new", ({ seq }) => seq === 3);
    const { items } = await historyOf(b, conversationId);
    assert.deepEqual(
      reader.of("message:new"),
      items.map((item) => ({ ...item, status: "accepted" })),
    );
  });

  it("all members of a group, those who joined while they were connected too, and nobody who has left", async () => {
    const people = (await buildUsers(im, 5)) as Five<TestUser>;
    const [owner, member, late, leaver, removed] = people;
    const { groupId, conversationId } = await buildGroup(im, owner, [member, leaver, removed]);
    const [ofOwner, ofMember, ofLate, ofLeaver, ofRemoved] = (await Promise.all(people.map(connect))) as Five<Client>;
    await dataOf(leaver.rest.delete(`/social/groups/${groupId}/members/${leaver.userId}`));
    await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`));
    await addToGroup(im, owner, groupId, [late]);
    const { seq } = await sendFrom(ofOwner, conversationId);
    assert.equal(seq, 5);
    for (const client of [ofMember, ofLate]) await client.next<Message>("message:new", (message) => message.seq === 5);
    // Each gets its answer after all that was pushed to it.
    const acks = [];
    for (const client of [ofLeaver, ofRemoved]) acks.push(await client.send("message:send", text(conversationId)));
    assert.deepEqual(
      acks.map(({ code }) => code),
      [4001, 4001],
    );
    assert.deepEqual(seqsOf(ofMember), [2, 3, 4, 5]);
    assert.deepEqual(seqsOf(ofLate), [4, 5], "from the message that says they joined");
    assert.deepEqual(seqsOf(ofOwner), [2, 3, 4]);
    assert.deepEqual(seqsOf(ofLeaver), [2], "up to the message that says they left");
    assert.deepEqual(seqsOf(ofRemoved), [2, 3]);
  });

  it("a connection that opens later hears of what comes then, of groups as well", async () => {
    const [owner, member] = [await buildUser(im), await buildUser(im)];
    const { conversationId } = await buildGroup(im, owner, [member]);
    const sender = await connect(owner);
    await sendFrom(sender, conversationId);
    const reader = await connect(member);
    await sendFrom(sender, conversationId);
    assert.equal((await reader.next<Message>("message:new")).seq, 3);
  });

  it("nobody, of a message that was refused or repeated", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sender, reader] = [await connect(a), await connect(b)];
    const params = text(conversationId);
    const acks = await Promise.all([1, 2, 3].map(() => sender.send("message:send", params)));
    assert.deepEqual(
      acks.map(({ code }) => code),
      [0, 0, 0],
    );
    await sender.send("message:send", { ...params, content: { text: "other" } });
    await sender.ok("message:send", params);
    await sendFrom(sender, conversationId, "last");
    await reader.next<Message>("message:new", ({ seq }) => seq === 2);
    assert.deepEqual(seqsOf(reader), [1, 2]);
  });
});

describe("changes", () => {
  it("reach everybody who can see the message, over REST and over sockets alike", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sender, reader] = [await connect(a), await connect(b)];
    const { messageId } = await sendFrom(sender, conversationId, "one");
    const edited = await sender.ok<Message>("message:edit", { messageId, content: { text: "two" } });
    assert.deepEqual(await reader.next("message:updated"), edited);
    await sender.next("message:updated");
    const answer = await dataOf(b.rest.post<Message>(`/messages/${messageId}/reactions`, { emoji: "👍" }));
    assert.deepEqual(answer.reactions, [{ emoji: "👍", count: 1, userIds: [b.userId], mine: true }]);
    for (const client of [sender, reader]) {
      const { reactions, change } = await client.next<Message & { change: unknown }>("message:updated");
      assert.deepEqual(reactions, [{ emoji: "👍", count: 1, userIds: [b.userId] }], "whose it is, stands in the change");
      assert.deepEqual(change, { userId: b.userId, emoji: "👍", added: true });
    }
    await reader.ok("message:react", { messageId, emoji: "👍", remove: true });
    const removed = await sender.next<Message & { change: unknown }>("message:updated");
    assert.deepEqual([removed.reactions, removed.change], [undefined, { userId: b.userId, emoji: "👍", added: false }]);
    await dataOf(a.rest.delete(`/messages/${messageId}/reactions/${encodeURIComponent("👍")}`));
    const recalled = await dataOf(a.rest.post<Message>(`/messages/${messageId}/recall`, {}));
    assert.deepEqual(recalled.content, {});
    assert.deepEqual(await reader.next<Message>("message:updated", ({ recalledAt }) => recalledAt !== undefined), recalled);
    assert.equal(reader.of("message:updated").length, 4, "what changed nothing was not told");
  });

  it("do not reach newcomers who cannot see the message, nor those who have left", async () => {
    const [owner, member, removed, late] = await Promise.all([buildUser(im), buildUser(im), buildUser(im), buildUser(im)]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member, removed]);
    const [ofOwner, ofMember, ofRemoved, ofLate] = [
      await connect(owner),
      await connect(member),
      await connect(removed),
      await connect(late),
    ];
    const before = await sendFrom(ofOwner, conversationId, "before");
    await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`));
    await addToGroup(im, owner, groupId, [late]);
    const since = await sendFrom(ofOwner, conversationId, "since");
    await ofOwner.ok("message:edit", { messageId: before.messageId, content: { text: "edited" } });
    await ofOwner.ok("message:edit", { messageId: since.messageId, content: { text: "edited" } });
    await ofLate.next<Message>("message:updated", ({ messageId }) => messageId === since.messageId);
    await ofMember.next<Message>("message:updated", ({ messageId }) => messageId === since.messageId);
    assert.equal(ofMember.of("message:updated").length, 2);
    assert.equal(ofLate.of("message:updated").length, 1);
    assert.deepEqual(ofRemoved.of("message:updated"), []);
  });

  it("that are refused, have the status that the table gives", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const client = await connect(a);
    const { messageId } = await sendFrom(client, conversationId);
    const old = await sendFrom(client, conversationId);
    await im.sql.execute("update message set created_at = created_at - 1000000 where message_id = :id", { id: old.messageId });
    const cases: [number, number, Promise<{ status: number; code: number }>][] = [
      [403, 3004, a.rest.post(`/messages/${old.messageId}/recall`, {})],
      [403, 3005, a.rest.put(`/messages/${old.messageId}/edit`, { content: { text: "x" } })],
      [403, 3011, b.rest.post(`/messages/${messageId}/recall`, {})],
      [404, 3008, a.rest.post(`/messages/${newId()}/recall`, {})],
      [400, 9001, a.rest.post("/messages/abc/recall", {})],
      [413, 3014, a.rest.put(`/messages/${messageId}/edit`, { content: { text: "字".repeat(3_000) } })],
    ];
    for (const [status, code, work] of cases) {
      const answer = await work;
      assert.deepEqual([answer.status, answer.code], [status, code]);
    }
  });

  it("to my own view are told to my own devices", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [mine, theirs] = [await connect(a), await connect(b)];
    const { messageId } = await sendFrom(theirs, conversationId);
    await dataOf(a.rest.put(`/social/conversations/${conversationId}`, { pinned: true, draft: "d" }));
    const changed = await mine.next<Record<string, unknown>>("conversation:updated", ({ pinned }) => pinned === true);
    assert.deepEqual([changed["conversationId"], changed["draft"]], [conversationId, "d"]);
    await mine.ok("message:delete", { messageId });
    await mine.next<Record<string, unknown>>("conversation:updated", ({ deleted }) => deleted === messageId);
    await dataOf(a.rest.delete(`/social/conversations/${conversationId}/messages`));
    await mine.next<Record<string, unknown>>("conversation:updated", ({ clearedSeq }) => clearedSeq === 1);
    await sendFrom(mine, conversationId);
    await theirs.next("message:new");
    assert.deepEqual(theirs.of("conversation:updated"), []);
  });
});

describe("receipts and typing", () => {
  it("tell the others how far one has got, and one's own other devices what one has read", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const tablet = await b.signIn({ deviceType: "desktop" });
    const [sender, reader, other] = [await connect(a), await connect(b), await connect(tablet)];
    for (let i = 0; i < 3; i++) await sendFrom(sender, conversationId);
    assert.deepEqual(await reader.ok("message:delivered", { conversationId, seq: 2 }), { seq: 2 });
    const delivered = await sender.next<{ seq: number; userId: string; at: number }>("receipt:delivered");
    assert.deepEqual([delivered.seq, delivered.userId], [2, b.userId]);
    assert.ok(Math.abs(delivered.at - Date.now()) < 10_000);
    assert.deepEqual(await reader.ok("message:read", { conversationId, seq: 99 }), { seq: 3 });
    assert.equal((await sender.next<{ seq: number }>("receipt:read")).seq, 3);
    const updated = await other.next<Record<string, unknown>>("conversation:updated");
    assert.deepEqual([updated["conversationId"], updated["readSeq"]], [conversationId, 3]);
    assert.deepEqual(await dataOf(b.rest.put(`/social/conversations/${conversationId}/read`, { seq: 1 })), { seq: 3 });
    await sendFrom(reader, conversationId);
    await sender.next("message:new");
    await other.next<Message>("message:new", ({ seq }) => seq === 4);
    assert.deepEqual(
      [sender.of("receipt:read").length, sender.of("receipt:delivered").length],
      [1, 1],
      "an older cursor tells nothing",
    );
    for (const client of [reader, other]) assert.deepEqual([client.of("receipt:read"), client.of("receipt:delivered")], [[], []]);
    assert.deepEqual(reader.of("conversation:updated"), []);
  });

  it("are not told by those who hide them", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [sender, reader] = [await connect(a), await connect(b)];
    await dataOf(b.rest.put("/users/me/settings", { showReadReceipts: false }));
    await sendFrom(sender, conversationId);
    await reader.ok("message:delivered", { conversationId, seq: 1 });
    assert.deepEqual(await reader.ok("message:read", { conversationId, seq: 1 }), { seq: 1 });
    await sendFrom(reader, conversationId);
    await sender.next("message:new");
    assert.deepEqual([sender.of("receipt:read"), sender.of("receipt:delivered")], [[], []]);
  });

  it("in a group reach the other members", async () => {
    const [owner, member, third] = await Promise.all([buildUser(im), buildUser(im), buildUser(im)]);
    const { conversationId } = await buildGroup(im, owner, [member, third]);
    const [ofOwner, ofMember, ofThird] = [await connect(owner), await connect(member), await connect(third)];
    const { seq } = await sendFrom(ofOwner, conversationId);
    await ofMember.ok("message:read", { conversationId, seq });
    for (const client of [ofOwner, ofThird]) {
      const receipt = await client.next<Record<string, unknown>>("receipt:read");
      assert.deepEqual([receipt["conversationId"], receipt["userId"], receipt["seq"]], [conversationId, member.userId, seq]);
    }
    assert.deepEqual(ofMember.of("receipt:read"), []);
  });

  it("typing is told to the other members, who may hear it, and to no device of one's own", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const phone = await a.signIn({ deviceType: "ios" });
    const [mine, other, theirs] = [await connect(a), await connect(phone), await connect(b)];
    for (const kind of ["text", "voice", "none"]) {
      assert.equal((await mine.send("typing", { conversationId, kind })).code, 0);
      assert.deepEqual(await theirs.next("typing"), { conversationId, userId: a.userId, kind });
    }
    const outsider = await connect(await buildUser(im));
    assert.equal((await outsider.send("typing", { conversationId, kind: "text" })).code, 3009);
    assert.equal((await outsider.send("typing", { conversationId: "g_5", kind: "text" })).code, 4001);
    assert.equal((await mine.send("typing", { conversationId, kind: "dancing" })).code, 9001);
    await dataOf(b.rest.put(`/social/blacklist/${a.userId}`, {}));
    assert.equal((await mine.send("typing", { conversationId, kind: "text" })).code, 3002);
    assert.equal(theirs.of("typing").length, 3);
    assert.deepEqual([mine.of("typing"), other.of("typing")], [[], []]);
  });

  it("typing the same again and again is told once in two seconds, and again when it is something else", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const phone = await a.signIn({ deviceType: "ios" });
    const [mine, other, theirs] = [await connect(a), await connect(phone), await connect(b)];
    const type = async (kind: string, on = mine): Promise<void> => void (await on.ok("typing", { conversationId, kind }));
    await Promise.all(Array.from({ length: 10 }, (_, i) => type("text", i % 2 === 0 ? mine : other)));
    await type("none");
    await type("text");
    await type("text");
    await sendFrom(mine, conversationId);
    await theirs.next("message:new");
    const kinds = (): unknown[] => theirs.of("typing").map(({ kind }) => kind);
    assert.deepEqual(kinds(), ["text", "none", "text"]);
    await waitFor(async () => {
      await type("text");
      return kinds().length === 4;
    }, "the same to be told again");
  });

  it("receipts and typing fall silent in a group of more than 500", async () => {
    const [owner, member] = [await buildUser(im), await buildUser(im)];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const [ofOwner, ofMember] = [await connect(owner), await connect(member)];
    await im.sql.execute("update im_group set member_count = 501 where group_id = :groupId", { groupId });
    const { seq } = await sendFrom(ofOwner, conversationId);
    assert.deepEqual(await ofMember.ok("message:read", { conversationId, seq }), { seq });
    assert.deepEqual(await ofMember.send("typing", { conversationId, kind: "text" }), { code: 0, data: { off: "large_group" } });
    await sendFrom(ofMember, conversationId);
    await ofOwner.next<Message>("message:new");
    assert.deepEqual([ofOwner.of("receipt:read"), ofOwner.of("typing")], [[], []]);
  });
});
