import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import type { Message } from "../../contracts/entities.ts";
import { clientEvents } from "../../contracts/socket-events.ts";
import { MAX_SOCKET_FRAME_BYTES, SOCKET_CONNECT_TIMEOUT_MS } from "../../config/limits.ts";
import { dataOf, Refused, type Client, type ConnectOptions } from "../support/client.ts";
import { befriend, buildUser, clientMsgId, PASSWORD, startIm, text, type Im, type TestUser } from "../support/im.ts";
import { waitFor } from "../support/wait.ts";

let im: Im;
before(async () => void (im = await startIm()));
after(() => im?.stop());

/** The code with which a handshake is refused; 0 when it is not. */
async function refusal(options: ConnectOptions, on: Im = im): Promise<number | string> {
  try {
    await (await on.connect(options)).close();
    return 0;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return error.data?.code ?? error.message;
  }
}
async function friends(on: Im = im): Promise<{ a: TestUser; b: TestUser; conversationId: string }> {
  const [a, b] = [await buildUser(on), await buildUser(on)];
  return { a, b, conversationId: await befriend(on, a, b) };
}
const connectionsOf = async (user: TestUser): Promise<number> => {
  const presence = await im.hot.presence.of([user.userId], Date.now());
  return presence.get(user.userId)?.connections.length ?? 0;
};

/** A WebSocket that speaks Socket.IO by hand. */
async function rawSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
  await once(socket, "open");
  return socket;
}
async function rawSignedIn(url: string, token: string): Promise<WebSocket> {
  const socket = await rawSocket(url);
  const isIn = new Promise<void>((resolve, reject) => {
    socket.on("message", (data: Buffer) => {
      if (data.toString().startsWith("40")) resolve();
      if (data.toString().startsWith("44")) reject(new Error(data.toString()));
    });
  });
  socket.send(`40${JSON.stringify({ token })}`);
  await isIn;
  return socket;
}

