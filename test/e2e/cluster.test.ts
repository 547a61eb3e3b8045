import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import type { Message } from "../../contracts/entities.ts";
import { SMALL_CLUSTER, startCluster, type Cluster } from "../../scripts/cluster/index.ts";
import { prepareWebClient } from "../../scripts/web-client/index.ts";
import { ownServers, reasonToSkip } from "../support/servers.ts";
import { api, connectClient, dataOf, type Client, type RestClient } from "../support/client.ts";
import { ROOT, runProcess, temporaryFolder } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

const KINDS = ["mysql", "redis", "nats", "kafka"] as const;
const PASSWORD = "quartz-lantern-42";
const skip = await reasonToSkip(...KINDS);

interface Person {
  readonly userId: string;
  readonly username: string;
  readonly token: string;
  /** REST through each gateway. */
  readonly rest: readonly RestClient[];
}

/** The small cluster of `npm run cluster`, each node its own process. */
describe("a cluster of six nodes", { skip, timeout: 180_000 }, () => {
  const stack = new AsyncDisposableStack();
  let cluster: Cluster;
  let mysqlUrl = "";
  const clients: Client[] = [];
  let [ann, ben, cid] = [] as unknown as [Person, Person, Person];
  let direct = "";

  before(async () => {
    const servers = stack.use(await ownServers(...KINDS));
    mysqlUrl = servers.mysql.url;
    await prepareWebClient(ROOT, () => undefined);
    const folder = stack.use(await temporaryFolder());
    const nodes = SMALL_CLUSTER.map(({ name, role }) => ({ name, role }));
    cluster = stack.use(await startCluster({ dir: folder.path, servers: servers.env, nodes, env: { IM_BCRYPT_ROUNDS: "10" } }));
    [ann, ben, cid] = (await Promise.all(["ann", "ben", "cid"].map(signUp))) as [Person, Person, Person];
    direct = await befriend(ann, ben);
  });
  after(async () => {
    for (const client of clients) await client.close();
    await stack.disposeAsync();
  });

  async function signUp(username: string): Promise<Person> {
    const [one, two] = cluster.gateways as [string, string];
    // A cluster that has just begun may ask to be tried again, as any client does.
    await waitFor(
      async () => (await api(one).post("/users/register", { username, password: PASSWORD })).code !== 9006,
      "the account to be made",
    );
    const { accessToken: token, user } = await dataOf(
      api(two).post<{ accessToken: string; user: { userId: string } }>("/users/login", { username, password: PASSWORD }),
    );
    return { userId: user.userId, username, token, rest: cluster.gateways.map((url) => api(url, token)) };
  }

  async function befriend(a: Person, b: Person): Promise<string> {
    const { requestId } = await dataOf(a.rest[0]!.post<{ requestId: string }>("/social/friends/request", { userId: b.userId }));
    await dataOf(b.rest[1]!.put(`/social/friends/request/${requestId}`, { action: "accept" }));
    const opened = a.rest[1]!.post<{ conversationId: string }>("/social/conversations", { userId: b.userId });
    return (await dataOf(opened)).conversationId;
  }

  async function connect(person: Person, gateway: number): Promise<Client> {
    const client = await connectClient(cluster.gateways[gateway]!, { token: person.token });
    clients.push(client);
    return client;
  }

  async function inSql(conversationId: string): Promise<number[]> {
    const connection = await createConnection(mysqlUrl);
    try {
      const sql = "select seq from message where conversation_id = ? order by seq";
      const [rows] = await connection.execute<RowDataPacket[]>(sql, [conversationId]);
      return rows.map((row) => Number(row["seq"]));
    } finally {
      await connection.end();
    }
  }

  it("both gateways serve the same web client", async () => {
    const pages = await Promise.all(cluster.gateways.map((url) => fetch(url)));
    const [one, other] = pages.map(({ status, headers }) => [status, headers.get("content-type"), headers.get("etag")]);
    assert.deepEqual(one?.slice(0, 2), [200, "text/html; charset=utf-8"]);
    assert.deepEqual(one, other);
  });

  it("people on different gateways talk, in order, and all of it is in MySQL", async () => {
    const [a, b] = [await connect(ann, 0), await connect(ben, 1)];
    const count = 100;
    const sends = Array.from({ length: count }, (_, i) =>
      a.ok<{ seq: number }>("message:send", {
        conversationId: direct,
        clientMsgId: `talk-${i}`,
        type: "text",
        content: { text: String(i) },
      }),
    );
    const seqs = (await Promise.all(sends)).map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => seqs[0]! + i),
      "in the order of the socket, without a hole",
    );
    // One may come twice: a gateway that is asked and does not answer within a second may have pushed it nevertheless.
    const got = (): Set<number> => new Set(b.of<Message>("message:new").map(({ seq }) => seq));
    await waitFor(() => got().size >= count, "all pushes on the other gateway");
    assert.deepEqual(
      [...got()].toSorted((x, y) => x - y),
      seqs,
    );
    const page = await dataOf(ben.rest[0]!.get<{ items: Message[] }>(`/messages/conversations/${direct}/history?limit=100`));
    assert.deepEqual(
      page.items.map(({ seq }) => seq),
      seqs,
      "readable at once",
    );
    await waitFor(async () => (await inSql(direct)).length >= count, "all rows");
    assert.deepEqual(await inSql(direct), seqs);
  });

  it("a message is changed on one gateway right after it was sent, and heard of on the other", async () => {
    const [a, b] = [await connect(ann, 0), await connect(ben, 1)];
    const { messageId } = await a.ok<{ messageId: string }>("message:send", {
      conversationId: direct,
      clientMsgId: "recalled",
      type: "text",
      content: { text: "never mind" },
    });
    await a.ok("message:recall", { messageId });
    const told = await b.next<Message>("message:updated", (message) => message.messageId === messageId);
    assert.deepEqual([told.content, typeof told.recalledAt], [{}, "number"]);
  });

  it("members of a group are on different gateways; who is removed hears no more", async () => {
    const conversation = await befriend(ann, cid);
    assert.ok(conversation.startsWith("d_"));
    const [a, b, c] = [await connect(ann, 0), await connect(ben, 1), await connect(cid, 1)];
    for (const one of [ben, cid]) await dataOf(one.rest[0]!.put(`/social/whitelist/${ann.userId}`));
    const members = { name: "Team", memberIds: [ben.userId, cid.userId] };
    type Created = { group: { groupId: string; conversationId: string } };
    const { group } = await dataOf(ann.rest[1]!.post<Created>("/social/groups", members));
    const say = (text: string): Promise<unknown> =>
      a.ok("message:send", { conversationId: group.conversationId, clientMsgId: text, type: "text", content: { text } });
    const heard = (client: Client, text: string): Message | undefined =>
      client.of<Message>("message:new").find(({ clientMsgId }) => clientMsgId === text);
    await waitFor(() => b.of<Message>("message:new").some(({ type }) => type === "system"), "the group to begin");
    await say("to-all");
    await waitFor(() => heard(b, "to-all") && heard(c, "to-all"), "both to hear it");
    await dataOf(ann.rest[0]!.delete(`/social/groups/${group.groupId}/members/${cid.userId}`));
    await say("to-those-who-stayed");
    await waitFor(() => heard(b, "to-those-who-stayed"), "the one who stayed to hear it");
    assert.equal(heard(c, "to-those-who-stayed"), undefined);
  });

  it("whoever signs out is cut off on the other gateway", async () => {
    const dora = await signUp("dora");
    const socket = await connect(dora, 1);
    await dataOf(dora.rest[0]!.post("/auth/logout"));
    await waitFor(() => !socket.socket.connected, "the connection to end");
    assert.equal((await dora.rest[1]!.get("/users/me")).status, 401);
  });

  it("a console joins it and answers for all nodes", async () => {
    const eve = await signUp("eve");
    await connect(eve, 1);
    await using console = runProcess(["--import", "./scripts/compile-cache.js", "scripts/repl.ts"], {
      ...cluster.env,
      IM_PROFILE: "cluster",
      IM_DATA_DIR: "/nowhere",
    });
    const ask = async (line: string, answer: RegExp): Promise<void> => {
      await waitFor(
        async () => {
          console.child.stdin.write(`${line}\n`);
          await new Promise((resolve) => setTimeout(resolve, 300));
          return answer.test(console.written.out);
        },
        `${line} to be answered; ${console.written.out} ${console.written.err}`,
        20_000,
      );
    };
    await ask("nodes", /compensator-1/);
    await ask("im presence eve", /eve \(\d+\) is online/);
    await ask("im pipeline", /nodes +2 socket, 1 persister, 1 compensator/);
    await ask("im kick eve", /1 session ended, 1 connection closed/);
  });
});
