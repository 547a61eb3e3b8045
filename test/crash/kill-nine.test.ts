import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { io, type Socket } from "socket.io-client";
import { api, dataOf } from "../support/client.ts";
import { freePort, startServer, temporaryFolder, type RunningServer } from "../support/server-process.ts";
import { waitFor } from "../support/wait.ts";

const ROUNDS = 5;
/** Messages that each round sends before the process is killed at the latest. */
const PER_ROUND = 400;
const PASSWORD = "lantern-quartz-42";

interface Person {
  userId: string;
  token: string;
  refreshToken: string;
}
interface Answer {
  seq: number;
  messageId: string;
  createdAt: number;
}
interface Sent {
  readonly person: Person;
  readonly conversationId: string;
  readonly clientMsgId: string;
  readonly text: string;
  /** Every answer it got; a message without one was sent by somebody who does not know. */
  readonly answers: Answer[];
  /** How many messages of its conversation were acknowledged when it was sent first. */
  readonly afterSeq: number;
}

async function signUp(url: string, username: string): Promise<Person> {
  await dataOf(api(url).post("/users/register", { username, password: PASSWORD }));
  const signedIn = await dataOf(
    api(url).post<{ accessToken: string; refreshToken: string; user: { userId: string } }>("/users/login", {
      username,
      password: PASSWORD,
    }),
  );
  return { userId: signedIn.user.userId, token: signedIn.accessToken, refreshToken: signedIn.refreshToken };
}

async function befriend(url: string, a: Person, b: Person): Promise<string> {
  const { requestId } = await dataOf(
    api(url, a.token).post<{ requestId: string }>("/social/friends/request", { userId: b.userId }),
  );
  await dataOf(api(url, b.token).put(`/social/friends/request/${requestId}`, { action: "accept" }));
  const { conversationId } = await dataOf(
    api(url, a.token).post<{ conversationId: string }>("/social/conversations", { userId: b.userId }),
  );
  return conversationId;
}

async function makeGroup(url: string, owner: Person, others: readonly Person[]): Promise<string> {
  for (const { token } of others) await dataOf(api(url, token).put(`/social/whitelist/${owner.userId}`, {}));
  const memberIds = others.map(({ userId }) => userId);
  const { group, joined } = await dataOf(
    api(url, owner.token).post<{ group: { conversationId: string }; joined: string[] }>("/social/groups", {
      name: "Crash",
      memberIds,
    }),
  );
  assert.equal(joined.length, others.length);
  return group.conversationId;
}

async function connect(url: string, { token }: Person): Promise<Socket> {
  const socket = io(url, { transports: ["websocket"], reconnection: false, forceNew: true, auth: { token } });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
}

/** Sends once; resolves when it was answered or the connection is gone. */
function send(socket: Socket, sent: Sent): Promise<void> {
  const { conversationId, clientMsgId, text } = sent;
  return new Promise((resolve) => {
    socket.once("disconnect", () => resolve());
    socket.emit(
      "message:send",
      { conversationId, clientMsgId, type: "text", content: { text } },
      (answer: { code: number; data: Answer }) => {
        if (answer.code === 0) sent.answers.push(answer.data);
        resolve();
      },
    );
  });
}

class Load {
  readonly sent: Sent[] = [];
  readonly highest = new Map<string, number>();
  #next = 0;

  make(person: Person, conversationId: string): Sent {
    const number = this.#next++;
    const sent = {
      person,
      conversationId,
      clientMsgId: `crash-${number}`,
      text: `message ${number}`,
      answers: [],
      afterSeq: this.highest.get(conversationId) ?? 0,
    };
    this.sent.push(sent);
    return sent;
  }