describe("the handshake", () => {
  it("lets in who has a valid token, with their deviceId or without", async () => {
    const user = await buildUser(im);
    const phone = await user.signIn({ deviceId: "phone-1" });
    assert.equal(await refusal({ token: user.token }), 0);
    assert.equal(await refusal({ token: phone.token, deviceId: "phone-1" }), 0);
    assert.equal(await refusal({ token: phone.token, deviceId: "phone-2" }), 1009);
  });

  it("says with a code why it refuses, in the client's language", async () => {
    const user = await buildUser(im);
    assert.equal(await refusal({}), 1010);
    assert.equal(await refusal({ token: "" }), 1010);
    assert.equal(await refusal({ token: "abc" }), 1010);
    assert.equal(await refusal({ token: `${user.token}x` }), 1010);
    assert.equal(await refusal({ token: user.refreshToken }), 1010);
    assert.equal(await refusal({ token: 5 as unknown as string }), 1010);
    const chinese = await im
      .connect({ token: "abc", headers: { "Accept-Language": "zh-CN,zh;q=0.9" } })
      .catch((error: Refused) => error.data);
    assert.deepEqual(chinese, { code: 1010, message: "请先登录：缺少有效的访问令牌。" });
    await dataOf(user.rest.post("/auth/logout", {}));
    assert.equal(await refusal({ token: user.token }), 1004);
  });

  it("takes no token from the address", async () => {
    const user = await buildUser(im);
    const socket = new WebSocket(`${im.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&token=${user.token}`);
    await once(socket, "open");
    const answer = new Promise<string>((resolve) =>
      socket.on("message", (data: Buffer) => data.toString().startsWith("4") && resolve(data.toString())),
    );
    socket.send("40");
    assert.match(await answer, /^44.*1010/);
    socket.close();
  });

  it("refuses pages of foreign origins, and takes those of its own and of none", async () => {
    const user = await buildUser(im);
    const from = (origin: string) => refusal({ token: user.token, headers: { Origin: origin } });
    assert.equal(await from(im.url), 0);
    for (const origin of ["https://evil.example", "null", `${im.url}.evil.example`, "http://localhost:1"])
      assert.notEqual(await from(origin), 0, origin);
    await using other = await startIm({ corsOrigins: ["https://chat.example"] });
    const { token } = await buildUser(other);
    assert.equal(await refusal({ token, headers: { Origin: "https://chat.example" } }, other), 0);
    assert.notEqual(await refusal({ token, headers: { Origin: "https://evil.example" } }, other), 0);
  });

  it("takes WebSocket only, unless long polling is configured", async () => {
    const { status } = await fetch(`${im.url}/socket.io/?EIO=4&transport=polling`);
    assert.equal(status, 400);
    await using other = await startIm({ polling: true });
    assert.equal((await fetch(`${other.url}/socket.io/?EIO=4&transport=polling`)).status, 200);
  });

  it("refuses a sixth connection of a user, and lets one in when another has closed", async () => {
    const user = await buildUser(im);
    const open: Client[] = [];
    for (let i = 0; i < 5; i++) open.push(await im.connect({ token: user.token }));
    assert.equal(await refusal({ token: user.token }), 1008);
    await open[0]!.close();
    await waitFor(async () => (await connectionsOf(user)) < 5, "the place is free");
    assert.equal(await refusal({ token: user.token }), 0);
    assert.equal(await refusal({ token: (await buildUser(im)).token }), 0, "others are not concerned");
  });

  it("counts no connection that went away while it was let in", async () => {
    await using slow = await startIm();
    const user = await buildUser(slow);
    const { presence } = slow.hot;
    const connect = presence.connect.bind(presence);
    const registered = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    presence.connect = async (...args) => {
      const result = await connect(...args);
      registered.resolve();
      await gate.promise;
      return result;
    };
    const socket = await rawSocket(slow.url);
    socket.send(`40${JSON.stringify({ token: user.token })}`);
    await registered.promise;
    socket.terminate();
    const { engine } = slow.broker.getLocalService("socket") as unknown as { engine: { clientsCount: number } };
    await waitFor(() => engine.clientsCount === 0, "the server knows that it is gone");
    gate.resolve();
    await waitFor(
      async () => !(await presence.of([user.userId], Date.now())).get(user.userId)?.connections.length,
      "no connection is left",
    );
  });

  it("closes a connection that never says who it is", { timeout: SOCKET_CONNECT_TIMEOUT_MS * 3 }, async () => {
    const socket = await rawSocket(im.url);
    const startedAt = performance.now();
    await once(socket, "close");
    assert.ok(performance.now() - startedAt < SOCKET_CONNECT_TIMEOUT_MS + 2_000);
  });
});

