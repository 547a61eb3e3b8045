import type { Friend, Group } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import { backoffMs } from "../backoff.ts";
import { ImError } from "../errors.ts";
import type { Picture, Transaction } from "./picture.ts";
import { unref } from "./session-keeper.ts";

export interface RosterDeps {
  readonly picture: Picture;
  readonly friendsSince: (version: string | undefined) => Promise<Result<"friend.list">>;
  readonly groupsSince: (version: string | undefined) => Promise<Result<"group.mine">>;
  readonly onFriends: (friends: readonly Friend[]) => void;
  readonly onGroups: (groups: readonly Group[]) => void;
  /** The user is no member of some group any more: what can be seen of its conversation, a sync tells. */
  readonly onLeft: () => void;
  readonly onError: (error: unknown) => void;
  readonly isOpen: () => boolean;
}

/** Friends and own groups as the server has them, by their versions. */
export class Rosters {
  readonly #deps: RosterDeps;
  readonly #friends: Roster<Friend>;
  readonly #groups: Roster<Group>;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #tries = 0;

  constructor(deps: RosterDeps) {
    this.#deps = deps;
    const { picture, onError } = deps;
    this.#friends = new Roster(
      {
        picture,
        onError,
        table: "friends",
        keyOf: ({ user }) => user.userId,
        since: deps.friendsSince,
        onChange: deps.onFriends,
      },
      takePeers,
    );
    this.#groups = new Roster(
      {
        picture,
        onError,
        table: "groups",
        keyOf: ({ groupId }) => groupId,
        since: deps.groupsSince,
        onChange: deps.onGroups,
        onRemoved: deps.onLeft,
      },
      takeGroups,
    );
  }

  /** Asks for what changed, where the server's versions are others than ours; without them, for both. */
  async follow(versions?: { readonly friendsVersion?: string; readonly groupsVersion?: string }): Promise<void> {
    try {
      await Promise.all([
        !versions || versions.friendsVersion !== undefined ? this.#friends.follow(versions?.friendsVersion) : null,
        !versions || versions.groupsVersion !== undefined ? this.#groups.follow(versions?.groupsVersion) : null,
      ]);
      this.#tries = 0;
    } catch (error) {
      this.#deps.onError(error);
      this.#again(error instanceof ImError ? error.retryAfterMs : 0);
    }
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Without a connection the next one asks. */
  #again(askedMs: number): void {
    if (this.#timer || !this.#deps.isOpen()) return;
    const { era } = this.#deps.picture;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        if (era === this.#deps.picture.era && this.#deps.isOpen()) void this.follow();
      },
      backoffMs(++this.#tries, askedMs),
    );
    unref(this.#timer);
  }
}

interface One<T> {
  readonly picture: Picture;
  readonly table: "friends" | "groups";
  readonly keyOf: (item: T) => string;
  readonly since: (version: string | undefined) => Promise<{ items: T[]; removed: string[]; version: string }>;
  readonly onChange: (items: readonly T[]) => void;
  readonly onRemoved?: () => void;
  readonly onError: (error: unknown) => void;
}

class Roster<T> {
  readonly #one: One<T>;
  readonly #take: (tx: Transaction, items: readonly T[]) => void;
  #running: { readonly era: number; readonly done: Promise<void> } | null = null;
  #isWanted = false;

  constructor(one: One<T>, take: (tx: Transaction, items: readonly T[]) => void) {
    this.#one = one;
    this.#take = take;
  }

  async follow(version?: string): Promise<void> {
    const { picture, table } = this.#one;
    if (version !== undefined && (await picture.store.get("meta", [`${table}Version`])) === version) return;
    this.#isWanted = true;
    const { era } = picture;
    if (this.#running?.era === era) return this.#running.done;
    const running = { era, done: this.#run(era) };
    this.#running = running; // one of an earlier session ends without effect
    try {
      await running.done;
    } finally {
      if (this.#running === running) this.#running = null;
    }
  }

  async #run(era: number): Promise<void> {
    const { picture } = this.#one;
    while (this.#isWanted && era === picture.era) {
      this.#isWanted = false;
      await this.#ask(era);
    }
  }

  async #ask(era: number): Promise<void> {
    const { picture, table, keyOf, since, onChange } = this.#one;
    const known = (await picture.store.get("meta", [`${table}Version`])) as string | undefined;
    const { items, removed, version } = await since(known);
    await picture.transact(async (tx) => {
      if (known === undefined) tx.clearRoster(table);
      for (const item of items) tx.put(table, keyOf(item), item);
      for (const key of removed) tx.put(table, key, undefined);
      tx.put("meta", `${table}Version`, version);
      this.#take(tx, items);
    }, era);
    if (removed.length > 0) this.#one.onRemoved?.();
    if (known !== undefined && items.length + removed.length === 0) return;
    const all = (await picture.store.list(table)) as T[];
    if (era === picture.era) onChange(all);
  }
}

/** The people and groups of conversations look as in the rosters. */
function takePeers(tx: Transaction, friends: readonly Friend[]): void {
  const users = new Map(friends.map(({ user }) => [user.userId, user]));
  if (users.size === 0) return;
  for (const id of tx.conversationIds()) {
    const record = tx.conversation(id);
    const peer = users.get(record?.conversation.peer?.userId ?? "");
    if (record && peer) tx.putConversation({ ...record, conversation: { ...record.conversation, peer } });
  }
}

function takeGroups(tx: Transaction, groups: readonly Group[]): void {
  for (const group of groups) {
    const record = tx.conversation(group.conversationId);
    if (record) tx.putConversation({ ...record, conversation: { ...record.conversation, group } });
  }
}