  /** Keeps four messages of a person in flight until the connection breaks or `limit` were sent. */
  async run(socket: Socket, person: Person, conversations: readonly string[], limit: number): Promise<void> {
    let count = 0;
    const lane = async (): Promise<void> => {
      while (socket.connected && count < limit) {
        const one = this.make(person, conversations[count++ % conversations.length]!);
        await send(socket, one);
        const [answer] = one.answers;
        if (answer) this.highest.set(one.conversationId, Math.max(this.highest.get(one.conversationId) ?? 0, answer.seq));
      }
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
  }

  /** Sends again what nobody answered, in the order of the first time, with the same clientMsgId; and some that was answered. */
  async resend(sockets: ReadonlyMap<Person, Socket>): Promise<void> {
    const repeated = this.sent.filter(({ answers }, i) => answers.length === 0 || i % 17 === 0);
    await Promise.all(repeated.map((one) => send(sockets.get(one.person)!, one)));
    assert.deepEqual(
      this.sent.filter(({ answers }) => answers.length === 0),
      [],
    );
  }
}

interface Row {
  conversation_id: string;
  seq: number;
  message_id: string;
  client_msg_id: string;
  content: string;
}
function rowsOf(dataDir: string): Row[] {
  using db = new DatabaseSync(join(dataDir, "im.sqlite"), { readOnly: true });
  const rows = db
    .prepare(
      "select conversation_id, seq, cast(message_id as text) as message_id, client_msg_id, content from message order by conversation_id, seq",
    )
    .all();
  return rows as unknown as Row[];
}

/** I1-I6 against the database file. */
function checkStored(rows: readonly Row[], sent: readonly Sent[]): void {
  const byKey = Map.groupBy(rows, (row) => `${row.conversation_id} ${row.client_msg_id}`);
  for (const one of sent) {
    const found = byKey.get(`${one.conversationId} ${one.clientMsgId}`) ?? [];
    assert.equal(found.length, 1, `${one.clientMsgId} stands once (I1, I3)`);
    const [row] = found;
    assert.equal((JSON.parse(row!.content) as { text: string }).text, one.text);
    for (const answer of one.answers) {
      assert.deepEqual([answer.seq, answer.messageId], [Number(row!.seq), row!.message_id], "every answer says the same (I3)");
    }
    assert.ok(Number(row!.seq) > one.afterSeq, "sent after an acknowledged one, stored after it (I6)");
  }
  const keys = new Set(sent.map(({ clientMsgId }) => clientMsgId));
  const phantoms = rows.filter((row) => !keys.has(row.client_msg_id) && !row.client_msg_id.startsWith("ev-"));
  assert.deepEqual(phantoms, [], "nothing appears that nobody sent (I2)");
  for (const [conversationId, of] of Map.groupBy(rows, (row) => row.conversation_id)) {
    assert.deepEqual(
      of.map(({ seq }) => Number(seq)),
      of.map((_, i) => i + 1),
      `${conversationId} has each seq once and no hole (I4, I5)`,
    );
  }
  assert.equal(new Set(rows.map((row) => row.message_id)).size, rows.length, "ids are unique (I16)");
}

async function historyOf(url: string, { token }: Person, conversationId: string): Promise<string[]> {
  const ids: string[] = [];
  for (let afterSeq = 0; ;) {
    const page = await dataOf(
      api(url, token).get<{ items: { seq: number; messageId: string }[] }>(
        `/messages/conversations/${conversationId}/history?afterSeq=${afterSeq}&limit=100`,
      ),
    );
    if (page.items.length === 0) return ids;
    ids.push(...page.items.map(({ messageId }) => messageId));
    afterSeq = page.items.at(-1)!.seq;
  }
}

test("kill -9 under load loses, doubles and reorders nothing that was acknowledged (I1-I7)", async () => {
  await using folder = await temporaryFolder();
  const env = { IM_DATA_DIR: folder.path, IM_PORT: String(await freePort()), IM_RATE_LIMITS: "off", IM_LOG_LEVEL: "error" };
  let server: RunningServer = await startServer(env);
  try {
    const people = await Promise.all(["ann", "ben", "cem"].map((name) => signUp(server.url, name)));
    const [ann, ben, cem] = people as [Person, Person, Person];
    const direct = [
      await befriend(server.url, ann, ben),
      await befriend(server.url, ben, cem),
      await befriend(server.url, ann, cem),
    ];
    const group = await makeGroup(server.url, ann, [ben, cem]);
    const inConversation = (person: Person): string[] => [...direct.filter((id) => id.includes(person.userId)), group];
    const load = new Load();

    for (let round = 0; round < ROUNDS; round++) {
      const sockets = new Map<Person, Socket>();
      for (const person of people) sockets.set(person, await connect(server.url, person));
      await load.resend(sockets);
      const before = load.sent.length;
      const running = people.map((person) => load.run(sockets.get(person)!, person, inConversation(person), PER_ROUND));
      await waitFor(() => load.sent.length > before + (PER_ROUND / 4) * (round + 1), "the load to run", 30_000);
      server.child.kill("SIGKILL");
      await Promise.all(running);
      await server.ended;
      for (const socket of sockets.values()) socket.close();
      server = await startServer(env);
    }
    const sockets = new Map<Person, Socket>();
    for (const person of people) sockets.set(person, await connect(server.url, person));
    await load.resend(sockets);
    checkStored(rowsOf(folder.path), load.sent);
    const histories = await Promise.all(people.map((person) => historyOf(server.url, person, group)));
    const withoutStart = histories.map((ids) =>
      ids.slice(-load.sent.filter(({ conversationId }) => conversationId === group).length),
    );
    assert.deepEqual(withoutStart[1], withoutStart[0], "all members see the same (I7)");
    assert.deepEqual(withoutStart[2], withoutStart[0]);
    await dataOf(api(server.url).post("/auth/refresh", { refreshToken: ann.refreshToken }));

    // A stop in order, under load: exit 0, and what was acknowledged is there.
    const running = people.map((person) => load.run(sockets.get(person)!, person, inConversation(person), PER_ROUND));
    const before = load.sent.length;
    await waitFor(() => load.sent.length > before + 100, "the load to run");
    server.child.kill("SIGTERM");
    await Promise.all(running);
    assert.equal(await server.ended, 0);
    const acknowledged = load.sent.filter(({ answers }) => answers.length > 0);
    const known = new Set(rowsOf(folder.path).map((row) => row.client_msg_id));
    assert.deepEqual(
      acknowledged.filter(({ clientMsgId }) => !known.has(clientMsgId)),
      [],
    );
  } finally {
    await server[Symbol.asyncDispose]();
  }
});
