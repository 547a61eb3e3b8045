import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import { SOCKET_CONNECT_TIMEOUT_MS } from "../../config/limits.ts";
import { dataOf, Refused, type Client, type ConnectOptions } from "../support/client.ts";
import { connectionsOf, rawSocket } from "../support/connections.ts";
import { expiringToken } from "../support/expiring-token.ts";
import { buildUser, PASSWORD, startIm, text, type Im } from "../support/im.ts";
import { buildFriends } from "../support/people.ts";
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
    await waitFor(async () => (await connectionsOf(im, user)) < 5, "the place is free");
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
    const { a, conversationId } = await buildFriends(im);
    const client = await im.connect({ token: a.token });
    const ending = a.rest.post("/auth/logout", {});
    await client.closed;
    await ending;
    const { status, code } = await a.rest.post("/messages", text(conversationId));
    assert.deepEqual([status, code], [401, 1004]);
  });

  it("comes when the token expires, unless the connection was renewed", { timeout: 20_000 }, async () => {
    const { a: user, conversationId } = await buildFriends(im);
    const { refreshToken } = user;
    const { accessToken } = await dataOf(im.api().post<{ accessToken: string }>("/auth/refresh", { refreshToken }));
    const token = expiringToken(im, user.token);
    const [left, renewed] = await Promise.all([im.connect({ token }), im.connect({ token })]);
    await renewed.ok("auth:renew", { token: accessToken });
    assert.equal((await ended(left)).code, 1003);
    await left.closed;
    assert.equal((await im.api(token).get("/users/me")).code, 1003, "the first token has expired");
    assert.equal((await renewed.send("message:send", text(conversationId))).code, 0);
    assert.equal(renewed.socket.connected, true);
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

describe("limits", () => {
  it("refuse events of a user that come too often, say how long to wait, and let other events pass", async () => {
    await using limited = await startIm({ rateLimits: true });
    const { a, conversationId } = await buildFriends(limited);
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
