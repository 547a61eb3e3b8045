import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import { startServer, temporaryFolder, type RunningServer } from "../../../test/support/server-process.ts";
import { waitFor } from "../../../test/support/wait.ts";
import { createClient, type ImClient, type ImClientOptions, type LocalMessage } from "../../src/index.ts";
import { SERVER_SETTINGS } from "./settings.ts";

export { waitFor };

export const PASSWORD = "lantern-quartz-42";
/** Files of a run share a server, and may share a process. */
const FILE = randomBytes(4).toString("hex");
let people = 0;

/** A real server in a process of its own. */
export interface World extends AsyncDisposable {
  readonly url: string;
  /** A client that is signed in as a new user, and up to date. */
  newcomer(options?: ImClientOptions): Promise<ImClient>;
  /** Another client of the same user. */
  deviceOf(client: ImClient, options?: ImClientOptions): Promise<ImClient>;
  /** A client that is stopped with the world. */
  client(options?: ImClientOptions): ImClient;
}

/** With its data in a folder that goes with it. */
export interface OwnWorld extends World {
  /** Kills the server without a word. */
  kill(): Promise<void>;
  /** Starts it again on its port and data. */
  restart(): Promise<void>;
}

/** The server that the files of a run share, with clients of one's own: for whoever neither kills it nor needs other settings. */
export async function sharedWorld(): Promise<World> {
  const url = inject("serverUrl");
  const isReady = (): Promise<boolean> =>
    fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  await waitFor(isReady, "the server of the run", 20_000);
  return worldAt(url, async () => undefined);
}

export async function startWorld(env: Record<string, string> = {}): Promise<OwnWorld> {
  const folder = await temporaryFolder();
  const settings = { IM_DATA_DIR: folder.path, ...SERVER_SETTINGS, ...env };
  let server: RunningServer = await startServer(settings);
  const { url } = server;
  const world = worldAt(url, async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  return Object.assign(world, {
    async kill() {
      await server[Symbol.asyncDispose]();
    },
    async restart() {
      server = await startServer({ ...settings, IM_PORT: new URL(url).port });
    },
  });
}

/** @param end after the clients were stopped */
function worldAt(url: string, end: () => Promise<void>): World {
  const clients: ImClient[] = [];
  const client = (options: ImClientOptions = {}): ImClient => {
    const made = createClient({ url, ...options });
    clients.push(made);
    return made;
  };
  return {
    url,
    client,
    async newcomer(options) {
      const made = client(options);
      await made.start();
      await made.register({ username: `person.${FILE}.${++people}`, password: PASSWORD });
      await online(made);
      return made;
    },
    async deviceOf({ me }, options) {
      const made = client(options);
      await made.start();
      await made.signIn({ username: me!.username, password: PASSWORD });
      await online(made);
      return made;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((one) => one.stop()));
      await end();
    },
  };
}

export const online = (client: ImClient): Promise<unknown> =>
  waitFor(() => client.connection.state === "online", "the client to be online", 20_000);

/** Makes two people friends. @returns their conversation, which both know */
export async function befriend(a: ImClient, b: ImClient): Promise<string> {
  const { requestId } = await a.call("friend.request", { userId: b.me!.userId });
  await b.call("friend.handleRequest", { requestId, action: "accept" });
  const { conversationId } = await a.openDirect(b.me!.userId);
  await b.openDirect(a.me!.userId);
  return conversationId;
}

/** Makes a group of friends of the first one. */
export async function makeGroup(owner: ImClient, members: readonly ImClient[], name = "Group"): Promise<string> {
  for (const member of members) await member.call("friend.allow", { userId: owner.me!.userId });
  const { group } = await owner.call("group.create", { name, memberIds: members.map(({ me }) => me!.userId) });
  for (const one of [owner, ...members]) await waitFor(() => one.conversation(group.conversationId), "the group's conversation");
  return group.conversationId;
}

/** All messages of a conversation that a client can see, from the first on. */
export async function allMessages(client: ImClient, conversationId: string): Promise<readonly LocalMessage[]> {
  const window = client.messages(conversationId);
  try {
    await window.loadLatest();
    while (window.hasOlder) await window.loadOlder(100);
    return window.items;
  } finally {
    window.close();
  }
}

/** What a client shows, without what only one device knows. */
export async function pictureOf(client: ImClient): Promise<unknown> {
  const conversations = [];
  for (const { conversationId, ...conversation } of client.conversations) {
    const messages = (await allMessages(client, conversationId)).map(comparable);
    const { lastMessage, active: _, ...rest } = conversation;
    conversations.push({ conversationId, ...rest, lastMessage: lastMessage && comparable(lastMessage), messages });
  }
  const byId = <T>(items: readonly T[], id: (item: T) => string): T[] => items.toSorted((a, b) => (id(a) < id(b) ? -1 : 1));
  return {
    conversations: byId(conversations, ({ conversationId }) => conversationId),
    friends: byId(client.friends, ({ user }) => user.userId),
    groups: byId(client.groups, ({ groupId }) => groupId),
  };
}

/** How far a message has come is told in receipts, which no sync repeats. */
function comparable({ state: _, ...message }: LocalMessage): object {
  return message;
}
