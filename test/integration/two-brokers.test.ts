import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Message, OwnUser } from "../../contracts/entities.ts";
import { errorTable } from "../../contracts/errors.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import type { HttpVars } from "../../mixins/http/index.ts";
import { allServices } from "../../services/index.ts";
import { api, connectClient, dataOf, type RestClient } from "../support/client.ts";
import { PASSWORD, text } from "../support/im.ts";
import { createNode, type TestNode } from "../support/node.ts";
import { waitFor } from "../support/wait.ts";

/** What talks to clients; all else runs on the other node. */
const AT_THE_EDGE = ["api", "auth", "presence", "socket"];

interface TwoNodes extends AsyncDisposable {
  readonly url: string;
  readonly edge: TestNode;
  readonly inner: TestNode;
}

/** The product on two nodes, each with a data folder of its own: no table is used on both. */
async function startTwoNodes(): Promise<TwoNodes> {
  const broker = { transporter: "Fake" as const, namespace: `two-${randomUUID()}` };
  const [edge, inner] = await Promise.all([
    createNode(
      allServices.filter(({ name }) => AT_THE_EDGE.includes(name)),
      { broker },
    ),
    createNode(
      allServices.filter(({ name }) => !AT_THE_EDGE.includes(name)),
      { broker },
    ),
  ]);
  await edge.broker.waitForServices(["user", "settings", "friend", "conversation", "message"], 10_000, 20);
  await inner.broker.waitForServices(AT_THE_EDGE, 10_000, 20);
  const { port } = (edge.broker.getLocalService("api") as unknown as HttpVars).http.address();
  const stop = async (): Promise<void> => {
    await edge.stop();
    await inner.stop();
  };
  return { url: `http://127.0.0.1:${port}`, edge, inner, [Symbol.asyncDispose]: stop };
}

interface Person {
  readonly userId: string;
  readonly token: string;
  readonly rest: RestClient;
}

async function join(url: string, username: string): Promise<Person> {
  await dataOf(api(url).post("/users/register", { username, password: PASSWORD }));
  const login = api(url).post<{ accessToken: string; user: OwnUser }>("/users/login", { username, password: PASSWORD });
  const { accessToken, user } = await dataOf(login);
  return { userId: user.userId, token: accessToken, rest: api(url, accessToken) };
}

test("two nodes are one server: accounts, friends, messages, pushes and errors cross between them", async () => {
  await using nodes = await startTwoNodes();
  const [ann, bob] = [await join(nodes.url, "ann"), await join(nodes.url, "bob")];

  const { requestId } = await dataOf(ann.rest.post<{ requestId: string }>("/social/friends/request", { userId: bob.userId }));
  await dataOf(bob.rest.put(`/social/friends/request/${requestId}`, { action: "accept" }));
  const conversationId = directConversationId(ann.userId, bob.userId);

  await using annSocket = await connectClient(nodes.url, { token: ann.token });
  await using bobSocket = await connectClient(nodes.url, { token: bob.token });
  const sent = await annSocket.ok<Message>("message:send", text(conversationId, "over two nodes"));
  const got = await bobSocket.next<Message>("message:new");
  assert.deepEqual([got.messageId, got.seq, got.content], [sent.messageId, 1, { text: "over two nodes" }]);

  const again = text(conversationId);
  const statuses = [await ann.rest.post("/messages", again), await ann.rest.post("/messages", again)].map(({ status }) => status);
  assert.deepEqual(statuses, [201, 200]);

  const missing = await ann.rest.get("/social/groups/5", { headers: { "Accept-Language": "zh" } });
  assert.deepEqual([missing.status, missing.code, missing.message], [404, 4001, errorTable.GROUP_NOT_FOUND.zh]);
  const bad = await ann.rest.put<{ fields: { field: string }[] }>("/users/me/profile", { nickname: "", role: "admin" });
  assert.deepEqual([bad.status, bad.data.fields.map(({ field }) => field).sort()], [400, ["nickname", "role"]]);
  assert.equal((await annSocket.send("message:edit", { messageId: "5", content: { text: "x" } })).code, 3008);
});

test("while the other node is away the edge says so, and answers what it can by itself", async () => {
  await using nodes = await startTwoNodes();
  const ann = await join(nodes.url, "ann");
  await using socket = await connectClient(nodes.url, { token: ann.token });
  await nodes.inner.broker.stop();
  const isGone = () => !nodes.edge.broker.registry.getServiceList({ onlyAvailable: true }).some(({ name }) => name === "user");
  await waitFor(isGone, "the node to be missed");
  const answer = await ann.rest.get("/users/me");
  assert.deepEqual([answer.status, answer.code, answer.headers.get("retry-after")], [503, 9006, "1"]);
  assert.equal((await socket.send("message:read", { conversationId: "g_1", seq: 1 })).code, 9006);
  assert.equal((await ann.rest.get("/users/me/devices")).code, 0);
});
