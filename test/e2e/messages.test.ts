import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Message, SendResult } from "../../contracts/entities.ts";
import { dataOf, type Ack, type Client } from "../support/client.ts";
import { buildGroup, buildUser, clientMsgId, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { historyOf, sendFrom } from "../support/messages.ts";
import { buildFriends } from "../support/people.ts";
import { newId } from "../support/records.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im.stop());

const connect = (user: TestUser): Promise<Client> => im.connect({ token: user.token });

describe("sending over REST", () => {
  it("is 201 the first time and 200 when the same comes again, with the same answer", async () => {
    const { a, conversationId } = await buildFriends(im);
    const params = text(conversationId);
    const first = await a.rest.post<SendResult>("/messages", params);
    assert.deepEqual([first.status, first.code, first.data.seq], [201, 0, 1]);
    const again = await a.rest.post("/messages", params);
    assert.deepEqual([again.status, again.data], [200, first.data]);
    const client = await connect(a);
    assert.deepEqual(await client.ok("message:send", params), first.data, "the same over a socket");
  });

  it("answers each refusal with its status and code, the same as over a socket", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [owner, stranger] = [await buildUser(im), await buildUser(im)];
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
    const { a, conversationId } = await buildFriends(im);
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
    const { a, b, conversationId } = await buildFriends(im);
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

describe("order", () => {
  it(
    "a thousand sends over one socket, unawaited, with replies among them, keep theirs on every device",
    { timeout: 60_000 },
    async () => {
      const { a, b, conversationId } = await buildFriends(im);
      const [sender, reader] = [await connect(a), await connect(b)];
      const original = await sendFrom(sender, conversationId, "0");
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
    const { a, b, conversationId } = await buildFriends(im);
    const clients = [await connect(a), await connect(b)];
    let last = 0;
    for (let i = 0; i < 30; i++) {
      const { seq } = await sendFrom(clients[i % 2]!, conversationId);
      assert.ok(seq > last);
      last = seq;
    }
  });
});
