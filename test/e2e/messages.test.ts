import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message, SendResult } from "../../contracts/entities.ts";
import type { Result } from "../../contracts/index.ts";
import { dataOf, type Ack, type Client } from "../support/client.ts";
import {
  addToGroup,
  befriend,
  buildGroup,
  buildUser,
  clientMsgId,
  startIm,
  text,
  type Im,
  type TestUser,
} from "../support/im.ts";
import { newId } from "../support/records.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const person = (): Promise<TestUser> => buildUser(im);
const connect = (user: TestUser): Promise<Client> => im.connect({ token: user.token });
async function friends(): Promise<{ a: TestUser; b: TestUser; conversationId: string }> {
  const [a, b] = [await person(), await person()];
  return { a, b, conversationId: await befriend(im, a, b) };
}
const send = (
  client: Client,
  conversationId: string,
  words?: string,
  more: Parameters<typeof text>[2] = {},
): Promise<SendResult> => client.ok<SendResult>("message:send", text(conversationId, words, more));
const seqsOf = (client: Client): number[] => client.of<Message>("message:new").map(({ seq }) => seq);
const historyOf = (user: TestUser, conversationId: string, query = ""): Promise<Result<"message.history">> =>
  dataOf(user.rest.get(`/messages/conversations/${conversationId}/history${query}`));

describe("sending over REST", () => {
  it("is 201 the first time and 200 when the same comes again, with the same answer", async () => {
    const { a, conversationId } = await friends();
    const params = text(conversationId);
    const first = await a.rest.post<SendResult>("/messages", params);
    assert.deepEqual([first.status, first.code, first.data.seq], [201, 0, 1]);
    const again = await a.rest.post("/messages", params);
    assert.deepEqual([again.status, again.data], [200, first.data]);
    const client = await connect(a);
    assert.deepEqual(await client.ok("message:send", params), first.data, "the same over a socket");
  });

  it("answers each refusal with its status and code, the same as over a socket", async () => {
    const { a, b, conversationId } = await friends();
    const [owner, stranger] = [await person(), await person()];
    const group = await buildGroup(im, owner, [a]);
    const params = text(conversationId);
    await dataOf(a.rest.post("/messages", params));
    await dataOf(owner.rest.put(`/social/groups/${group.groupId}/mute`, { all: true }));
    await dataOf(stranger.rest.put(`/social/blacklist/${a.userId}`, {}));
    const [low, high] = [a, stranger].map(({ userId }) => userId).toSorted((x, y) => Number(BigInt(x) - BigInt(y)));
    const cases: [number, number, unknown][] = [
      [403, 3002, text(`d_${low}_${high}`)],
      [404, 3009, text("d_1_2")],
      [404, 4001, text("g_5")],
      [403, 3007, text(group.conversationId)],
      [409, 3006, { ...params, content: { text: "other" } }],
      [413, 3014, text(conversationId, "x".repeat(8_193))],
      [400, 9001, text(conversationId, "")],
      [400, 9001, { ...params, clientMsgId: clientMsgId(), type: "system", content: { event: "x", actorId: "1" } }],
      [400, 9001, text(conversationId, "x", { replyTo: newId() })],
    ];
    await dataOf(b.rest.put(`/social/blacklist/${a.userId}`, {}));
    cases.push([403, 3002, text(conversationId)]);
    const client = await connect(a);
    for (const [status, code, body] of cases) {
      const answer = await a.rest.post("/messages", body);
      assert.deepEqual([answer.status, answer.code], [status, code], JSON.stringify(body).slice(0, 200));
      const ack = await client.send("message:send", body);
      assert.deepEqual([ack.code, ack.message, ack.data ?? null], [code, answer.message, answer.data]);
    }
    const blocker = await b.rest.post("/messages", text(conversationId));
    assert.deepEqual([blocker.status, blocker.code], [403, 3003]);
    assert.equal((await im.api().post("/messages", text(conversationId))).status, 401);
  });

  it("names the fields of bad input, and refuses bodies that are too large or no JSON", async () => {
    const { a, conversationId } = await friends();
    const bad = await a.rest.post<{ fields: { field: string }[] }>("/messages", {
      ...text(conversationId),
      content: { txt: "x" },
      extra: 1,
    });
    assert.equal(bad.status, 400);
    assert.deepEqual(
      bad.data.fields.map(({ field }) => field),
      ["extra"],
    );
    const content = await a.rest.post<{ fields: { field: string }[] }>("/messages", {
      ...text(conversationId),
      content: { txt: "x" },
    });
    assert.deepEqual(new Set(content.data.fields.map(({ field }) => field)), new Set(["content.text", "content.txt"]));
    const raw = async (body: string): Promise<[number, number]> => {
      const { status, code } = await a.rest.post("/messages", undefined, { raw: body });
      return [status, code];
    };
    assert.deepEqual(await raw("{"), [400, 9008]);
    assert.equal((await raw('"text"'))[0], 400);
    assert.equal(
      (
        await raw(`{"conversationId":"${conversationId}","clientMsgId":"x","type":"text","content":{"text":"x","__proto__":{}}}`)
      )[0],
      400,
    );
    assert.deepEqual(
      await raw(JSON.stringify({ ...text(conversationId), content: { text: "x".repeat(1_100_000) } })),
      [413, 9007],
    );
    assert.deepEqual((await historyOf(a, conversationId)).items, []);
  });

  it("reads history with the positions of the query, and refuses others", async () => {
    const { a, b, conversationId } = await friends();
    for (let i = 0; i < 5; i++) await dataOf(a.rest.post("/messages", text(conversationId)));
    const seqs = async (query: string): Promise<number[]> =>
      (await historyOf(b, conversationId, query)).items.map(({ seq }) => seq);
    assert.deepEqual(await seqs("?limit=2"), [4, 5]);
    assert.deepEqual(await seqs("?beforeSeq=3"), [1, 2]);
    assert.deepEqual(await seqs("?afterSeq=3"), [4, 5]);
    assert.deepEqual(await seqs("?aroundSeq=3&limit=3"), [2, 3, 4]);
    assert.deepEqual(await seqs(`?aroundTime=${Date.now() + 1_000}&limit=1`), [5]);
    for (const query of [
      "?limit=0",
      "?limit=101",
      "?limit=1.5",
      "?limit=abc",
      "?limit=",
      "?beforeSeq=-1",
      "?beforeSeq=1&beforeSeq=2",
      "?beforeSeq=1&afterSeq=2",
      "?page=1",
    ]) {
      const { status, code } = await b.rest.get(`/messages/conversations/${conversationId}/history${query}`);
      assert.deepEqual([status, code], [400, 9001], query);
    }
  });
});

