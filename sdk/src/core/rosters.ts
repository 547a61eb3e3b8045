import type { Friend, Group } from "../../../contracts/entities.ts";
import type { Result } from "../../../contracts/index.ts";
import type { Picture, Transaction } from "./picture.ts";

export interface RosterDeps {
  readonly picture: Picture;
  friendsSince(version: string | undefined): Promise<Result<"friend.list">>;
  groupsSince(version: string | undefined): Promise<Result<"group.mine">>;
  onFriends(friends: readonly Friend[]): void;
  onGroups(groups: readonly Group[]): void;
  onError(error: unknown): void;
}

/** Friends and own groups as the server has them, by their versions. */
export class Rosters {
  readonly #deps: RosterDeps;
  readonly #friends: Roster<Friend>;
  readonly #groups: Roster<Group>;

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
      takePeer,
    );
    this.#groups = new Roster(
      { picture, onError, table: "groups", keyOf: ({ groupId }) => groupId, since: deps.groupsSince, onChange: deps.onGroups },
      takeGroup,
    );
  }

  /** Asks for what changed, where the server's versions are others than ours; without them, for both. */
  async follow(versions?: { readonly friendsVersion?: string; readonly groupsVersion?: string }): Promise<void> {
    try {
      await Promise.all([
        !versions || versions.friendsVersion !== undefined ? this.#friends.follow(versions?.friendsVersion) : null,
        !versions || versions.groupsVersion !== undefined ? this.#groups.follow(versions?.groupsVersion) : null,
      ]);
    } catch (error) {
      this.#deps.onError(error);
    }
  }
}

interface One<T> {
  readonly picture: Picture;
  readonly table: "friends" | "groups";
  keyOf(item: T): string;
  since(version: string | undefined): Promise<{ items: T[]; removed: string[]; version: string }>;
  onChange(items: readonly T[]): void;
  onError(error: unknown): void;
}

class Roster<T> {
  readonly #one: One<T>;
  readonly #take: (tx: Transaction, item: T) => void;
  #running: Promise<void> | null = null;
  #isWanted = false;

  constructor(one: One<T>, take: (tx: Transaction, item: T) => void) {
    this.#one = one;
    this.#take = take;
  }

  async follow(version?: string): Promise<void> {
    const { picture, table } = this.#one;
    if (version !== undefined && (await picture.store.get("meta", [`${table}Version`])) === version) return;
    this.#isWanted = true;
    this.#running ??= this.#run().finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(): Promise<void> {
    const { picture, table, keyOf, since, onChange } = this.#one;
    while (this.#isWanted) {
      this.#isWanted = false;
      const known = (await picture.store.get("meta", [`${table}Version`])) as string | undefined;
      const { items, removed, version } = await since(known);
      await picture.transact(async (tx) => {
        if (known === undefined) tx.clearRoster(table);
        for (const item of items) {
          tx.put(table, keyOf(item), item);
          this.#take(tx, item);
        }
        for (const key of removed) tx.put(table, key, undefined);
        tx.put("meta", `${table}Version`, version);
      });
      if (known === undefined || items.length + removed.length > 0) onChange((await picture.store.list(table)) as T[]);
    }
  }
}

/** The people and groups of conversations look as in the rosters. */
function takePeer(tx: Transaction, { user }: Friend): void {
  for (const id of tx.conversationIds()) {
    const record = tx.conversation(id);
    if (record?.conversation.peer?.userId === user.userId)
      tx.putConversation({ ...record, conversation: { ...record.conversation, peer: user } });
  }
}

function takeGroup(tx: Transaction, group: Group): void {
  const record = tx.conversation(group.conversationId);
  if (record) tx.putConversation({ ...record, conversation: { ...record.conversation, group } });
}
