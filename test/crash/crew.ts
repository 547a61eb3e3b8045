import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { directConversationId } from "../../lib/conversation-id.ts";
import { Device } from "../chaos/device.ts";
import { api, dataOf } from "../support/client.ts";
import { History } from "../chaos/history.ts";

export interface CrewMember {
  readonly userId: string;
  readonly device: Device;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly conversationIds: readonly string[];
}
export interface Crew {
  readonly history: History;
  readonly members: readonly CrewMember[];
  readonly conversationIds: readonly string[];
}
interface Account {
  readonly userId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

const PASSWORD = "lantern-quartz-42";

export async function signIn(url: string, username: string): Promise<Account> {
  interface Login extends Account {
    user: { userId: string };
  }
  const { user, accessToken, refreshToken } = await dataOf(
    api(url).post<Login>("/users/login", { username, password: PASSWORD }),
  );
  return { userId: user.userId, accessToken, refreshToken };
}

/** Four people; three direct conversations, and a group of all. Everything is made as any client would. */
export async function buildCrew(url: string): Promise<Crew> {
  const history = new History();
  const accounts: Account[] = [];
  for (const username of ["anna", "ben", "carla", "dora"]) {
    await dataOf(api(url).post("/users/register", { username, password: PASSWORD }));
    accounts.push(await signIn(url, username));
  }
  const pairs = [
    [0, 1],
    [2, 3],
    [0, 2],
    [0, 3],
  ].map(([a, b]) => [accounts[a!]!, accounts[b!]!] as const);
  for (const [a, b] of pairs) await befriend(url, a, b);
  const direct = pairs.map(([a, b]) => ({ conversationId: directConversationId(a.userId, b.userId), of: [a, b] }));
  const conversations = [...direct, { conversationId: await buildGroup(url, accounts), of: accounts }];
  return {
    history,
    conversationIds: conversations.map(({ conversationId }) => conversationId),
    members: accounts.map((account, i) => ({
      ...account,
      device: new Device({ history, url, userId: account.userId, token: account.accessToken, name: `device-${i}` }),
      conversationIds: conversations.filter(({ of }) => of.includes(account)).map(({ conversationId }) => conversationId),
    })),
  };
}

async function befriend(url: string, a: Account, b: Account): Promise<void> {
  const { requestId } = await dataOf(
    api(url, a.accessToken).post<{ requestId: string }>("/social/friends/request", { userId: b.userId }),
  );
  await dataOf(api(url, b.accessToken).put(`/social/friends/request/${requestId}`, { action: "accept" }));
}

async function buildGroup(url: string, [owner, ...others]: readonly Account[]): Promise<string> {
  for (const { accessToken } of others) await dataOf(api(url, accessToken).put(`/social/whitelist/${owner!.userId}`));
  const memberIds = others.map(({ userId }) => userId);
  const made = api(url, owner!.accessToken).post<{ group: { conversationId: string } }>("/social/groups", {
    name: "Crew",
    memberIds,
  });
  return (await dataOf(made)).group.conversationId;
}

/** Lanes of one person in one conversation: so many messages are under way at once. */
const LANES = 2;
const RETRY_MS = 20;
/** A message that is not acknowledged for so long never will be. */
const GIVE_UP_MS = 30_000;
/** One in so many messages is followed by a read receipt. */
const READ_EVERY = 20;

/**
 * Sends until it is told to stop, and resends whatever got no answer or "not now" under the same key, over a new connection
 * when the old one is gone. `finish` resolves when everything has been acknowledged.
 */
export class Load {
  answered = 0;
  #isStopping = false;
  #isAbandoned = false;
  readonly #devices: readonly Device[];
  readonly #work: Promise<unknown>;
  readonly #connecting = new Map<Device, Promise<void>>();

  constructor({ members }: Crew) {
    this.#devices = members.map(({ device }) => device);
    const lanes = members.flatMap((member) =>
      member.conversationIds.flatMap((conversationId) =>
        Array.from({ length: LANES }, (_, lane) => this.#run(member.device, conversationId, lane)),
      ),
    );
    this.#work = Promise.all(lanes);
    this.#work.catch(() => this.#abandon()); // `finish` says why
  }

  /** @throws when a message was refused, or not acknowledged for too long */
  async finish(): Promise<void> {
    this.#isStopping = true;
    await this.#work;
  }

  /** Ends it as it is, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abandon();
    await this.#work.catch(() => undefined); // `finish` says why
    await Promise.all(this.#devices.map((device) => device.disconnect()));
  }

  #abandon(): void {
    this.#isStopping = true;
    this.#isAbandoned = true;
  }

  async #run(device: Device, conversationId: string, lane: number): Promise<void> {
    for (let i = 0; !this.#isStopping; i++) {
      const clientMsgId = `${device.name}-${lane}-${i}`;
      const seq = await this.#send(device, conversationId, clientMsgId);
      if (randomInt(READ_EVERY) === 0) await device.read(conversationId, seq);
    }
  }

  async #send(device: Device, conversationId: string, clientMsgId: string): Promise<number> {
    const end = performance.now() + GIVE_UP_MS;
    while (performance.now() < end && !this.#isAbandoned) {
      await this.#connected(device);
      const { code, data } = await device.send(conversationId, clientMsgId, `text of ${clientMsgId}`);
      if (code === 0 && data) {
        this.answered++;
        return data.seq;
      }
      if (code !== null && ![3001, 9006].includes(code)) throw new Error(`${clientMsgId} was refused with ${code}`);
    }
    throw new Error(`${clientMsgId} was not acknowledged`);
  }

  #connected(device: Device): Promise<void> {
    if (device.isConnected) return Promise.resolve();
    let connecting = this.#connecting.get(device);
    if (!connecting) {
      connecting = this.#connect(device).finally(() => this.#connecting.delete(device));
      this.#connecting.set(device, connecting);
    }
    return connecting;
  }

  /** Tries until there is a server. */
  async #connect(device: Device): Promise<void> {
    while (!this.#isAbandoned) {
      try {
        return await device.connect([]);
      } catch {
        await delay(RETRY_MS);
      }
    }
  }
}