describe("who hears of a message", () => {
  it("every device of both but the socket that sent it; all of them when it came by REST", async () => {
    const { a, b, conversationId } = await friends();
    const phone = await a.signIn({ deviceType: "ios" });
    const [sender, other, reader] = [await connect(a), await connect(phone), await connect(b)];
    const sent = await send(sender, conversationId, "over the socket");
    const posted = await dataOf(a.rest.post<SendResult>("/messages", text(conversationId, "over REST")));
    for (const client of [other, reader]) {
      const [first, second] = [await client.next<Message>("message:new"), await client.next<Message>("message:new")];
      assert.deepEqual([first.messageId, second.messageId], [sent.messageId, posted.messageId]);
    }
    assert.equal((await sender.next<Message>("message:new")).messageId, posted.messageId);
    assert.deepEqual([seqsOf(sender), seqsOf(other), seqsOf(reader)], [[2], [1, 2], [1, 2]]);
  });

  it("sees in the push what the history has", async () => {
    const { a, b, conversationId } = await friends();
    const [sender, reader] = [await connect(a), await connect(b)];
    const first = await send(sender, conversationId, "\u0000 \ud800 😀", { mentions: [b.userId] });
    await send(sender, conversationId, "reply", { replyTo: first.messageId });
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
    const [owner, member, late, leaver, removed] = await Promise.all([person(), person(), person(), person(), person()]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member, leaver, removed]);
    const [ofOwner, ofMember, ofLate, ofLeaver, ofRemoved] = [
      await connect(owner),
      await connect(member),
      await connect(late),
      await connect(leaver),
      await connect(removed),
    ];
    await dataOf(leaver.rest.delete(`/social/groups/${groupId}/members/${leaver.userId}`));
    await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`));
    await addToGroup(im, owner, groupId, [late]);
    const { seq } = await send(ofOwner, conversationId);
    assert.equal(seq, 5);
    for (const client of [ofMember, ofLate]) await client.next<Message>("message:new", (message) => message.seq === 5);
    assert.deepEqual(seqsOf(ofMember), [2, 3, 4, 5]);
    assert.deepEqual(seqsOf(ofLate), [4, 5], "from the message that says they joined");
    assert.deepEqual(seqsOf(ofOwner), [2, 3, 4]);
    assert.deepEqual(seqsOf(ofLeaver), [2], "up to the message that says they left");
    assert.deepEqual(seqsOf(ofRemoved), [2, 3]);
    const ack = await ofRemoved.send("message:send", text(conversationId));
    assert.equal(ack.code, 4001);
  });

  it("a connection that opens later hears of what comes then, of groups as well", async () => {
    const [owner, member] = [await person(), await person()];
    const { conversationId } = await buildGroup(im, owner, [member]);
    const sender = await connect(owner);
    await send(sender, conversationId);
    const reader = await connect(member);
    await send(sender, conversationId);
    assert.equal((await reader.next<Message>("message:new")).seq, 3);
  });

  it("nobody, of a message that was refused or repeated", async () => {
    const { a, b, conversationId } = await friends();
    const [sender, reader] = [await connect(a), await connect(b)];
    const params = text(conversationId);
    const acks = await Promise.all([1, 2, 3].map(() => sender.send("message:send", params)));
    assert.deepEqual(
      acks.map(({ code }) => code),
      [0, 0, 0],
    );
    await sender.send("message:send", { ...params, content: { text: "other" } });
    await sender.ok("message:send", params);
    await send(sender, conversationId, "last");
    await reader.next<Message>("message:new", ({ seq }) => seq === 2);
    assert.deepEqual(seqsOf(reader), [1, 2]);
  });
});

describe("order", () => {
  it(
    "a thousand sends over one socket, unawaited, with replies among them, keep theirs on every device",
    { timeout: 60_000 },
    async () => {
      const { a, b, conversationId } = await friends();
      const [sender, reader] = [await connect(a), await connect(b)];
      const original = await send(sender, conversationId, "0");
      const acks: Promise<Ack<SendResult>>[] = [];
      for (let i = 1; i <= 1_000; i++) {
        acks.push(
          sender.send("message:send", text(conversationId, String(i), i % 7 === 0 ? { replyTo: original.messageId } : {})),
        );
      }
      const seqs = (await Promise.all(acks)).map(({ data }) => data?.seq);
      assert.deepEqual(
        seqs,
        Array.from({ length: 1_000 }, (_, index) => index + 2),
      );
      await reader.next<Message>("message:new", ({ seq }) => seq === 1_001);
      const words = reader.of<Message>("message:new").map(({ seq, content }) => [seq, content["text"]]);
      assert.deepEqual(
        words,
        Array.from({ length: 1_001 }, (_, index) => [index + 1, String(index)]),
      );
    },
  );

  it("an acknowledged message is before one that is sent after it, whoever sends it", async () => {
    const { a, b, conversationId } = await friends();
    const clients = [await connect(a), await connect(b)];
    let last = 0;
    for (let i = 0; i < 30; i++) {
      const { seq } = await send(clients[i % 2]!, conversationId);
      assert.ok(seq > last);
      last = seq;
    }
  });
});

describe("changes", () => {
  it("reach everybody who can see the message, over REST and over sockets alike", async () => {
    const { a, b, conversationId } = await friends();
    const [sender, reader] = [await connect(a), await connect(b)];
    const { messageId } = await send(sender, conversationId, "one");
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
    const [owner, member, removed, late] = await Promise.all([person(), person(), person(), person()]);
    const { groupId, conversationId } = await buildGroup(im, owner, [member, removed]);
    const [ofOwner, ofMember, ofRemoved, ofLate] = [
      await connect(owner),
      await connect(member),
      await connect(removed),
      await connect(late),
    ];
    const before = await send(ofOwner, conversationId, "before");
    await dataOf(owner.rest.delete(`/social/groups/${groupId}/members/${removed.userId}`));
    await addToGroup(im, owner, groupId, [late]);
    const since = await send(ofOwner, conversationId, "since");
    await ofOwner.ok("message:edit", { messageId: before.messageId, content: { text: "edited" } });
    await ofOwner.ok("message:edit", { messageId: since.messageId, content: { text: "edited" } });
    await ofLate.next<Message>("message:updated", ({ messageId }) => messageId === since.messageId);
    await ofMember.next<Message>("message:updated", ({ messageId }) => messageId === since.messageId);
    assert.equal(ofMember.of("message:updated").length, 2);
    assert.equal(ofLate.of("message:updated").length, 1);
    assert.deepEqual(ofRemoved.of("message:updated"), []);
  });

  it("that are refused, have the status that the table gives", async () => {
    const { a, b, conversationId } = await friends();
    const client = await connect(a);
    const { messageId } = await send(client, conversationId);
    const old = await send(client, conversationId);
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
    const { a, b, conversationId } = await friends();
    const [mine, theirs] = [await connect(a), await connect(b)];
    const { messageId } = await send(theirs, conversationId);
    await dataOf(a.rest.put(`/social/conversations/${conversationId}`, { pinned: true, draft: "d" }));
    const changed = await mine.next<Record<string, unknown>>("conversation:updated", ({ pinned }) => pinned === true);
    assert.deepEqual([changed["conversationId"], changed["draft"]], [conversationId, "d"]);
    await mine.ok("message:delete", { messageId });
    await mine.next<Record<string, unknown>>("conversation:updated", ({ deleted }) => deleted === messageId);
    await dataOf(a.rest.delete(`/social/conversations/${conversationId}/messages`));
    await mine.next<Record<string, unknown>>("conversation:updated", ({ clearedSeq }) => clearedSeq === 1);
    await send(mine, conversationId);
    await theirs.next("message:new");
    assert.deepEqual(theirs.of("conversation:updated"), []);
  });
});

describe("receipts and typing", () => {
  it("tell the others how far one has got, and one's own other devices what one has read", async () => {
    const { a, b, conversationId } = await friends();
    const tablet = await b.signIn({ deviceType: "desktop" });
    const [sender, reader, other] = [await connect(a), await connect(b), await connect(tablet)];
    for (let i = 0; i < 3; i++) await send(sender, conversationId);
    assert.deepEqual(await reader.ok("message:delivered", { conversationId, seq: 2 }), { seq: 2 });
    const delivered = await sender.next<{ seq: number; userId: string; at: number }>("receipt:delivered");
    assert.deepEqual([delivered.seq, delivered.userId], [2, b.userId]);
    assert.ok(Math.abs(delivered.at - Date.now()) < 10_000);
    assert.deepEqual(await reader.ok("message:read", { conversationId, seq: 99 }), { seq: 3 });
    assert.equal((await sender.next<{ seq: number }>("receipt:read")).seq, 3);
    const updated = await other.next<Record<string, unknown>>("conversation:updated");
    assert.deepEqual([updated["conversationId"], updated["readSeq"]], [conversationId, 3]);
    assert.deepEqual(await dataOf(b.rest.put(`/social/conversations/${conversationId}/read`, { seq: 1 })), { seq: 3 });
    await send(reader, conversationId);
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
    const { a, b, conversationId } = await friends();
    const [sender, reader] = [await connect(a), await connect(b)];
    await dataOf(b.rest.put("/users/me/settings", { showReadReceipts: false }));
    await send(sender, conversationId);
    await reader.ok("message:delivered", { conversationId, seq: 1 });
    assert.deepEqual(await reader.ok("message:read", { conversationId, seq: 1 }), { seq: 1 });
    await send(reader, conversationId);
    await sender.next("message:new");
    assert.deepEqual([sender.of("receipt:read"), sender.of("receipt:delivered")], [[], []]);
  });

  it("in a group reach the other members", async () => {
    const [owner, member, third] = await Promise.all([person(), person(), person()]);
    const { conversationId } = await buildGroup(im, owner, [member, third]);
    const [ofOwner, ofMember, ofThird] = [await connect(owner), await connect(member), await connect(third)];
    const { seq } = await send(ofOwner, conversationId);
    await ofMember.ok("message:read", { conversationId, seq });
    for (const client of [ofOwner, ofThird]) {
      const receipt = await client.next<Record<string, unknown>>("receipt:read");
      assert.deepEqual([receipt["conversationId"], receipt["userId"], receipt["seq"]], [conversationId, member.userId, seq]);
    }
    assert.deepEqual(ofMember.of("receipt:read"), []);
  });

  it("typing is told to the other members, who may hear it, and to no device of one's own", async () => {
    const { a, b, conversationId } = await friends();
    const phone = await a.signIn({ deviceType: "ios" });
    const [mine, other, theirs] = [await connect(a), await connect(phone), await connect(b)];
    for (const kind of ["text", "voice", "none"]) {
      assert.equal((await mine.send("typing", { conversationId, kind })).code, 0);
      assert.deepEqual(await theirs.next("typing"), { conversationId, userId: a.userId, kind });
    }
    const outsider = await connect(await person());
    assert.equal((await outsider.send("typing", { conversationId, kind: "text" })).code, 3009);
    assert.equal((await outsider.send("typing", { conversationId: "g_5", kind: "text" })).code, 4001);
    assert.equal((await mine.send("typing", { conversationId, kind: "dancing" })).code, 9001);
    await dataOf(b.rest.put(`/social/blacklist/${a.userId}`, {}));
    assert.equal((await mine.send("typing", { conversationId, kind: "text" })).code, 3002);
    assert.equal(theirs.of("typing").length, 3);
    assert.deepEqual([mine.of("typing"), other.of("typing")], [[], []]);
  });

  it("receipts and typing fall silent in a group of more than 500", async () => {
    const [owner, member] = [await person(), await person()];
    const { groupId, conversationId } = await buildGroup(im, owner, [member]);
    const [ofOwner, ofMember] = [await connect(owner), await connect(member)];
    await im.sql.execute("update im_group set member_count = 501 where group_id = :groupId", { groupId });
    const { seq } = await send(ofOwner, conversationId);
    assert.deepEqual(await ofMember.ok("message:read", { conversationId, seq }), { seq });
    assert.equal((await ofMember.send("typing", { conversationId, kind: "text" })).code, 0);
    await send(ofMember, conversationId);
    await ofOwner.next<Message>("message:new");
    assert.deepEqual([ofOwner.of("receipt:read"), ofOwner.of("typing")], [[], []]);
  });
});