describe("the end of a session", () => {
  const ended = (client: Client) => client.next<{ code: number; reason: string }>("session:ended");

  it("closes its connections with the reason, and those of other sessions stay", async () => {
    const user = await buildUser(im);
    const phone = await user.signIn({ deviceId: "phone" });
    const [here, there] = [await im.connect({ token: user.token }), await im.connect({ token: phone.token })];
    await dataOf(user.rest.post("/auth/logout", {}));
    assert.deepEqual(await ended(here), { code: 1004, reason: "logout" });
    await here.closed;
    await dataOf(phone.rest.get("/users/me/devices"));
    assert.equal(there.socket.connected, true);
    await phone.signIn({ deviceId: "phone" });
    assert.deepEqual(await ended(there), { code: 1004, reason: "replaced" });
    await there.closed;
  });

  it("comes for all other sessions with a new password, and for one device when it is removed", async () => {
    const user = await buildUser(im);
    const [phone, laptop] = [await user.signIn({ deviceId: "phone" }), await user.signIn({ deviceId: "laptop" })];
    const [mine, ofPhone, ofLaptop] = [
      await im.connect({ token: user.token }),
      await im.connect({ token: phone.token }),
      await im.connect({ token: laptop.token }),
    ];
    await dataOf(user.rest.delete("/users/me/devices/phone"));
    assert.equal((await ended(ofPhone)).code, 1004);
    await ofPhone.closed;
    await dataOf(user.rest.put("/users/me/password", { oldPassword: PASSWORD, newPassword: "another-horse-battery" }));
    assert.deepEqual(await ended(ofLaptop), { code: 1004, reason: "password_changed" });
    await ofLaptop.closed;
    assert.equal(mine.socket.connected, true);
    assert.deepEqual(mine.of("session:ended"), []);
  });

  it("lets nothing of it succeed afterwards", async () => {
    const { a, conversationId } = await friends();
    const client = await im.connect({ token: a.token });
    const ending = a.rest.post("/auth/logout", {});
    await client.closed;
    await ending;
    const { status, code } = await a.rest.post("/messages", text(conversationId));
    assert.deepEqual([status, code], [401, 1004]);
  });

  it("comes when the token expires, unless the connection was renewed", { timeout: 20_000 }, async () => {
    await using short = await startIm({ accessTokenTtlS: 2 });
    const { a: user, conversationId } = await friends(short);
    const [left, renewed] = [await short.connect({ token: user.token }), await short.connect({ token: user.token })];
    const refresh = async (refreshToken: string) =>
      dataOf(short.api().post<{ accessToken: string; refreshToken: string }>("/auth/refresh", { refreshToken }));
    let { accessToken, refreshToken } = await refresh(user.refreshToken);
    const renewing = setInterval(() => {
      void refresh(refreshToken).then(async (fresh) => {
        ({ accessToken, refreshToken } = fresh);
        await renewed.send("auth:renew", { token: accessToken });
      });
    }, 700);
    try {
      assert.equal((await ended(left)).code, 1003);
      await left.closed;
      await waitFor(async () => (await short.api(user.token).get("/users/me")).code === 1003, "the first token has expired");
      assert.equal((await renewed.send("message:send", text(conversationId))).code, 0);
      assert.equal(renewed.socket.connected, true);
    } finally {
      clearInterval(renewing);
    }
  });

  it("is not put off by a token that is none, or of another session", async () => {
    const user = await buildUser(im);
    const [other, phone] = [await buildUser(im), await user.signIn({ deviceId: "phone" })];
    const client = await im.connect({ token: user.token });
    const renew = async (token: unknown): Promise<number> => (await client.send("auth:renew", { token })).code;
    assert.deepEqual(
      [await renew("abc"), await renew(user.refreshToken), await renew(other.token), await renew(phone.token), await renew(5)],
      [1010, 1010, 1009, 1009, 9001],
    );
    assert.equal(await renew(user.token), 0);
    assert.equal(client.socket.connected, true);
  });
});

describe("odd input", () => {
  it("is answered, whatever is sent with whichever event, and nothing is written", { timeout: 60_000 }, async () => {
    const { a, b, conversationId } = await friends();
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
    const { a, conversationId } = await friends();
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
    const { a, b, conversationId } = await friends();
    const [client, reader] = [await im.connect({ token: a.token }), await im.connect({ token: b.token })];
    client.socket.emit("message:send", text(conversationId));
    client.socket.emit("message:send");
    client.socket.emit("error", new Error("x").message);
    assert.equal((await reader.next<Message>("message:new")).seq, 1);
  });

  it("on the wire closes that connection at most", { timeout: 30_000 }, async () => {
    const { a, b, conversationId } = await friends();
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
      await waitFor(async () => (await connectionsOf(a)) === 0, "the connection is gone");
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
    const { a, b, conversationId } = await friends();
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

describe("limits", () => {
  it("refuse events of a user that come too often, say how long to wait, and let other events pass", async () => {
    await using limited = await startIm({ rateLimits: true });
    const { a, conversationId } = await friends(limited);
    const client = await limited.connect({ token: a.token });
    const codes: number[] = [];
    for (let i = 0; i < 30; i++) codes.push((await client.send("auth:renew", { token: a.token })).code);
    const first = codes.indexOf(9005);
    assert.ok(first >= 10 && first <= 20, `refused from the ${first}th on`);
    assert.ok(codes.slice(first).every((code) => code === 9005));
    const { data } = await client.send<{ retryAfterMs: number }>("auth:renew", { token: a.token });
    assert.ok(data!.retryAfterMs > 0 && data!.retryAfterMs <= 60_000);
    await client.ok("message:send", text(conversationId));
  });
});
