import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { startShop } from "../../examples/express-app/app.ts";
import { ConfigError, createIm, type ImOptions, type LogEntry } from "../../index.ts";
import { RestClient } from "../../scripts/rest-client.ts";
import { connectClient } from "../support/client.ts";
import { temporaryFolder } from "../support/server-process.ts";

/** Options of a node that shares nothing with others. */
const isolated = (dataDir: string): ImOptions => ({ dataDir, port: 0, metricsPort: 0, bcryptRounds: 4, logLevel: "fatal" });

async function signUp(url: string, username: string): Promise<{ rest: RestClient; token: string; userId: string }> {
  const account = { username, password: "lantern-quartz-42" };
  const rest = new RestClient(url);
  await rest.post("/users/register", account);
  const { accessToken, user } = await rest.post<{ accessToken: string; user: { userId: string } }>("/users/login", account);
  return { rest: rest.as(accessToken), token: accessToken, userId: user.userId };
}

test("an Express application and its chat share one port", async () => {
  await using folder = await temporaryFolder();
  const shop = await startShop(0, isolated(folder.path));
  try {
    const { url } = shop.im;
    assert.equal(await (await fetch(`${url}/`)).text(), "<h1>Shop</h1>");
    assert.deepEqual(await (await fetch(`${url}/orders/7`)).json(), { order: "7" });
    assert.equal((await fetch(`${url}/no-such-page`)).status, 404);
    assert.equal((await fetch(`${url}/health/ready`)).status, 200);

    const alice = await signUp(url, "alice");
    const client = await connectClient(url, { token: alice.token });
    const { group } = await alice.rest.post<{ group: { conversationId: string } }>("/social/groups", { name: "Shop" });
    const arrived = client.next<{ type: string; content: object }>("message:new", ({ type }) => type === "text");
    await alice.rest.post("/messages", {
      conversationId: group.conversationId,
      clientMsgId: "1",
      type: "text",
      content: { text: "hi" },
    });
    assert.deepEqual((await arrived).content, { text: "hi" });
    await client.close();
  } finally {
    await shop.close();
  }
  assert.equal(shop.server.listening, false);
});

test("a node without a server of its own takes a free port, and starts again on what it has stored", async () => {
  await using folder = await temporaryFolder();
  const first = createIm(isolated(folder.path));
  await first.start();
  await signUp(first.url, "keeper");
  await first.stop();
  await first.stop();
  assert.throws(() => first.url, /serves nobody/);
  const second = createIm(isolated(folder.path));
  await second.start();
  const login = new RestClient(second.url).post("/users/login", { username: "keeper", password: "lantern-quartz-42" });
  await assert.doesNotReject(login);
  await second.stop();
});

test("the environment is left alone, and so are the signals", async () => {
  await using folder = await temporaryFolder();
  process.env["IM_PORT"] = "not-a-port";
  const signals = ["SIGINT", "SIGTERM", "uncaughtException", "unhandledRejection", "beforeExit"] as const;
  const listeners = signals.map((signal) => process.listenerCount(signal));
  try {
    const im = createIm(isolated(folder.path));
    await im.start();
    assert.deepEqual(
      signals.map((signal) => process.listenerCount(signal)),
      listeners,
    );
    await im.stop();
  } finally {
    delete process.env["IM_PORT"];
  }
});

test("two nodes in one process cannot have the same data folder", async () => {
  await using folder = await temporaryFolder();
  const first = createIm(isolated(folder.path));
  await first.start();
  const second = createIm(isolated(folder.path));
  await assert.rejects(second.start(), /^Error: The data folder .* is in use/);
  await second.stop();
  assert.equal((await fetch(`${first.url}/health/ready`)).status, 200);
  await first.stop();
});

test("a port that is taken rejects the start in one line and leaves nothing behind", async () => {
  await using folder = await temporaryFolder();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  await assert.rejects(createIm({ ...isolated(folder.path), port }).start(), {
    message: `Port ${port} on 127.0.0.1 is taken; set IM_PORT to another`,
  });
  other.close();
  const im = createIm(isolated(folder.path));
  await im.start();
  await im.stop();
});

test("options that cannot work are refused with all their problems", () => {
  const options = { port: -1, kickPolicy: "some", services: ["user", "chat"] } as unknown as ImOptions;
  assert.throws(
    () => createIm(options),
    (error) => error instanceof ConfigError && error.problems.length === 2,
  );
  assert.throws(() => createIm({ services: ["chat"] }), /no service is called chat/);
});

test("only the chosen services run, and the log goes to who asked for it", async () => {
  await using folder = await temporaryFolder();
  const entries: LogEntry[] = [];
  const im = createIm({
    ...isolated(folder.path),
    logLevel: "info",
    services: ["user", "settings"],
    onLog: (entry) => entries.push(entry),
  });
  await im.start();
  const names = im.broker.services.map(({ name }) => name).filter((name) => !name.startsWith("$"));
  assert.deepEqual(names.sort(), ["settings", "user"]);
  await im.stop();
  assert.ok(entries.some(({ from, msg }) => from === "database" && msg.startsWith("Applied")));
});
