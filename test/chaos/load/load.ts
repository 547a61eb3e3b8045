import type { DeviceOptions } from "../device.ts";
import { readPages } from "../read-pages.ts";
import type { FinalState, ReadHistory, ReadList } from "../final-state.ts";
import type { History } from "../history.ts";
import type { Account, PeopleConversation } from "../people.ts";
import { Random } from "../random.ts";
import { LoadClient, type Pace } from "./client.ts";

export interface LoadOptions {
  readonly history: History;
  /** Each client begins at one of them. */
  readonly gateways: readonly [string, ...string[]];
  readonly people: readonly Account[];
  readonly conversations: readonly PeopleConversation[];
  readonly pace: Pace;
  /** What each client does, and how long it waits, is the same for the same seed. */
  readonly seed: number;
}

/** Everybody uses everything they take part in; `await using` ends it as it is and closes the connections. */
export class Load {
  readonly clients: readonly LoadClient[];

  constructor(options: LoadOptions) {
    this.clients = options.people.map((person, index) => clientOf(options, person, index));
  }

  /** Messages that were acknowledged. */
  get answered(): number {
    return this.clients.reduce((sum, { answered }) => sum + answered, 0);
  }

  start(): void {
    for (const client of this.clients) client.start();
  }

  /** Ends when everything that was sent has its answer. @throws when a message was refused, or not acknowledged for too long */
  async finish(): Promise<void> {
    const ends = await Promise.allSettled(this.clients.map((client) => client.finish()));
    const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as Error] : []));
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join("; "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  /** What the clients know when they have read all that they missed. @throws when one cannot */
  async followed(): Promise<FinalState["followed"]> {
    const ends = await Promise.all(
      this.clients.map(async ({ device }) =>
        (await device.view.catchUp()) ? null : `${device.name} cannot read what it missed`,
      ),
    );
    const failures = ends.filter((end) => end !== null);
    if (failures.length > 0) throw new Error(failures.join("; "));
    return this.clients.flatMap(({ device }) => device.view.knows());
  }
}

function clientOf({ history, gateways, conversations, pace, seed }: LoadOptions, person: Account, index: number): LoadClient {
  const { userId, username, accessToken: token } = person;
  const mine = conversations.filter(({ of }) => of.some((one) => one.userId === userId)).map((one) => one.conversationId);
  const options = { history, urls: startingAt(gateways, index), userId, token, name: username };
  return new LoadClient(options, mine, pace, new Random(seed, username));
}

/** The same gateways, another one first. */
export function startingAt(gateways: readonly [string, ...string[]], index: number): DeviceOptions["urls"] {
  const at = index % gateways.length;
  return [gateways[at]!, ...gateways.slice(at + 1), ...gateways.slice(0, at)];
}

const PAGE = 100;

/** Everything as those who take part read it. */
export function readHistories({ clients }: Load, conversations: readonly PeopleConversation[]): Promise<ReadHistory[]> {
  return Promise.all(
    conversations.flatMap(({ conversationId, of }) =>
      clients
        .filter(({ device }) => of.some(({ userId }) => userId === device.userId))
        .map(async ({ device }) => {
          const { pages } = await readPages(device.rest, conversationId, "up", PAGE);
          return { userId: device.userId, conversationId, items: pages.flatMap(({ items }) => items) };
        }),
    ),
  );
}

/** The lists of all clients. @throws when one is refused */
export function readLists({ clients }: Load): Promise<ReadList[]> {
  return Promise.all(
    clients.map(async ({ device }) => {
      const { code, data } = await device.list();
      if (code !== 0 || !data) throw new Error(`${device.name} gets no list: ${code}`);
      return { userId: device.userId, device: device.name, conversations: data };
    }),
  );
}
