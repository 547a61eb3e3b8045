import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import type { Message } from "../../contracts/entities.ts";
import { clientEvents } from "../../contracts/socket-events.ts";
import { MAX_SOCKET_FRAME_BYTES } from "../../config/limits.ts";
import { dataOf } from "../support/client.ts";
import { connectionsOf, rawSignedIn, rawSocket } from "../support/connections.ts";
import { buildUser, clientMsgId, startIm, text, type Im } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im?.stop());

describe("odd input", () => {
  it("is answered, whatever is sent with whichever event, and nothing is written", { timeout: 60_000 }, async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [client, reader] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
    let deep: unknown = "x";
    for (let i = 0; i < 200; i++) deep = [deep];
    const payloads: unknown[][] = [
      [],
      [null],
      [5],
      ["text"],
      [true],
      [[]],
      [[{}]],
      [{}],
      [{ a: 1 }],
      [{}, {}],
      [deep],
      [{ conversationId: deep }],
      [Buffer.from("x")],
      [{ a: Buffer.from("x") }],
      [{ conversationId: null, seq: "1" }],
      [{ conversationId: `${conversationId} `, seq: 1, kind: "text" }],
      [{ conversationId: "g_99999999999999999999", seq: -1 }],
      [{ messageId: "'; drop table message; --", emoji: "x", content: {} }],
      [JSON.parse('{"__proto__":{"x":1},"conversationId":"d_1_2"}')],
      [{ userIds: Array(600).fill("1") }],
      [{ token: "x".repeat(5_000) }],
      ["x".repeat(100_000)],
    ];
    for (const event of Object.keys(clientEvents)) {
      for (const payload of payloads) {
        if (event === "sync" && JSON.stringify(payload).replace("{}", "") === "[]") continue; // it needs no field
        const ack = await client.send(event, ...payload);
        const shown = `${event} ${JSON.stringify(payload).slice(0, 100)} → ${JSON.stringify(ack)}`;
        assert.ok(ack.code === 9001, shown);
        assert.ok(
          typeof ack.message === "string" && !/sql|stack|at \w+ \(|\/work|node_modules/i.test(JSON.stringify(ack)),
          shown,
        );
      }
    }
    assert.deepEqual(
      (await dataOf(b.rest.get<{ items: unknown[] }>(`/messages/conversations/${conversationId}/history`))).items,
      [],
    );
    assert.equal((await client.send("message:send", text(conversationId))).code, 0);
    assert.equal((await reader.next<Message>("message:new")).seq, 1);
  });

  it("in a message is refused as bad input, binary parts as well", async () => {
    const { a, conversationId } = await buildFriends(im);
    const client = await im.connect({ token: a.token });
    const good = text(conversationId);
    const custom = (data: unknown) => ({
      conversationId,
      clientMsgId: clientMsgId(),
      type: "custom",
      content: { kind: "x", data },
    });
    const bad: unknown[] = [
      { ...good, content: Buffer.from("x") },
      { ...good, content: { text: Buffer.from("x") } },
      { ...good, clientMsgId: Buffer.from("x") },
      { ...good, mentions: Buffer.from("x") },
      custom(Buffer.from("x")),
      custom({ deep: [new Uint8Array(2)] }),
      custom(JSON.parse('{"__proto__":{"x":1}}')),
      { ...good, __proto__x: 1 },
      JSON.parse(JSON.stringify(good).replace('"type"', '"__proto__":{"a":1},"type"')),
    ];
    for (const params of bad) assert.equal((await client.send("message:send", params)).code, 9001, JSON.stringify(params));
    assert.equal((await client.ok<{ seq: number }>("message:send", good)).seq, 1);
  });

  it("of unknown events is answered as such", async () => {
    const client = await im.connect({ token: (await buildUser(im)).token });
    for (const event of [
      "message:sned",
      "error",
      "message.send",
      "__proto__",
      "constructor",
      "toString",
      "",
      "a".repeat(1_000),
    ]) {
      assert.equal((await client.send(event, {})).code, 9010, event);
    }
  });

  it("without an acknowledgement is handled all the same", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [client, reader] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
    client.socket.emit("message:send", text(conversationId));
    client.socket.emit("message:send");
    client.socket.emit("error", new Error("x").message);
    assert.equal((await reader.next<Message>("message:new")).seq, 1);
  });

  it("on the wire closes that connection at most", { timeout: 30_000 }, async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const witness = await im.connect({ token: b.token });
    const frames: (string | Buffer)[] = [
      "",
      "x",
      "4",
      "40",
      "41",
      "42",
      "42[",
      "42{}",
      "42[]",
      "42[5]",
      "42[null]",
      '42["error","x"]',
      '42["disconnect"]',
      '42["connect_error",{}]',
      '42["disconnecting"]',
      '42["newListener"]',
      "43",
      "430[]",
      "4399999999999[1]",
      '45-["x"]',
      '451-["message:send",{"_placeholder":true,"num":5}]',
      '451-["message:send",{"_placeholder":true,"num":0}]',
      "46",
      "49",
      "2probe",
      "3",
      "5",
      "6",
      "99999",
      `42${"[".repeat(5_000)}`,
      `420${JSON.stringify(["message:send", { text: "\ud800" }])}`,
      '42/admin,["x"]',
      "40/admin,{}",
      '42999999999999999999["message:send",{}]',
      "\u0000",
      Buffer.from([0, 1, 2, 255]),
      Buffer.alloc(0),
    ];
    for (const frame of frames) {
      const socket = await rawSignedIn(im.url, a.token);
      socket.send(frame);
      socket.send(frame);
      const gone = once(socket, "close");
      socket.terminate();
      await gone;
      await waitFor(async () => (await connectionsOf(im, a)) === 0, "the connection is gone");
    }
    for (const frame of ["40{", '40{"token":', "40null", "40[]", '40"x"', "40/", "x", '42["message:send",{}]']) {
      const socket = await rawSocket(im.url);
      socket.send(frame);
      const gone = once(socket, "close");
      socket.terminate();
      await gone;
    }
    const sender = await im.connect({ token: a.token });
    await sender.ok("message:send", text(conversationId));
    assert.equal((await witness.next<Message>("message:new")).seq, 1);
  });

  it("that is too large closes that connection alone", async () => {
    const { a, b, conversationId } = await buildFriends(im);
    const [client, witness] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
    const largest = text(conversationId, "\u0001".repeat(8_192));
    assert.equal(
      (await client.ok<{ seq: number }>("message:send", largest)).seq,
      1,
      "the largest text with all its escapes fits",
    );
    client.socket.emit("message:send", text(conversationId, "x".repeat(MAX_SOCKET_FRAME_BYTES)));
    await client.closed;
    assert.equal(witness.socket.connected, true);
    assert.equal((await dataOf(b.rest.get<{ maxSeq: number }>(`/messages/conversations/${conversationId}/history`))).maxSeq, 1);
  });
});
