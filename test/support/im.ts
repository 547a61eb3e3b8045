import assert from "node:assert/strict";
import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Config } from "../../config/config.ts";
import type { Group, OwnUser } from "../../contracts/entities.ts";
import type { Params } from "../../contracts/index.ts";
import { directConversationId } from "../../lib/conversation-id.ts";
import { sharedDatabase, type Database } from "../../mixins/database/index.ts";
import { sharedHotStore, type HotStore } from "../../mixins/hot-store/index.ts";
import { withHttp, type HttpHost } from "../../mixins/http/index.ts";
import { sharedMessageLog, type MessageLog } from "../../mixins/message-log/index.ts";
import { withOutbox, type Outbox } from "../../mixins/outbox/index.ts";
import { allServices } from "../../services/index.ts";
import { api, connectClient, dataOf, type Client, type ConnectOptions, type RestClient } from "./client.ts";
import { createNode, type NodeOptions, type TestNode } from "./node.ts";

/** The whole product in this process, reached through HTTP and sockets; `await using` closes its clients and stops it. */
export interface Im extends AsyncDisposable {
  readonly url: string;
  readonly node: TestNode;
  readonly broker: ServiceBroker;
  readonly sql: Database;
  readonly hot: HotStore;
  readonly log: MessageLog;
  /** REST calls of nobody, or of the holder of a token. */
  api(token?: string): RestClient;
  /** A connection that is closed with the node. */
  connect(options: ConnectOptions): Promise<Client>;
  /** Waits until all durable events have been handled. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export interface ImOptions extends Pick<NodeOptions, "dataDir" | "broker"> {
  /** Services beside, or in the place of those of the same name. */
  readonly services?: readonly ServiceSchema[];
}

interface Inside {
  http: HttpHost;
  outbox: Outbox;
  sql: Database;
  hot: HotStore;
  log: MessageLog;
}

/** Starts a node with all services on a free port and a data folder of its own. */
export async function startIm(config: Partial<Config> = {}, { services = [], ...options }: ImOptions = {}): Promise<Im> {
  const { schema, inside } = lookInside();
  const replaced = new Set(services.map(({ name }) => name));
  const node = await createNode([...allServices.filter(({ name }) => !replaced.has(name)), ...services, schema], {
    ...options,
    config,
  });
  const { http, outbox, sql, hot, log } = inside;
  const { host, port } = http.address();
  const url = `http://${host}:${port}`;
  const clients: Client[] = [];
  const stop = async (): Promise<void> => {
    await node.stop();
    for (const client of clients) await client.close();
  };
  return {
    url,
    node,
    broker: node.broker,
    sql,
    hot,
    log,
    stop,
    settled: () => outbox.idle(),
    api: (token) => api(url, token),
    async connect(given) {
      const client = await connectClient(url, given);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** A service through which a test reaches what the real ones work on. */
function lookInside(): { schema: ServiceSchema; inside: Inside } {
  const inside = {} as Inside;
  const shared = [sharedDatabase, sharedHotStore, sharedMessageLog] as const;
  return {
    inside,
    schema: {
      name: "inside",
      mixins: [withHttp(), withOutbox()],
      async started() {
        const [sql, hot, { log }] = await Promise.all([
          sharedDatabase.acquire(this.broker),
          sharedHotStore.acquire(this.broker),
          sharedMessageLog.acquire(this.broker),
        ]);
        const { http, outbox } = this as unknown as Inside;
        Object.assign(inside, { http, outbox, sql, hot, log });
      },
      async stopped() {
        for (const one of shared) await one.release(this.broker);
      },
    },
  };
}

export const PASSWORD = "correct-horse-battery";

export interface TestUser {
  readonly userId: string;
  readonly username: string;
  readonly token: string;
  readonly refreshToken: string;
  readonly user: OwnUser;
  /** REST calls as this user. */
  readonly rest: RestClient;
  /** Another sign-in of the same user, on a device of its own. */
  signIn(more?: Partial<Params<"auth.login">>): Promise<TestUser>;
}

let names = 0;

/** Registers a user and signs them in, over REST. */
export async function buildUser(im: Im, name?: string): Promise<TestUser> {
  const username = name ?? `user_${process.pid}_${++names}`;
  await dataOf(im.api().post("/users/register", { username, password: PASSWORD }));
  return signIn(im, username, {});
}

async function signIn(im: Im, username: string, more: Partial<Params<"auth.login">>): Promise<TestUser> {
  interface Login {
    accessToken: string;
    refreshToken: string;
    user: OwnUser;
  }
  const { accessToken, refreshToken, user } = await dataOf(
    im.api().post<Login>("/users/login", { username, password: PASSWORD, ...more }),
  );
  return {
    userId: user.userId,
    username,
    token: accessToken,
    refreshToken,
    user,
    rest: im.api(accessToken),
    signIn: (again = {}) => signIn(im, username, again),
  };
}

/** Makes two users friends, and gives the id of their conversation. */
export async function befriend(im: Im, a: Pick<TestUser, "userId">, b: Pick<TestUser, "userId">): Promise<string> {
  const { requestId } = await im.node.as(a.userId, "friend.request", { userId: b.userId });
  await im.node.as(b.userId, "friend.handleRequest", { requestId, action: "accept" });
  return directConversationId(a.userId, b.userId);
}

/** A group that the others have joined at once; its first system message is there. */
export async function buildGroup(
  im: Im,
  owner: Pick<TestUser, "userId">,
  members: readonly Pick<TestUser, "userId">[] = [],
  more: Partial<Params<"group.create">> = {},
): Promise<Group> {
  await joinable(im, owner, members);
  const memberIds = members.map(({ userId }) => userId);
  const { group, joined } = await im.node.as(owner.userId, "group.create", { name: "Group", memberIds, ...more });
  assert.deepEqual(joined, memberIds);
  await im.settled();
  return group;
}

/** Puts people into a group, who join at once. */
export async function addToGroup(
  im: Im,
  by: Pick<TestUser, "userId">,
  groupId: string,
  members: readonly Pick<TestUser, "userId">[],
): Promise<void> {
  await joinable(im, by, members);
  const { joined } = await im.node.as(by.userId, "group.invite", { groupId, userIds: members.map(({ userId }) => userId) });
  assert.equal(joined.length, members.length);
  await im.settled();
}

/** Lets `inviter` put these people into groups without asking. */
async function joinable(im: Im, inviter: Pick<TestUser, "userId">, members: readonly Pick<TestUser, "userId">[]): Promise<void> {
  await Promise.all(members.map(({ userId }) => im.node.as(userId, "friend.allow", { userId: inviter.userId })));
}

let ids = 0;
/** A client message id that no other message has. */
export const clientMsgId = (): string => `c-${process.pid}-${++ids}`;

/** Params of `message.send` for a text. */
export function text(
  conversationId: string,
  words = "hello",
  more: Partial<Params<"message.send">> = {},
): Params<"message.send"> {
  return { conversationId, clientMsgId: clientMsgId(), type: "text", content: { text: words }, ...more };
}
